"""Every golden case, and that together they cover every subject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from executions.actions import registry
from executions.errors import BadParameters
from executions.models import Execution
from executions.runbook.types import Problem
from executions.runbook.validate import check
from tests.golden.cases import Case, read_cases, read_subjects
from tests.golden.compare import compare
from tests.golden.stage import READS, Stage, calls, show

CASES = read_cases()
JUDGED = [case for case in CASES if case.accepted is not None or case.refused is not None]
RUNS = [case for case in CASES if case.is_run]


def test_every_subject_has_a_case_and_every_claim_is_a_subject() -> None:
    subjects = read_subjects()
    claimed = {key for case in CASES for key in case.covers}
    assert sorted(subjects.keys() - claimed) == [], "subjects without a case"
    assert sorted(claimed - subjects.keys()) == [], "claims that are no subject"


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case.name)
def test_a_document_is_judged(case: Case) -> None:
    runbook, problems = check(case.document, registry.specs(), case.format)
    errors = [problem for problem in problems if problem.severity == "error"]
    warnings = [problem for problem in problems if problem.severity == "warning"]
    assert_problems(errors, case.refused or [])
    assert (runbook is None) == bool(case.refused)
    if case.accepted is not None:
        assert_problems(warnings, case.accepted)


def assert_problems(found: list[Problem], expected: list[str]) -> None:
    """Each where it was expected, with the words that were expected."""
    shown = [f"{one.line}:{one.column} {one.path}: {one.message}" for one in found]
    assert len(shown) == len(expected), shown
    for text, wanted in zip(shown, expected, strict=True):
        place, _, words = wanted.partition(": ")
        assert text.startswith(f"{place}: "), wanted
        assert words in text, wanted


@pytest.mark.parametrize("case", RUNS, ids=lambda case: case.name)
def test_a_document_runs(case: Case, stage: Stage) -> None:
    if case.cannot_start is not None:
        with pytest.raises(BadParameters) as refused:
            stage.play(case)
        assert case.cannot_start in str(refused.value)
        return
    began = stage.runs.hand.now
    run = stage.play(case)
    assert_run(case, run)
    assert_steps(case, show(run))
    assert_pace(case, (stage.runs.hand.now - began).total_seconds(), stage)
    if case.others is not None:
        others = Execution.objects.exclude(pk=run.pk).order_by("depth")
        assert [f"{one.document_name} {one.status}" for one in others] == case.others
    if case.posted is not None:
        compare([[url, body.decode()] for url, _, body in stage.posted], case.posted, "posted")
    for wanted, reads in ((case.calls, False), (case.reads, True)):
        if wanted is not None:
            made = [{seen.operation: seen.request} for seen in calls(stage.fake, reads=reads)]
            compare(made, wanted, "calls")


def assert_pace(case: Case, seconds: float, stage: Stage) -> None:
    """How long it took, and how often AWS was looked at meanwhile."""
    if isinstance(case.seconds, list):
        assert case.seconds[0] <= seconds <= case.seconds[1]
    elif case.seconds is not None:
        assert seconds == case.seconds
    if case.looks is not None:
        looks = sum(seen.operation.startswith(READS) for seen in stage.fake.calls)
        assert case.looks[0] <= looks <= case.looks[1]


def assert_run(case: Case, run: Execution) -> None:
    """Its status, message, outputs and variables."""
    assert run.status == case.status, run.failure_message
    if case.published is not None:
        compare(run.outputs, case.published, "published")
    if case.variables is not None:
        compare(run.variables, case.variables, "variables")


def assert_steps(case: Case, shown: list[dict[str, Any]]) -> None:
    """The steps, and what the API shows of them."""
    if case.steps is not None:
        assert [f"{one['StepName']} {one['StepStatus']}" for one in shown] == case.steps
    if case.passes is not None:
        inside = [one["ParentStepDetails"] for one in shown if one.get("ParentStepDetails")]
        assert [f"{one['Iteration']} {one['IteratorValue']}" for one in inside] == case.passes
    last = {one["StepName"]: one for one in shown}
    for name, inputs in (case.inputs or {}).items():
        compare(last[name]["Inputs"], inputs, f"inputs of {name}")
    for name, outputs in (case.outputs or {}).items():
        compare(without_payload(last[name]["Outputs"], outputs), outputs, f"outputs of {name}")
    for name, words in (case.messages or {}).items():
        assert words in (last[name]["FailureMessage"] or ""), name
    for name, words in (case.stages or {}).items():
        details = last[name]["FailureDetails"]
        assert f"{details['FailureStage']} {details['FailureType']}" == words, name


def without_payload(shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs; OutputPayload repeats them all, and is left out unless it is asked for."""
    return {
        name: value
        for name, value in shown.items()
        if name != "OutputPayload" or "OutputPayload" in wanted
    }
