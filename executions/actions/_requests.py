"""What actions with typed inputs share: their spec, and the request that the inputs make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from executions.actions._calls import refused
from executions.actions.base import BadInput, CallFailed, StepContext
from executions.runbook.types import ActionSpec, Value

# How long AWS may not show yet what it has just made.
SETTLING: Final = timedelta(minutes=2)
# Between two looks for what a lost call may have made.
SECOND_LOOK: Final = timedelta(seconds=60)


def typed_spec(
    name: str, required: Mapping[str, str], optional: Mapping[str, str], **more: Any
) -> ActionSpec:
    """The spec of an action whose inputs (name -> type) are all known."""
    return ActionSpec(
        name=name,
        required=frozenset(required),
        optional=frozenset(optional),
        types={**required, **optional},
        **more,
    )


def pick(
    ctx: StepContext, names: Iterable[str], members: Mapping[str, str] = {}
) -> dict[str, Value]:
    """The inputs that are given, by name, or by what `members` (input -> member) calls them.

    A parameter that was left empty resolves to an empty text or list: that is not given either.
    """
    return {
        members.get(name, name): ctx.inputs[name]
        for name in names
        if ctx.inputs.get(name) not in (None, "", [])
    }


def need_text(ctx: StepContext, name: str) -> str:
    """A String input that must not be empty."""
    text = ctx.text(name).strip()
    if not text:
        raise BadInput(f"{name} is empty. Give a value for {ctx.step.action}.")
    return text


def ask(
    ctx: StepContext, service: str, operation: str, /, stage: str = "PostVerification", **more: Any
) -> dict[str, Any]:
    """A read whose refusal fails the step, with AWS's words."""
    try:
        return ctx.read(service, operation, **more)
    except CallFailed as error:
        raise refused(service, operation, error, stage=stage) from error


def is_settling(ctx: StepContext) -> bool:
    """Whether AWS may not show yet what the step's call has made."""
    return ctx.sent is not None and ctx.now - ctx.sent.at < SETTLING
