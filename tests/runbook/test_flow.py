"""What comes next, how a run ends, what it publishes."""

from __future__ import annotations

from typing import Any

import pytest

from executions.runbook.flow import (
    Move,
    Status,
    cancel_step,
    document_outputs,
    final_status,
    first_step,
    next_step,
    valid_next_steps,
)
from executions.runbook.template import Scope

from .builders import api, branch, choice, loop, runbook, step

END = Move("end")
NEXT = Move("step", "b")
JUMP = Move("step", "c")


@pytest.mark.parametrize(
    ("keys", "status", "move"),
    [
        ({}, "Success", NEXT),
        ({"nextStep": "c"}, "Success", JUMP),
        ({"isEnd": True}, "Success", END),
        ({"isEnd": True, "nextStep": "c"}, "Success", END),
        ({}, "Failed", END),
        ({}, "TimedOut", END),
        ({"isCritical": False}, "Failed", END),
        ({"onFailure": "Continue"}, "Failed", NEXT),
        ({"onFailure": "Continue"}, "TimedOut", NEXT),
        ({"onFailure": "Continue", "nextStep": "c"}, "Failed", JUMP),
        ({"onFailure": "Continue", "isEnd": True}, "Failed", END),
        ({"onFailure": "step:c"}, "Failed", JUMP),
        ({"onFailure": "step:c"}, "TimedOut", JUMP),
        ({"onFailure": "step:c", "isEnd": True}, "Failed", JUMP),
        ({"onFailure": "step:c"}, "Success", NEXT),
        ({"onFailure": "step:c"}, "Cancelled", END),
        ({"onFailure": "Continue"}, "Cancelled", END),
        ({"onCancel": "step:c"}, "Cancelled", END),
    ],
)
def test_next_step(keys: dict[str, Any], status: Status, move: Move) -> None:
    book = runbook(step("a", **keys), step("b"), step("c"))
    assert next_step(book, first_step(book), status) == move


def test_the_last_step_ends_the_run() -> None:
    book = runbook(step("a"))
    assert next_step(book, book.steps[0], "Success") == END


@pytest.mark.parametrize(
    ("keys", "chosen", "move"),
    [
        ({}, "c", JUMP),
        ({"isEnd": True}, "c", JUMP),
        ({"isEnd": True}, None, END),
        ({}, None, NEXT),
        ({"nextStep": "c"}, None, JUMP),
    ],
)
def test_after_a_branch(keys: dict[str, Any], chosen: str | None, move: Move) -> None:
    book = runbook(branch("a", choice("c"), **keys), step("b"), step("c"))
    assert next_step(book, book.steps[0], "Success", chosen) == move


def test_a_failed_branch_does_not_choose() -> None:
    book = runbook(branch("a", choice("c")), step("b"), step("c"))
    assert next_step(book, book.steps[0], "Failed") == END


def test_a_choice_the_runbook_lacks() -> None:
    book = runbook(branch("a", choice("c")), step("c"))
    with pytest.raises(LookupError, match="nowhere"):
        next_step(book, book.steps[0], "Success", "nowhere")


@pytest.mark.parametrize(
    ("keys", "status", "move"),
    [
        ({}, "Success", Move("pass")),
        ({"nextStep": "head"}, "Success", Move("step", "head")),
        ({"nextStep": "after"}, "Success", Move("step", "after", exits="each")),
        ({"isEnd": True}, "Success", Move("end", exits="each")),
        ({}, "Failed", Move("end", exits="each")),
        ({"onFailure": "Continue"}, "Failed", Move("pass")),
        ({"onFailure": "step:after"}, "Failed", Move("step", "after", exits="each")),
    ],
)
def test_inside_a_loop(keys: dict[str, Any], status: Status, move: Move) -> None:
    book = runbook(loop("each", step("head"), step("tail", **keys)), step("after"))
    head, tail = book.steps[0].steps
    assert next_step(book, head, "Success") == Move("step", "tail")
    assert next_step(book, tail, status) == move


