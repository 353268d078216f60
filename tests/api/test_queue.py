"""The queue as a client of the API sees it: Pending, and AWS's error when nobody more may wait."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from executions.models import Execution
from executions.states import Slot
from tests.api.conftest import refused, start
from tests.approvals.people import drain

FULL = "AutomationExecutionLimitExceededException"


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> None:
    settings.MOST_RUNNING, settings.MOST_QUEUED = 1, 1


def read(client: Any, execution: str) -> dict[str, Any]:
    """AutomationExecution."""
    answer = client.get_automation_execution(AutomationExecutionId=execution)
    return dict(answer["AutomationExecution"])


def test_a_start_beyond_the_queue_is_refused(olivia: Any, two: str) -> None:
    start(olivia, two)
    start(olivia, two)
    with refused(FULL, journalled=True) as message:
        start(olivia, two)
    assert "The queue of account 111122223333 is full" in message[0]
    assert "Start this execution again when" in message[0]


def test_there_is_room_again_when_one_was_stopped(olivia: Any, two: str) -> None:
    start(olivia, two)
    waiting = start(olivia, two)
    olivia.stop_automation_execution(AutomationExecutionId=waiting)
    assert Execution.objects.get(pk=start(olivia, two)).slot == Slot.QUEUED


def test_what_waits_is_pending_like_what_nobody_has_taken_yet(olivia: Any, two: str) -> None:
    accepted, waiting = (read(olivia, start(olivia, two)) for _ in range(2))
    assert accepted["AutomationExecutionStatus"] == waiting["AutomationExecutionStatus"]
    assert accepted["AutomationExecutionStatus"] == "Pending"
    assert set(accepted) == set(waiting)


def test_another_account_has_its_own_queue(olivia: Any, client_of: Any, two: str) -> None:
    start(olivia, two)
    start(olivia, two)
    outsider = client_of("outsider")
    outsider.create_document(
        Name="Theirs",
        Content='{"schemaVersion": "0.3", "mainSteps": [{"name": "a", "action": "aws:sleep",'
        ' "inputs": {"Duration": "PT0S"}}]}',
        DocumentFormat="JSON",
        DocumentType="Automation",
    )
    run = start(outsider, "Theirs")
    drain()
    assert read(outsider, run)["AutomationExecutionStatus"] == "Success"
