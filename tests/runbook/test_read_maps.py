"""Texts of JSON where a map is wanted."""

from __future__ import annotations

from typing import Any

import pytest

from executions.runbook.convert import read_maps


@pytest.mark.parametrize(
    ("value", "type_name", "read"),
    [
        ('{"a": [1]}', "StringMap", {"a": [1]}),
        ('[{"a": 1}]', "MapList", [{"a": 1}]),
        ('{"a": 1}', "MapList", [{"a": 1}]),
        ({"a": 1}, "StringMap", {"a": 1}),
        ('{"a": 1}', "String", '{"a": 1}'),
        ('{"a": 1}', "", '{"a": 1}'),
        ("[1]", "StringMap", "[1]"),
        ("[1]", "MapList", "[1]"),
        ('{"a": NaN}', "StringMap", '{"a": NaN}'),
        ("{", "StringMap", "{"),
        ("", "MapList", ""),
    ],
)
def test_what_is_read(value: Any, type_name: str, read: Any) -> None:
    assert read_maps({"x": value}, {"x": type_name}) == {"x": read}
