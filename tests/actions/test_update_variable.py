"""aws:updateVariable: a value of the declared type, as it stands."""

from __future__ import annotations

from typing import Any

import pytest

from executions.actions.base import BadInput, Done
from executions.actions.update_variable import UpdateVariable
from tests.actions.answers import MakeContext

NAME = "aws:updateVariable"
DECLARED = {
    "flag": "Boolean",
    "count": "Integer",
    "text": "String",
    "names": "StringList",
    "map": "StringMap",
    "maps": "MapList",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flag", False),
        ("count", 0),
        ("text", "x" * 512),
        ("names", []),
        ("names", ["a"] * 50),
        ("map", {"k" * 50: 1}),
        ("maps", [{"a": {"b": 1}}] * 200),
    ],
)
def test_it_takes_a_value_of_the_type(make_context: MakeContext, name: str, value: Any) -> None:
    inputs = {"Name": f"variable:{name}", "Value": value}
    outcome = UpdateVariable().begin(make_context(NAME, inputs, variables=DECLARED))
    assert outcome == Done(variables={name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flag", "true"),
        ("flag", 1),
        ("count", "1"),
        ("count", True),
        ("text", 1),
        ("text", ""),
        ("text", "x" * 513),
        ("text", ["a"]),
        ("names", "a"),
        ("names", [1]),
        ("names", ["a"] * 51),
        ("map", "{}"),
        ("map", {"k" * 51: 1}),
        ("map", {"": 1}),
        ("maps", {}),
        ("maps", ["a"]),
        ("maps", [{}] * 201),
        ("text", None),
    ],
)
def test_it_converts_nothing(make_context: MakeContext, name: str, value: Any) -> None:
    inputs = {"Name": f"variable:{name}", "Value": value}
    with pytest.raises(BadInput, match=f"Variable {name} is a {DECLARED[name]}"):
        UpdateVariable().begin(make_context(NAME, inputs, variables=DECLARED))


@pytest.mark.parametrize("name", ["variable:none", "count", "variable:"])
def test_it_names_a_declared_variable(make_context: MakeContext, name: str) -> None:
    inputs = {"Name": name, "Value": 1}
    with pytest.raises(BadInput, match="Name must be variable:NAME"):
        UpdateVariable().begin(make_context(NAME, inputs, variables=DECLARED))


def test_it_needs_a_name(make_context: MakeContext) -> None:
    with pytest.raises(BadInput, match="Name is empty"):
        UpdateVariable().begin(make_context(NAME, {"Name": "", "Value": 1}, variables=DECLARED))
