"""aws:loop: repeat steps, for each of some values or while a condition holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from executions.actions._requests import typed_spec
from executions.actions.base import (
    BadInput,
    BaseAction,
    Done,
    Outcome,
    Pass,
    StepContext,
    action,
    type_word,
)
from executions.runbook.choices import BadCondition, evaluate
from executions.runbook.constraints import BadValue
from executions.runbook.template import render
from executions.runbook.types import Parameter, Value
from executions.runbook.values import from_wire

MOST: Final = 100  # passes, and items of Iterators
TYPES: Final = ("Boolean", "Integer", "String", "StringMap")


@action
class Loop(BaseAction):
    """AWS, "aws:loop - Iterate over steps in an automation".

    The engine runs the steps inside; this decides whether there is another pass.
    """

    spec = typed_spec(
        "aws:loop",
        {"Steps": ""},
        {
            "Iterators": "",
            "IteratorDataType": "String",
            "LoopCondition": "StringMap",
            "MaxIterations": "Integer",
        },
        outputs={"CurrentIteration": "Integer", "CurrentIteratorValue": "String"},
        can_be_cancel_target=False,
        can_have_on_cancel=False,
    )
    timeout: timedelta | None = None
    as_written = frozenset({"LoopCondition"})

    def begin(self, ctx: StepContext) -> Outcome:
        """Fix the values and their number, and begin the first pass if there is one."""
        if not ctx.step.steps:
            raise BadInput("Steps is empty. Name at least one step to repeat.")
        if ("Iterators" in ctx.inputs) == ("LoopCondition" in ctx.inputs):
            raise BadInput("Give either Iterators or LoopCondition: exactly one of them.")
        most = _read_most(ctx)
        if "LoopCondition" in ctx.inputs:
            return _begin_pass({"most": most, "iteration": 1})
        values = _read_values(ctx)[:most]
        if not values:
            return Done()
        return _begin_pass({"values": values, "most": len(values), "iteration": 1})

    def resume(self, ctx: StepContext) -> Outcome:
        """A pass has ended. The condition is looked at now, after each pass and not before."""
        state = dict(ctx.state)
        if state["iteration"] >= state["most"] or not _goes_on(ctx):
            return Done(outputs=_outputs(state))
        return _begin_pass({**state, "iteration": state["iteration"] + 1})


def _begin_pass(state: dict[str, Any]) -> Pass:
    return Pass(state["iteration"], state["most"], state, _outputs(state))


def _outputs(state: dict[str, Any]) -> dict[str, Value]:
    outputs: dict[str, Value] = {"CurrentIteration": state["iteration"]}
    if "values" in state:
        outputs["CurrentIteratorValue"] = state["values"][state["iteration"] - 1]
    return outputs


def _goes_on(ctx: StepContext) -> bool:
    if "values" in ctx.state:
        return True
    condition = ctx.step.inputs["LoopCondition"]
    if not isinstance(condition, dict):
        raise BadInput("LoopCondition must be one condition, a map.")
    try:
        return evaluate(condition, ctx.scope)
    except BadCondition as error:
        raise BadInput(f"LoopCondition: {error}") from error


def _read_most(ctx: StepContext) -> int:
    if "MaxIterations" not in ctx.inputs:
        if "LoopCondition" in ctx.inputs:
            raise BadInput("LoopCondition needs MaxIterations beside it.")
        return MOST
    most = ctx.number("MaxIterations", MOST)
    if not 1 <= most <= MOST:
        raise BadInput(f"MaxIterations must be from 1 to {MOST}, not {most}.")
    return most


def _read_values(ctx: StepContext) -> list[Value]:
    """The items as values of IteratorDataType."""
    items, kind = ctx.inputs["Iterators"], ctx.text("IteratorDataType", "String")
    if kind not in TYPES:
        raise BadInput(f"IteratorDataType is one of {', '.join(TYPES)}, not {kind!r:.80}.")
    if items is None or items == "":
        return []
    if isinstance(items, str):
        items = [items]
    if not isinstance(items, list):
        raise BadInput(f"Iterators must be a StringList, not {type_word(items)}.")
    if len(items) > MOST:
        raise BadInput(f"Iterators has {len(items)} items; a loop takes {MOST} at most.")
    return [_convert(item, kind, place) for place, item in enumerate(items, start=1)]


def _convert(item: Value, kind: str, place: int) -> Value:
    try:
        return from_wire(Parameter("Iterators", kind), [render(item)])
    except BadValue as error:
        raise BadInput(f"Item {place} of Iterators, {render(item):.80}, is no {kind}.") from error
