"""What is no text for PostgreSQL (NUL) is refused in words there too, and leaves its trace."""

from __future__ import annotations

import pytest

from approvals import decisions
from console.iam.models import User
from executions import signals
from executions.errors import BadParameters, Refused
from executions.models import JournalEntry
from tests.approvals.people import DECIDE, drain, make_execution, make_person
from tests.conftest import HandClock

NUL = "nul\x00"


@pytest.fixture
def olivia(any_db: None, hand_clock: HandClock) -> User:
    """She starts, and steers."""
    return make_person("olivia", *DECIDE)


@pytest.mark.parametrize(("verdict", "comment"), [("Approve", NUL), (NUL, "")])
def test_a_decision(olivia: User, verdict: str, comment: str) -> None:
    alice = make_person("alice", *DECIDE)
    execution = make_execution(olivia, inputs={"Approvers": ["alice"]})
    drain()
    request = execution.approval_requests.get()
    with pytest.raises(BadParameters):
        decisions.decide(request.pk, by=alice, verdict=verdict, comment=comment)
    assert not JournalEntry.objects.get().granted


@pytest.mark.parametrize("kind", ["StartStep", "Resume", "StopStep"])
def test_a_signal(olivia: User, kind: str) -> None:
    execution = make_execution(olivia, inputs={"Approvers": ["alice"]})
    with pytest.raises(Refused):
        signals.send(execution, kind, NUL, by=olivia)
    assert not JournalEntry.objects.get().granted


def test_a_verdict_on_an_unknown_outcome(olivia: User) -> None:
    execution = make_execution(olivia, inputs={"Approvers": ["alice"]})
    drain()
    step = execution.steps.get()
    with pytest.raises(BadParameters, match="is no text"):
        signals.settle_unknown(step, "adopt", comment=NUL, by=olivia)
    assert not JournalEntry.objects.get().granted
