"""Conditions of `aws:branch` and `aws:loop`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from .template import MissingValue, Scope, render, resolve
from .types import Value

_NUMBER: Final = re.compile(r"\s*[-+]?[0-9]{1,30}(?:\.[0-9]{1,30})?\s*")


class BadCondition(ValueError):
    """A condition that is not one; the step fails with this text."""


def evaluate(condition: Mapping[str, Value], scope: Scope) -> bool:
    """Whether a condition as written (Variable and operator, And, Or, Not) holds now.

    A reference without a value makes its comparison false (so true under Not), and so does an
    operand of the wrong kind. AWS, "aws:branch"; runbooks in its user guide depend on the first.
    """
    if "Not" in condition:
        return not evaluate(_as_map(condition["Not"]), scope)
    if "And" in condition:
        return all(evaluate(_as_map(part), scope) for part in _as_list(condition["And"]))
    if "Or" in condition:
        return any(evaluate(_as_map(part), scope) for part in _as_list(condition["Or"]))
    operator = next((name for name in OPERATORS if name in condition), None)
    if operator is None or "Variable" not in condition:
        raise BadCondition("A condition needs a Variable and an operator, or And, Or, Not.")
    try:
        left = resolve(condition["Variable"], scope)
        right = resolve(condition[operator], scope)
    except MissingValue:
        return False
    return OPERATORS[operator](left, right)


def choose(inputs: Mapping[str, Value], scope: Scope) -> str | None:
    """The step a branch goes to: first true choice, else Default, else None (falls through).

    `inputs` are the branch step's inputs as written, not resolved: a missing output makes its
    comparison false instead of failing the step.
    """
    for choice in _as_list(inputs.get("Choices")):
        if evaluate(_as_map(choice), scope):
            if "NextStep" not in choice:
                raise BadCondition("A choice needs NextStep, the name of a step.")
            return str(choice["NextStep"])
    default = inputs.get("Default")
    return None if default is None else str(default)


def _as_list(conditions: Value) -> list[Value]:
    if not isinstance(conditions, list):
        raise BadCondition("Choices, And and Or each take a list of conditions.")
    return conditions


def _as_map(condition: Value) -> Mapping[str, Value]:
    if not isinstance(condition, Mapping):
        raise BadCondition("A condition must be a map.")
    return condition


def _compare_text(test: Callable[[str, str], bool]) -> Callable[[Value, Value], bool]:
    def compare(left: Value, right: Value) -> bool:
        left, right = _single(left), _single(right)
        if isinstance(left, list | dict) or isinstance(right, list | dict):
            return False
        return test(render(left), render(right))

    return compare


def _compare_numbers(test: Callable[[Decimal, Decimal], bool]) -> Callable[[Value, Value], bool]:
    def compare(left: Value, right: Value) -> bool:
        numbers = _number(_single(left)), _number(_single(right))
        return numbers[0] is not None and numbers[1] is not None and test(numbers[0], numbers[1])

    return compare


def _single(value: Value) -> Value:
    """A one-item list serves wherever its item does."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _number(value: Value) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = value if isinstance(value, str) else repr(value)
    return Decimal(text.strip()) if _NUMBER.fullmatch(text) else None


def _truth(value: Value) -> bool | None:
    if isinstance(value, bool):
        return value
    words = {"true": True, "false": False}
    return words.get(value.strip().lower()) if isinstance(value, str) else None


def _equal_truth(left: Value, right: Value) -> bool:
    truth = _truth(_single(left))
    return truth is not None and truth == _truth(_single(right))


def _contains(left: Value, right: Value) -> bool:
    """Membership in a list, else a part of the text."""
    if isinstance(left, list):
        return render(_single(right)) in [render(item) for item in left]
    return _compare_text(lambda text, part: part in text)(left, right)


OPERATORS: Final[dict[str, Callable[[Value, Value], bool]]] = {
    "StringEquals": _compare_text(lambda left, right: left == right),
    "EqualsIgnoreCase": _compare_text(lambda left, right: left.casefold() == right.casefold()),
    "StartsWith": _compare_text(str.startswith),
    "EndsWith": _compare_text(str.endswith),
    "Contains": _contains,
    "NumericEquals": _compare_numbers(lambda left, right: left == right),
    "NumericGreater": _compare_numbers(lambda left, right: left > right),
    "NumericLesser": _compare_numbers(lambda left, right: left < right),
    "NumericGreaterOrEquals": _compare_numbers(lambda left, right: left >= right),
    "NumericLesserOrEquals": _compare_numbers(lambda left, right: left <= right),
    "BooleanEquals": _equal_truth,
}
