"""aws:executeAutomation: what it starts, and what it makes of the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from executions.actions.base import BadInput, Child, ChildRun, Done, StepFailed, Wait
from executions.actions.execute_automation import NOT_YET, ExecuteAutomation
from tests.actions.answers import MakeContext

NAME = "aws:executeAutomation"
RUN = ChildRun("e-1", "Doc", "InProgress", is_over=False, outputs=("x", "y"), message="")


def begin(make_context: MakeContext, **inputs: Any) -> Any:
    return ExecuteAutomation().begin(make_context(NAME, {"DocumentName": "Doc", **inputs}))


def test_it_starts_the_document(make_context: MakeContext) -> None:
    context = make_context(NAME, {"DocumentName": "Doc"})
    assert ExecuteAutomation().begin(context) == Child(
        "Doc", "", {}, until=context.now + timedelta(minutes=1)
    )


def test_values_become_those_of_the_wire(make_context: MakeContext) -> None:
    given = {"S": "x", "L": ["x", "y"], "I": 3, "B": False, "M": {"k": 1}, "E": [], "N": None}
    child = begin(make_context, RuntimeParameters=given)
    assert child.parameters == {
        "S": ["x"],
        "L": ["x", "y"],
        "I": ["3"],
        "B": ["false"],
        "M": ['{"k": 1}'],
        "E": [],
        "N": [],
    }


def test_version_and_tags(make_context: MakeContext) -> None:
    child = begin(make_context, DocumentVersion=3, Tags=[{"Key": "a", "Value": "b"}, {"Key": "c"}])
    assert (child.version, child.tags) == ("3", {"a": "b", "c": ""})


@pytest.mark.parametrize("name", NOT_YET)
def test_what_is_not_built_is_refused_by_name(make_context: MakeContext, name: str) -> None:
    with pytest.raises(BadInput, match=f"yet, so {name} cannot be used"):
        begin(make_context, **{name: ["x"]})


@pytest.mark.parametrize("name", NOT_YET)
def test_an_empty_one_is_none(make_context: MakeContext, name: str) -> None:
    assert isinstance(begin(make_context, **{name: ""}), Child)


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"DocumentName": " "}, "DocumentName is empty"),
        ({"RuntimeParameters": "x"}, "RuntimeParameters must be a map, not a String"),
        ({"Tags": "x"}, "Tags must be a list of maps"),
        ({"Tags": [{"Value": "b"}]}, "needs a Key and a Value"),
        ({"Tags": [{"Key": str(n)} for n in range(6)]}, "Tags has 6 tags"),
    ],
)
def test_inputs_that_start_nothing(
    make_context: MakeContext, inputs: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        begin(make_context, **inputs)


def resume(make_context: MakeContext, run: ChildRun | None) -> Any:
    return ExecuteAutomation().resume(
        make_context(NAME, {"DocumentName": "Doc"}, child=lambda: run)
    )


def test_it_waits_for_the_end(make_context: MakeContext) -> None:
    outcome = resume(make_context, RUN)
    assert isinstance(outcome, Wait)
    assert outcome.until - make_context(NAME, {}).now == timedelta(minutes=1)


def test_a_success_gives_all_outputs_in_one_list(make_context: MakeContext) -> None:
    outcome = resume(make_context, replace(RUN, status="Success", is_over=True))
    assert outcome == Done(
        outputs={"ExecutionId": "e-1", "Status": "Success", "Output": ["x", "y"]}
    )


@pytest.mark.parametrize("status", ["Failed", "TimedOut", "Cancelled"])
def test_any_other_end_is_a_failure(make_context: MakeContext, status: str) -> None:
    run = replace(RUN, status=status, is_over=True, message="Step s failed: no.")
    with pytest.raises(StepFailed, match=f"ended as {status}: Step s failed: no") as failed:
        resume(make_context, run)
    assert failed.value.outputs["Status"] == status
    assert failed.value.retryable


def test_a_run_that_was_never_started_is_started(make_context: MakeContext) -> None:
    assert isinstance(resume(make_context, None), Child)


@pytest.mark.parametrize("why", ["timeout", "cancel"])
@pytest.mark.parametrize("status", ["Success", "InProgress", "Failed"])
def test_only_a_success_overrules_and_only_a_time_out(
    make_context: MakeContext, why: str, status: str
) -> None:
    run = replace(RUN, status=status)
    context = make_context(NAME, {}, child=lambda: run)
    outcome = ExecuteAutomation().stopped(context, why)
    assert isinstance(outcome, Done) is (why == "timeout" and status == "Success")


def test_it_has_no_time_of_its_own() -> None:
    assert ExecuteAutomation.timeout is None
