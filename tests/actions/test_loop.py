"""aws:loop: which passes there are, and with which values."""

from __future__ import annotations

from typing import Any

import pytest

from executions.actions.base import BadInput, Done, Pass, StepContext
from executions.actions.loop import Loop
from executions.runbook.template import Scope
from executions.runbook.types import Step
from tests.actions.answers import MakeContext

NAME = "aws:loop"
INNER = (Step(name="inner", action="aws:sleep"),)
CONDITION = {"Variable": "{{ variable:n }}", "NumericLesser": 5}


def context(make_context: MakeContext, inputs: dict[str, Any], **more: Any) -> StepContext:
    """The context of a loop with one step inside."""
    return make_context(NAME, inputs, step=Step("l", NAME, inputs=inputs, steps=INNER), **more)


def begin(make_context: MakeContext, **inputs: Any) -> Any:
    return Loop().begin(context(make_context, inputs))


def test_the_first_pass(make_context: MakeContext) -> None:
    outcome = begin(make_context, Iterators=["x", "y"])
    state = {"values": ["x", "y"], "most": 2, "iteration": 1}
    outputs = {"CurrentIteration": 1, "CurrentIteratorValue": "x"}
    assert outcome == Pass(1, 2, state, outputs)


def test_the_next_pass_and_the_end(make_context: MakeContext) -> None:
    state = {"values": ["x", "y"], "most": 2, "iteration": 1}
    again = Loop().resume(context(make_context, {"Iterators": ["x", "y"]}, state=state))
    assert isinstance(again, Pass)
    assert again.outputs == {"CurrentIteration": 2, "CurrentIteratorValue": "y"}
    end = Loop().resume(context(make_context, {"Iterators": ["x", "y"]}, state=again.state))
    assert end == Done(outputs=again.outputs)


@pytest.mark.parametrize("empty", [[], "", None])
def test_nothing_to_do(make_context: MakeContext, empty: object) -> None:
    assert begin(make_context, Iterators=empty) == Done()


def test_a_single_text_is_one_item(make_context: MakeContext) -> None:
    assert begin(make_context, Iterators="x").state["values"] == ["x"]


@pytest.mark.parametrize(
    ("kind", "items", "values"),
    [
        ("String", ["x", 1, True, {"k": 1}], ["x", "1", "true", '{"k": 1}']),
        ("Integer", ["1", 2, " -3 "], [1, 2, -3]),
        ("Boolean", ["true", "False", True], [True, False, True]),
        ("StringMap", ['{"k": "v"}', {"k": "w"}], [{"k": "v"}, {"k": "w"}]),
    ],
)
def test_items_become_what_they_are_declared_as(
    make_context: MakeContext, kind: str, items: list[Any], values: list[Any]
) -> None:
    outcome = begin(make_context, Iterators=items, IteratorDataType=kind)
    assert outcome.state["values"] == values


@pytest.mark.parametrize(
    ("kind", "item"), [("Integer", "many"), ("Boolean", "yes"), ("StringMap", "[1]")]
)
def test_an_item_of_another_type_is_named(make_context: MakeContext, kind: str, item: str) -> None:
    with pytest.raises(BadInput, match="Item 2 of Iterators") as refused:
        begin(
            make_context,
            Iterators=[{"Integer": 1, "Boolean": True}.get(kind, {}), item],
            IteratorDataType=kind,
        )
    assert f"is no {kind}" in refused.value.message


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"Iterators": ["x"] * 101}, "101 items; a loop takes 100 at most"),
        ({"Iterators": {"k": "v"}}, "must be a StringList, not a map"),
        ({"Iterators": ["x"], "IteratorDataType": "Decimal"}, "IteratorDataType is one of"),
        ({"Iterators": ["x"], "MaxIterations": 0}, "MaxIterations must be from 1 to 100"),
        ({"Iterators": ["x"], "MaxIterations": 101}, "MaxIterations must be from 1 to 100"),
        ({"Iterators": ["x"], "LoopCondition": CONDITION}, "either Iterators or LoopCondition"),
        ({}, "either Iterators or LoopCondition"),
        ({"LoopCondition": CONDITION}, "needs MaxIterations"),
    ],
)
def test_inputs_that_make_no_loop(
    make_context: MakeContext, inputs: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        begin(make_context, **inputs)


def test_a_loop_around_nothing(make_context: MakeContext) -> None:
    with pytest.raises(BadInput, match="Steps is empty"):
        Loop().begin(make_context(NAME, {"Iterators": ["x"]}))


@pytest.mark.parametrize(("value", "kind"), [(4, Pass), (5, Done)])
def test_a_condition_decides_after_a_pass(
    make_context: MakeContext, value: int, kind: type
) -> None:
    inputs = {"LoopCondition": CONDITION, "MaxIterations": 3}
    first = begin(make_context, **inputs)
    assert first == Pass(1, 3, {"most": 3, "iteration": 1}, {"CurrentIteration": 1})
    scope = Scope(variables={"n": value})
    assert isinstance(
        Loop().resume(context(make_context, inputs, state=first.state, scope=scope)), kind
    )


def test_no_condition_outlasts_the_most_iterations(make_context: MakeContext) -> None:
    inputs = {"LoopCondition": CONDITION, "MaxIterations": 3}
    state = {"most": 3, "iteration": 3}
    scope = Scope(variables={"n": 0})
    assert Loop().resume(context(make_context, inputs, state=state, scope=scope)) == Done(
        outputs={"CurrentIteration": 3}
    )


@pytest.mark.parametrize("condition", [{}, {"And": "x"}, "text"])
def test_a_condition_that_is_none(make_context: MakeContext, condition: object) -> None:
    inputs = {"LoopCondition": condition, "MaxIterations": 3}
    with pytest.raises(BadInput, match="LoopCondition"):
        Loop().resume(context(make_context, inputs, state={"most": 3, "iteration": 1}))


def test_it_has_no_time_of_its_own_and_reads_the_condition_itself() -> None:
    assert Loop.timeout is None
    assert Loop.as_written == {"LoopCondition"}
    assert not Loop.spec.can_be_cancel_target
    assert not Loop.spec.can_have_on_cancel
