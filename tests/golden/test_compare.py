"""What came and what was wanted: a difference is found, also where some of it is left open."""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.compare import compare

SAME = [
    ({"a": [1, "x"]}, {"a": [1, "x"]}),
    ({"a": [1, "x"]}, {"a": "ANY"}),
    ("one two", "~two"),
    ("run 12", r"re:run \d+"),
]
OTHER = [
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": 1, "b": 2}, {"a": 1}),
    ([1, 2], [1]),
    ([1, 2], [2, 1]),
    (True, 1),
    ("1", 1),
    ({}, []),
    ("one two", "~three"),
    ("run 12x", r"re:run \d+"),
    ({"a": {"b": [{"c": "x"}]}}, {"a": {"b": [{"c": "y"}]}}),
]


@pytest.mark.parametrize(("found", "wanted"), SAME)
def test_the_same(found: Any, wanted: Any) -> None:
    compare(found, wanted, "it")


@pytest.mark.parametrize(("found", "wanted"), OTHER)
def test_something_else(found: Any, wanted: Any) -> None:
    with pytest.raises(AssertionError, match="it"):
        compare(found, wanted, "it")
