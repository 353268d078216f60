"""aws:updateVariable: give a variable of the runbook another value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from executions.actions._requests import need_text, typed_spec
from executions.actions.base import (
    BadInput,
    BaseAction,
    Done,
    Outcome,
    StepContext,
    action,
    type_word,
)
from executions.runbook.types import Value

PREFIX: Final = "variable:"
LONGEST_TEXT, LONGEST_KEY, MOST_TEXTS, MOST_MAPS = 512, 50, 50, 200


@action
class UpdateVariable(BaseAction):
    """AWS, "aws:updateVariable - Updates a value for a runbook variable"."""

    spec = typed_spec(
        "aws:updateVariable", {"Name": "String", "Value": ""}, {}, can_have_on_cancel=False
    )
    timeout: timedelta | None = None

    def begin(self, ctx: StepContext) -> Outcome:
        """The value must be of the declared type as it stands: nothing is converted."""
        name = need_text(ctx, "Name").removeprefix(PREFIX)
        declared = ctx.variables.get(name)
        if declared is None or not ctx.text("Name").strip().startswith(PREFIX):
            raise BadInput(
                f"Name must be variable:NAME of a variable that the runbook declares, not "
                f"{ctx.text('Name')!r}."
            )
        value = ctx.inputs.get("Value")
        if not _CHECKS[declared](value):
            raise BadInput(
                f"Variable {name} is a {declared}, and takes no {type_word(value)[2:]} like "
                f"{str(value)[:80]!r}, or not one of that size."
            )
        return Done(variables={name: value})


def _is_text(value: Value) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_TEXT


def _is_integer(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_texts(value: Value) -> bool:
    if not isinstance(value, list) or len(value) > MOST_TEXTS:
        return False
    return all(isinstance(item, str) for item in value)


def _is_map(value: Value) -> bool:
    if not isinstance(value, dict):
        return False
    return all(1 <= len(str(key)) <= LONGEST_KEY for key in value)


def _are_maps(value: Value) -> bool:
    if not isinstance(value, list) or len(value) > MOST_MAPS:
        return False
    return all(_is_map(item) for item in value)


# AWS, "Using runbook variables": types, and how much each holds.
_CHECKS: Final[dict[str, Callable[[Value], bool]]] = {
    "Boolean": lambda value: isinstance(value, bool),
    "Integer": _is_integer,
    "String": _is_text,
    "StringList": _are_texts,
    "StringMap": _is_map,
    "MapList": _are_maps,
}
