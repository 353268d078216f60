"""Decisions, the clock and a cancel, all at once: one of them wins, and the rest are told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

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
from tests.approvals.people import NOON, RUN, drain, make_execution, make_person
from tests.races.crowd import QUORUM, asking, decide_naively, make_crowd
from tests.races.rounds import Tell, rounds
from tests.races.together import Try, at_once, race

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("any_db")]

CROWD, CLICKS, ROUNDS = 100, 100, rounds(28)
MILLISECONDS = (1, 10, 50)  # before and after the deadline


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


def make_request(starter: User, required: int) -> ApprovalRequest:
    """A run that waits for people of the role."""
    execution = make_execution(starter, inputs=asking(required))
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
    for _ in range(rounds(1, 10)):
        JournalEntry.objects.all()._raw_delete(using="default")
        request = make_request(starter, QUORUM)
        answers = at_once([deciding(request, person) for person in crowd])
        refused = [answer for answer in answers if isinstance(answer, Conflict)]
        assert Counter(str(answer) for answer in answers if answer not in refused) == {
            "Pending": QUORUM - 1,
            "Approved": 1,
        }
        assert all("This was approved" in refusal.message for refusal in refused)
        assert Decision.objects.filter(request=request).count() == QUORUM
        assert ends_of(request) == ["approval:approved"]
        assert Counter(JournalEntry.objects.values_list("granted", flat=True)) == {
            True: QUORUM,
            False: CROWD - QUORUM,
        }
        at_once([drain, drain])
        assert runs_afterwards(request) == 1


def test_the_harness_sees_races(starter: User) -> None:
    """The same crowd against a counter that is read, then saved: it approves more than once."""
    crowd = make_crowd(CROWD)

    def trying(request: ApprovalRequest, person: User) -> Try:
        return lambda: decide_naively(request.id, by=person, verdict="Approve").status

    request = make_request(starter, QUORUM)
    answers = at_once([trying(request, person) for person in crowd])
    assert answers.count("Approved") > 1


def test_a_hundred_clicks_of_one_person_are_one_decision(starter: User) -> None:
    (person,) = make_crowd(1)
    for number in range(rounds(1, 10)):
        request = make_request(starter, required=2 - number % 2)
        answers = at_once([deciding(request, person)] * CLICKS)
        refusals = {answer.message for answer in answers if isinstance(answer, Conflict)}
        assert sum(isinstance(answer, Conflict) for answer in answers) == CLICKS - 1
        assert refusals == {"You decided already. You approved this on 02 Mar 2026 at 12:00 UTC."}
        assert Decision.objects.filter(request=request).count() == 1


def test_approve_reject_expiry_and_cancel_have_one_winner(
    starter: User, clocks: ClockPerThread, tell: Tell
) -> None:
    approver, objector = make_crowd(2)
    winners: Counter[str] = Counter()
    for number in range(ROUNDS):
        request = make_request(starter, required=1)
        people, worker = set_clocks(number)
        clocks.moment = request.deadline_at + people

        def work(fast: timedelta = worker - people) -> None:
            clocks.offset.value = fast
            drain()

        tries: list[Try] = [
            deciding(request, approver),
            deciding(request, objector, "Reject"),
            cancelling(request, starter),
            work,
        ]
        race(number, tries)
        clocks.moment = request.deadline_at + timedelta(minutes=1)
        drain()
        check_history(request)
        request.refresh_from_db()
        winners[request.status] += 1
        clocks.moment = NOON
    tell(winners)
    assert set(winners) == {"Approved", "Rejected", "Expired", "Cancelled"}, winners
    assert winners.total() == ROUNDS


def set_clocks(number: int) -> tuple[timedelta, timedelta]:
    """How far from the deadline it is for those who decide, and for the worker."""
    early, late = (timedelta(milliseconds=MILLISECONDS[number // 4 % 3] * by) for by in (-1, 1))
    if number % 5 == 4:
        return late, early
    return early, late if number % 2 else early


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
