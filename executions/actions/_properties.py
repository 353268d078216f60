"""How `aws:assertAwsResourceProperty` and `aws:waitForAwsResourceProperty` judge a response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from executions.actions._calls import NAMES, build_request, name_call
from executions.actions.base import BadInput, StepContext
from executions.runbook.jsonpath import MISSING, SelectorError, select
from executions.runbook.types import ActionSpec, Value

INPUTS: Final = NAMES | {"PropertySelector", "DesiredValues"}
LONGEST = 200  # characters of a value that a message repeats


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether the property has a desired value, and what it is, in words."""

    holds: bool
    words: str


def property_spec(name: str) -> ActionSpec:
    """What the validator must know of an action that judges a property."""
    types = dict.fromkeys(INPUTS, "String") | {"DesiredValues": "StringList"}
    return ActionSpec(name=name, required=INPUTS, optional=None, types=types)


def look(ctx: StepContext) -> Finding:
    """Ask AWS, and compare what `PropertySelector` picks with `DesiredValues`, as text.

    Booleans read `True` and `False`. What is missing or null never matches; a list matches if
    one of its items does. CallFailed if AWS refuses; BadInput if the inputs cannot be right.
    """
    service, operation = name_call(ctx)
    if not ctx.is_read(service, operation):
        raise BadInput(
            f"{operation} of {service} is not known to only read, and {ctx.step.action} may "
            "repeat its call. Name a reading operation, or use aws:executeAwsApi and aws:branch."
        )
    desired = _read_desired(ctx)
    response = ctx.read(service, operation, **build_request(ctx, INPUTS))
    return _compare(ctx.text("PropertySelector"), desired, response)


def _compare(selector: str, desired: list[str], response: dict[str, Any]) -> Finding:
    try:
        found = _as_texts(select(selector, response))
    except SelectorError as error:
        raise BadInput(f"PropertySelector {selector!r} cannot be used: {error}") from error
    shown = ", ".join(found)[:LONGEST] if found else "not in the response"
    holds = not set(found).isdisjoint(desired)
    return Finding(holds, f"{selector} is {shown}; desired: {' or '.join(desired)}")


def _read_desired(ctx: StepContext) -> list[str]:
    desired = ctx.texts("DesiredValues")
    if not desired:
        raise BadInput("DesiredValues is empty, so nothing can match. Give at least one value.")
    return desired


def _as_texts(value: Value) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [str(item) for item in items if item is not MISSING and item is not None]
