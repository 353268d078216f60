"""Conditions of branches and loops."""

from __future__ import annotations

from typing import Any

import pytest

from executions.runbook.choices import BadCondition, choose, evaluate
from executions.runbook.template import Scope

from .builders import choice

SCOPE = Scope(
    parameters={"P": "x", "Name": "Linux-2", "N": 5, "T": "5", "Yes": True, "L": ["a", "b"]},
    outputs={"s": {"One": ["only"], "Flag": "True"}},
)
HOLDS = {"Variable": "{{ P }}", "StringEquals": "x"}
FAILS = {"Variable": "{{ P }}", "StringEquals": "y"}
MISSING = {"Variable": "{{ s.None }}", "StringEquals": "y"}


@pytest.mark.parametrize(
    ("variable", "operator", "operand", "result"),
    [
        ("P", "StringEquals", "x", True),
        ("P", "StringEquals", "X", False),
        ("P", "StringEquals", "{{ P }}", True),
        ("N", "StringEquals", "5", True),
        ("Yes", "StringEquals", "true", True),
        ("s.One", "StringEquals", "only", True),
        ("L", "StringEquals", "a", False),
        ("P", "EqualsIgnoreCase", "X", True),
        ("Name", "StartsWith", "Linux", True),
        ("Name", "StartsWith", "linux", False),
        ("Name", "EndsWith", "-2", True),
        ("Name", "Contains", "nux", True),
        ("Name", "Contains", "mac", False),
        ("L", "Contains", "a", True),
        ("L", "Contains", "c", False),
        ("N", "NumericEquals", 5, True),
        ("T", "NumericEquals", 5, True),
        ("N", "NumericEquals", "5.0", True),
        ("N", "NumericGreater", 4, True),
        ("N", "NumericGreater", 5, False),
        ("N", "NumericLesser", 6, True),
        ("N", "NumericGreaterOrEquals", 5, True),
        ("N", "NumericLesserOrEquals", 4, False),
        ("N", "NumericGreater", 0.1, True),
        ("P", "NumericGreater", 1, False),
        ("P", "NumericLesserOrEquals", 1, False),
        ("Yes", "NumericEquals", 1, False),
        ("Yes", "BooleanEquals", True, True),
        ("Yes", "BooleanEquals", "true", True),
        ("s.Flag", "BooleanEquals", True, True),
        ("P", "BooleanEquals", False, False),
        ("s.None", "StringEquals", "", False),
        ("s.None", "NumericLesser", 99, False),
        ("s.None", "BooleanEquals", False, False),
        ("s.None", "Contains", "", False),
    ],
)
def test_operators(variable: str, operator: str, operand: Any, result: bool) -> None:
    condition = {"Variable": f"{{{{ {variable} }}}}", operator: operand}
    assert evaluate(condition, SCOPE) is result


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        ({"And": [HOLDS, HOLDS]}, True),
        ({"And": [HOLDS, FAILS]}, False),
        ({"Or": [FAILS, HOLDS]}, True),
        ({"Or": [FAILS, MISSING]}, False),
        ({"Not": FAILS}, True),
        ({"Not": MISSING}, True),
        ({"Not": {"Or": [FAILS, FAILS]}}, True),
        ({"And": [HOLDS, {"Not": {"And": [HOLDS, FAILS]}}]}, True),
        ({"Or": [{"And": [FAILS, HOLDS]}, {"Not": HOLDS}]}, False),
    ],
)
def test_nesting(condition: dict[str, Any], result: bool) -> None:
    assert evaluate(condition, SCOPE) is result


@pytest.mark.parametrize("condition", [{}, {"Variable": "{{ P }}"}, {"Not": 1}, {"Same": 1}])
def test_what_is_no_condition(condition: dict[str, Any]) -> None:
    with pytest.raises(BadCondition):
        evaluate(condition, SCOPE)


@pytest.mark.parametrize(
    ("inputs", "chosen"),
    [
        ({"Choices": [choice("a"), choice("b")]}, "a"),
        ({"Choices": [choice("a", StringEquals="y"), choice("b")]}, "b"),
        ({"Choices": [choice("a", StringEquals="y")], "Default": "d"}, "d"),
        ({"Choices": [choice("a", StringEquals="y")]}, None),
        ({"Choices": [{"NextStep": "a", "Not": FAILS}]}, "a"),
    ],
)
def test_choose(inputs: dict[str, Any], chosen: str | None) -> None:
    assert choose(inputs, SCOPE) == chosen


@pytest.mark.parametrize(
    "inputs", [{"Default": "a"}, {"Choices": [HOLDS]}, {"Choices": [{"And": 5}]}, {"Choices": [5]}]
)
def test_what_is_no_branch(inputs: dict[str, Any]) -> None:
    with pytest.raises(BadCondition):
        choose(inputs, SCOPE)
