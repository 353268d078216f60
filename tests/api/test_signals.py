"""SendAutomationSignal: decisions by the people named, and interactive executions step by step."""

from __future__ import annotations

from typing import Any

import pytest

from approvals.models import Decision
from executions.models import Event, JournalEntry, Signal
from tests.api.conftest import ClientOf, refused, start
from tests.api.test_executions import NOBODY, read
from tests.approvals.people import drain

INVALID = "InvalidAutomationSignalException"


def send(client: Any, run: str, kind: str, **payload: str) -> None:
    """Send a signal."""
    more = {"Payload": {name: [value] for name, value in payload.items()}} if payload else {}
    answer = client.send_automation_signal(AutomationExecutionId=run, SignalType=kind, **more)
    assert answer.keys() == {"ResponseMetadata"}


@pytest.fixture
def waiting(olivia: Any, ask: str) -> str:
    """An execution of olivia's that waits for alice or bob."""
    run = start(olivia, ask)
    drain()
    assert read(olivia, run)["AutomationExecutionStatus"] == "Waiting"
    return run


@pytest.fixture
def by_hand(olivia: Any, two: str) -> str:
    """An interactive execution of olivia's, at its start."""
    run = start(olivia, two, Mode="Interactive")
    drain()
    return run


# -- decisions


def test_approve(client_of: ClientOf, olivia: Any, waiting: str) -> None:
    send(client_of("approver"), waiting, "Approve", Comment="Looks good.")
    drain()
    assert read(olivia, waiting)["AutomationExecutionStatus"] == "Success"
    decision = Decision.objects.get()
    assert (decision.verdict, decision.comment) == ("Approve", "Looks good.")
    assert Event.objects.filter(kind="approval:approved").exists()
    entry = JournalEntry.objects.get(action="ssm:SendAutomationSignal")
    assert entry.granted
    with refused(INVALID, journalled=True):
        send(client_of("approver"), waiting, "Approve")


def test_reject(client_of: ClientOf, olivia: Any, waiting: str) -> None:
    send(client_of("approver"), waiting, "Reject", Comment="Not today.")
    drain()
    found = read(olivia, waiting)
    assert found["AutomationExecutionStatus"] == "Failed"
    assert "Not today." in found["StepExecutions"][0]["FailureMessage"]


def test_only_who_is_named_decides(client_of: ClientOf, waiting: str) -> None:
    for kind in ("operator", "viewer", "administrator", "stranger"):
        with refused("AccessDeniedException", journalled=True):
            send(client_of(kind), waiting, "Approve")
    with refused("AutomationExecutionNotFoundException"):
        send(client_of("outsider"), waiting, "Approve")


def test_nothing_to_decide(client_of: ClientOf, olivia: Any, two: str) -> None:
    run = start(olivia, two)
    with refused(INVALID, journalled=True):
        send(client_of("approver"), run, "Approve")
    with refused("AccessDeniedException", journalled=True):
        send(client_of("viewer"), run, "Approve")
    with refused("AutomationExecutionNotFoundException"):
        send(client_of("approver"), NOBODY, "Approve")


def test_two_comments(client_of: ClientOf, waiting: str) -> None:
    with refused(INVALID):
        client_of("approver").send_automation_signal(
            AutomationExecutionId=waiting, SignalType="Approve", Payload={"Comment": ["a", "b"]}
        )


# -- step by step


def test_step_by_step(olivia: Any, by_hand: str) -> None:
    found = read(olivia, by_hand)
    assert (found["Mode"], found["AutomationExecutionStatus"]) == ("Interactive", "Waiting")
    assert found["CurrentStepName"] == "first"
    for name in ("first", "second", "first"):
        send(olivia, by_hand, "StartStep", StepName=name)
        drain()
        assert read(olivia, by_hand)["AutomationExecutionStatus"] == "Waiting"
    steps = [step["StepName"] for step in read(olivia, by_hand)["StepExecutions"]]
    assert steps == ["first", "second", "first"]
    olivia.stop_automation_execution(AutomationExecutionId=by_hand, Type="Complete")
    drain()
    assert read(olivia, by_hand)["AutomationExecutionStatus"] == "Success"
    with refused(INVALID, journalled=True):
        send(olivia, by_hand, "StartStep", StepName="first")


def test_resume_starts_a_step_too(olivia: Any, by_hand: str) -> None:
    send(olivia, by_hand, "Resume", StepName="first")
    drain()
    assert read(olivia, by_hand)["StepExecutions"][0]["StepStatus"] == "Success"


def test_stop_step(olivia: Any, ask: str) -> None:
    run = start(olivia, ask, Mode="Interactive")
    drain()
    send(olivia, run, "StartStep", StepName="ask")
    drain()
    step = read(olivia, run)["StepExecutions"][0]
    assert step["StepStatus"] == "Waiting"
    with refused(INVALID):  # one at a time
        send(olivia, run, "StartStep", StepName="after")
    send(olivia, run, "StopStep", StepExecutionId=step["StepExecutionId"])
    with refused(INVALID):
        send(olivia, run, "StopStep", StepExecutionId=step["StepExecutionId"])
    drain()
    found = read(olivia, run)
    assert found["StepExecutions"][0]["StepStatus"] == "Cancelled"
    assert found["AutomationExecutionStatus"] == "Waiting"
    with refused(INVALID):
        send(olivia, run, "StopStep", StepExecutionId=step["StepExecutionId"])


@pytest.mark.parametrize(
    ("kind", "payload", "code"),
    [
        ("StartStep", {"StepName": "third"}, "AutomationStepNotFoundException"),
        ("Resume", {"StepName": "third"}, "AutomationStepNotFoundException"),
        ("StopStep", {"StepExecutionId": NOBODY}, "AutomationStepNotFoundException"),
        ("StopStep", {"StepExecutionId": "first"}, "AutomationStepNotFoundException"),
        ("StartStep", {}, INVALID),
        ("StopStep", {"StepName": "first"}, INVALID),
        ("Revoke", {}, INVALID),
        ("Deny", {}, "ValidationException"),
    ],
)
def test_signal_that_means_nothing(
    olivia: Any, by_hand: str, kind: str, payload: dict[str, str], code: str
) -> None:
    with refused(code):
        send(olivia, by_hand, kind, **payload)


def test_two_starts_of_steps_at_once(olivia: Any, by_hand: str) -> None:
    send(olivia, by_hand, "StartStep", StepName="first")
    with refused(INVALID, journalled=True):
        send(olivia, by_hand, "StartStep", StepName="second")
    assert Signal.objects.count() == 1


def test_run_that_runs_by_itself(olivia: Any, waiting: str) -> None:
    step = read(olivia, waiting)["StepExecutions"][0]["StepExecutionId"]
    for kind, payload in (
        ("StartStep", {"StepName": "ask"}),
        ("StopStep", {"StepExecutionId": step}),
    ):
        with refused(INVALID, journalled=True):
            send(olivia, waiting, kind, **payload)


def test_who_may_steer(client_of: ClientOf, by_hand: str) -> None:
    for kind in ("viewer", "stranger"):
        with refused("AccessDeniedException", journalled=True):
            send(client_of(kind), by_hand, "StartStep", StepName="first")
    with refused("AutomationExecutionNotFoundException"):
        send(client_of("outsider"), by_hand, "StartStep", StepName="first")