def test_after_a_loop() -> None:
    book = runbook(loop("each", step("in")), step("after"))
    assert next_step(book, book.steps[0], "Success") == Move("step", "after")


def test_cancelling() -> None:
    book = runbook(
        step("a"),
        step("b", onCancel="step:c"),
        api("c"),
        loop("each", step("in", onCancel="step:c"), step("other")),
    )
    assert cancel_step(book, book.steps[0]) == END
    assert cancel_step(book, book.steps[1]) == JUMP
    assert cancel_step(book, book.steps[3].steps[0]) == Move("step", "c", exits="each")
    assert cancel_step(book, book.steps[3].steps[1]) == Move("end", exits="each")


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (step("a"), ["b"]),
        (step("a", nextStep="c"), ["c"]),
        (step("a", isEnd=True), []),
        (branch("a", choice("c"), choice("b"), choice("c")), ["c", "b"]),
        (branch("a", choice("c"), default="d"), ["c", "d"]),
        (branch("a", choice("c"), isEnd=True), ["c"]),
    ],
)
def test_valid_next_steps(made: dict[str, Any], names: list[str]) -> None:
    book = runbook(made, step("b"), step("c"), step("d"))
    assert valid_next_steps(book, book.steps[0]) == names


STEPS = (
    step("abort"),
    step("abort_uncritical", isCritical=False),
    step("goes_on", onFailure="Continue"),
    step("goes_on_critical", onFailure="Continue", isCritical=True),
    step("jumps", onFailure="step:clean"),
    step("jumps_uncritical", onFailure="step:clean", isCritical=False),
    step("clean"),
)


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        ([], "Success"),
        ([("abort", "Success")], "Success"),
        ([("abort", "Failed")], "Failed"),
        ([("abort", "TimedOut")], "TimedOut"),
        ([("abort_uncritical", "Failed")], "Failed"),
        ([("goes_on", "Failed"), ("clean", "Success")], "Success"),
        ([("goes_on_critical", "Failed"), ("clean", "Success")], "Failed"),
        ([("goes_on_critical", "TimedOut")], "TimedOut"),
        ([("jumps", "Failed"), ("clean", "Success")], "Failed"),
        ([("jumps", "TimedOut"), ("clean", "Success")], "TimedOut"),
        ([("jumps_uncritical", "Failed"), ("clean", "Success")], "Success"),
        ([("jumps", "TimedOut"), ("goes_on_critical", "Failed")], "Failed"),
        ([("goes_on", "TimedOut"), ("jumps", "TimedOut")], "TimedOut"),
        ([("clean", "Pending"), ("goes_on", "Exited")], "Success"),
        ([("gone", "Failed")], "Failed"),
    ],
)
def test_final_status(ended: list[tuple[str, str]], status: str) -> None:
    assert final_status(runbook(*STEPS), ended) == status
    assert final_status(runbook(*STEPS), ended, cancelled=True) == "Cancelled"


def test_document_outputs() -> None:
    book = runbook(
        api("a", "Id"),
        api("b", "Map"),
        outputs=["a.Id", "a.Ids", "b.Map", "c.No", "a.OutputPayload", "P", "b.Maps"],
        parameters={"P": {"type": "Integer"}},
    )
    outputs: dict[str, dict[str, Any]] = {
        "a": {"Id": "i-1", "Ids": ["i-1", "i-2"]},
        "b": {"Map": {"k": 1}, "Maps": [{"k": 1}, {"k": 2}]},
    }
    published = document_outputs(book, Scope(parameters={"P": 5}, outputs=outputs))
    placeholder = published.pop("c.No")
    assert placeholder[0].startswith("No output available yet")
    assert published == {
        "a.Id": ["i-1"],
        "a.Ids": ["i-1", "i-2"],
        "b.Map": ['{"k": 1}'],
        "b.Maps": ['{"k": 1}', '{"k": 2}'],
        "a.OutputPayload": ['{"Id": "i-1", "Ids": ["i-1", "i-2"]}'],
        "P": ["5"],
    }
