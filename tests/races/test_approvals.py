"""Decisions, the clock and a cancel, all at once: one of them wins, and the rest are told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from approvals import decisions
from approvals import history as of_approvals
from approvals.facts import digest
from approvals.models import ApprovalRequest, Decision
from console.iam.models import User
from executions import clock, lifecycle
from executions import history as of_runs
from executions.errors import Conflict
from executions.models import Event, Execution, JournalEntry
from tests.approvals.people import (
    ACCOUNT,
    DECIDE,
    NOON,
    RUN,
    drain,
    make_execution,
    make_person,
)
from tests.races.together import Try, at_once, led_by

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("any_db")]

ROLE = f"arn:aws:iam::{ACCOUNT}:role/Approvers"
CROWD, CLICKS, ROUNDS = 40, 50, 28


class ClockPerThread:
    """Hosts whose clocks do not agree: every thread may be early or late."""

    def __init__(self) -> None:
        self.offset = threading.local()
        self.moment = NOON

    def __call__(self) -> datetime:
        return self.moment + getattr(self.offset, "value", timedelta())


@pytest.fixture(autouse=True)
def clocks() -> Iterator[ClockPerThread]:
    """The clocks of all threads."""
    source = ClockPerThread()
    clock.use(source)
    yield source
    clock.use(None)


@pytest.fixture
def starter() -> User:
    """She starts the runs."""
    return make_person("olivia", *RUN)


def make_crowd(size: int) -> list[User]:
    """People who share a role, each with a session of their own."""
    sessions = ROLE.replace(":iam:", ":sts:").replace("role/", "assumed-role/")
    return [make_person(f"person-{n}", *DECIDE, arn=f"{sessions}/person-{n}") for n in range(size)]


def make_request(starter: User, required: int) -> ApprovalRequest:
    """A run that waits for people of the role."""
    others = [f"other-{n}" for n in range(required - 1)]
    inputs = {"Approvers": [ROLE, *others], "MinRequiredApprovals": required}
    execution = make_execution(starter, inputs=inputs)
    drain()
    return ApprovalRequest.objects.get(execution=execution)


def deciding(request: ApprovalRequest, person: User, verdict: str = "Approve") -> Try:
    """A try to decide, as a person that is read anew, as every web request does."""
    return lambda: (
        decisions.decide(request.id, by=User.objects.get(pk=person.pk), verdict=verdict).status
    )


def cancelling(request: ApprovalRequest, person: User) -> Try:
    """A try to cancel the run that asks."""
    return lambda: lifecycle.stop(Execution.objects.get(pk=request.execution_id), by=person)


def ends_of(request: ApprovalRequest) -> list[str]:
    """Every end that the journal tells of this request."""
    events = Event.objects.filter(execution=request.execution, kind__startswith="approval:")
    return [event.kind for event in events if event.kind not in ("approval:asked", "approval:vote")]


def runs_afterwards(request: ApprovalRequest) -> int:
    """How often the step after the approval began."""
    return Event.objects.filter(
        execution=request.execution, kind="step:started", step="afterwards"
    ).count()


def test_many_approvers_make_one_approval(starter: User) -> None:
    crowd = make_crowd(CROWD)
    for _ in range(3):
        JournalEntry.objects.all()._raw_delete(using="default")
        request = make_request(starter, required=3)
        answers = at_once([deciding(request, person) for person in crowd])
        refused = [answer for answer in answers if isinstance(answer, Conflict)]
        assert Counter(str(answer) for answer in answers if answer not in refused) == {
            "Pending": 2,
            "Approved": 1,
        }
        assert all("This was approved" in refusal.message for refusal in refused)
        assert Decision.objects.filter(request=request).count() == 3
        assert ends_of(request) == ["approval:approved"]
        assert Counter(JournalEntry.objects.values_list("granted", flat=True)) == {
            True: 3,
            False: CROWD - 3,
        }
        at_once([drain, drain])
        assert runs_afterwards(request) == 1


def test_the_harness_sees_races(starter: User) -> None:
    """The same crowd against a counter that is read, then saved: it approves more than once."""
    crowd = make_crowd(CROWD)

    def naively(request_id: UUID, person: User) -> bool:
        request = ApprovalRequest.objects.get(pk=request_id)
        if request.status != "Pending":
            return False
        Decision.objects.create(request=request, person=person, verdict="Approve")
        if request.decisions.count() < request.required:
            return False
        request.status = "Approved"
        request.save()
        return True

    def trying(request: ApprovalRequest, person: User) -> Try:
        return lambda: naively(request.id, person)

    approved = 0
    for _ in range(3):
        request = make_request(starter, required=3)
        approved += sum(map(bool, at_once([trying(request, person) for person in crowd])))
    assert approved > 3


def test_fifty_clicks_of_one_person_are_one_decision(starter: User) -> None:
    (person,) = make_crowd(1)
    for required in (1, 2):
        request = make_request(starter, required)
        answers = at_once([deciding(request, person)] * CLICKS)
        refusals = {answer.message for answer in answers if isinstance(answer, Conflict)}
        assert sum(isinstance(answer, Conflict) for answer in answers) == CLICKS - 1
        assert refusals == {"You decided already. You approved this on 02 Mar 2026 at 12:00 UTC."}
        assert Decision.objects.filter(request=request).count() == 1


def test_approve_reject_expiry_and_cancel_have_one_winner(
    starter: User, clocks: ClockPerThread
) -> None:
    approver, objector = make_crowd(2)
    winners: Counter[str] = Counter()
    for number in range(ROUNDS):
        request = make_request(starter, required=1)
        clocks.moment = request.deadline_at - timedelta(milliseconds=1)

        def work(fast: timedelta = timedelta(milliseconds=2 * (number % 2))) -> None:
            clocks.offset.value = fast
            drain()

        tries: list[Try] = [
            deciding(request, approver),
            deciding(request, objector, "Reject"),
            cancelling(request, starter),
            work,
        ]
        # In turn one of them is a moment ahead; in every third round nobody is.
        ahead = tries.pop(number % 4)
        at_once([ahead, *tries]) if number % 3 == 0 else led_by(ahead, tries)
        clocks.moment = request.deadline_at + timedelta(minutes=1)
        drain()
        check_history(request)
        request.refresh_from_db()
        winners[request.status] += 1
        clocks.moment = NOON
    assert set(winners) == {"Approved", "Rejected", "Expired", "Cancelled"}, winners
    assert sum(winners.values()) == ROUNDS


def check_history(request: ApprovalRequest) -> None:
    """One end, and nothing in rows or journal that contradicts it."""
    request = ApprovalRequest.objects.select_related("execution", "step").get(pk=request.pk)
    assert ends_of(request) == [f"approval:{request.status.lower()}"]
    verdicts = [decision.verdict for decision in request.decisions.all()]
    expected = {"Approved": ["Approve"], "Rejected": ["Reject"], "Expired": [], "Cancelled": []}
    assert verdicts == expected[request.status]
    assert digest(request.facts) == request.digest
    assert request.execution.is_over
    if request.status != "Approved":
        assert runs_afterwards(request) == 0
        assert request.execution.status != "Success"
    assert [*of_runs.problems(request.execution), *of_approvals.problems(request.execution)] == []
