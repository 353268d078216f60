"""The queue: how many runs there are at once, who comes next, and what never waits."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from console.iam.models import User
from console.management.commands.clock import look
from executions import admission, lifecycle, queue
from executions.errors import Refused
from executions.models import Account, Event, Execution, JournalEntry
from executions.states import NEVER, Slot
from tests.approvals.people import make_person
from tests.engine.conftest import MAY
from tests.engine.runs import REGION, WORKER_ROLE, Runs, fresh, make_version, statuses, told
from tests.engine.steps import Step, approve, execute, publish, sleep

STAGING = "444455556666"
PAUSE = {"name": "b", "action": "aws:pause", "inputs": {}}


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> None:
    """Two run, one more may be blocked, three wait."""
    settings.MOST_RUNNING, settings.MOST_BLOCKED, settings.MOST_QUEUED = 2, 1, 3


def start(runs: Runs, *steps: Step) -> Execution:
    """Start a run a moment after the one before."""
    runs.hand.move(milliseconds=1)
    return runs.start(*(steps or (publish("a"),)))


def hold(runs: Runs, count: int = 2) -> list[Execution]:
    """Runs that run, and that nothing ends but a stop: a child sleeps for them."""
    name = make_version(sleep("s", "PT100H")).document.name
    held = [start(runs, execute("a", name)) for _ in range(count)]
    runs.work()
    assert slots(*held) == [Slot.RUNNING] * count
    return held


def slots(*runs: Execution) -> list[str | None]:
    """What each holds."""
    return [fresh(run).slot for run in runs]


def places(*runs: Execution) -> list[int | None]:
    """The place of each in the queue."""
    found = [fresh(run) for run in runs]
    admission.find_places(found)
    return [run.place for run in found]


def test_runs_above_the_limit_wait_in_the_queue(runs: Runs) -> None:
    hold(runs)
    waiting = [start(runs) for _ in range(3)]
    runs.work()
    assert slots(*waiting) == [Slot.QUEUED] * 3
    assert {fresh(run).status for run in waiting} == {"Pending"}
    assert {fresh(run).wake_at for run in waiting} == {NEVER}
    assert told(waiting[0]) == ["execution:accepted"]
    assert places(*waiting) == [1, 2, 3]


def test_a_run_has_no_slot_when_it_has_ended(runs: Runs) -> None:
    run = start(runs)
    assert slots(run) == [Slot.RUNNING]
    runs.drain()
    assert (fresh(run).status, slots(run)) == ("Success", [None])


def test_an_end_lets_the_longest_waiting_begin(runs: Runs) -> None:
    first, _ = hold(runs)
    second, third = start(runs, *endless()), start(runs)
    runs.stop(first)
    runs.work()
    assert slots(first, second, third) == [None, Slot.RUNNING, Slot.QUEUED]
    assert places(second, third) == [None, 1]
    assert fresh(second).status == "InProgress"


def endless() -> tuple[Step, ...]:
    """Steps that hold a slot until they are stopped."""
    return (execute("a", make_version(sleep("s", "PT100H")).document.name),)


def test_the_queue_is_first_in_first_out(runs: Runs, settings: Settings) -> None:
    settings.MOST_RUNNING, settings.MOST_QUEUED = 1, 20
    (held,) = hold(runs, 1)
    waiting = [start(runs) for _ in range(10)]
    runs.stop(held)
    runs.drain()
    begun = Event.objects.filter(kind="execution:started").order_by("id")
    assert [event.execution_id for event in begun[2:]] == [run.pk for run in waiting]
    assert {fresh(run).status for run in waiting} == {"Success"}


def test_nobody_overtakes_the_queue(runs: Runs, settings: Settings) -> None:
    hold(runs)
    waiting = start(runs)
    settings.MOST_RUNNING = 3  # there is a slot, and nobody has given it away yet
    late = start(runs)
    assert slots(waiting, late) == [Slot.QUEUED, Slot.QUEUED]
    assert (admission.refill_all(), slots(waiting, late)) == (1, [Slot.RUNNING, Slot.QUEUED])


@pytest.mark.parametrize("step", [sleep("b", "PT100H"), approve("b", "alice"), PAUSE])
def test_a_blocked_run_frees_its_slot(runs: Runs, step: Step) -> None:
    blocked = start(runs, step)
    hold(runs, 1)
    waiting = start(runs, *endless())
    assert slots(blocked, waiting) == [Slot.BLOCKED, Slot.RUNNING]


def test_while_extra_slots_last(runs: Runs) -> None:
    extra, usual = start(runs, sleep("b", "PT100H")), start(runs, sleep("b", "PT100H"))
    runs.work()
    assert slots(extra, usual) == [Slot.BLOCKED] * 2
    assert slots(start(runs), start(runs)) == [Slot.RUNNING, Slot.QUEUED]


def test_a_run_that_goes_on_never_waits_for_a_slot(runs: Runs) -> None:
    sleeper = start(runs, sleep("b", "PT1H"), *endless())
    runs.work()
    hold(runs)
    waiting = start(runs)
    runs.hand.move(hours=1)
    runs.work()
    assert statuses(sleeper) == {"b": "Success", "a": "InProgress"}
    assert slots(sleeper, waiting) == [Slot.RUNNING, Slot.QUEUED]  # three run: as many as may be


def test_no_more_are_admitted_while_too_many_run(runs: Runs) -> None:
    sleeper = start(runs, sleep("b", "PT1H"), *endless())
    runs.work()
    first, second = hold(runs)
    waiting = start(runs)
    runs.hand.move(hours=1)
    runs.work()
    runs.stop(first)
    runs.work()
    assert slots(sleeper, second, waiting) == [Slot.RUNNING, Slot.RUNNING, Slot.QUEUED]
    runs.stop(second)
    runs.work()
    assert fresh(waiting).status == "Success"


def test_a_cancelled_run_leaves_the_queue_and_ends_without_a_slot(runs: Runs) -> None:
    hold(runs)
    gone, waiting = start(runs), start(runs)
    runs.stop(gone)
    assert places(gone, waiting) == [None, 1]
    runs.work()
    assert (fresh(gone).status, statuses(gone)) == ("Cancelled", {})
    assert fresh(waiting).status == "Pending"


def test_a_nudge_does_not_admit(runs: Runs) -> None:
    hold(runs)
    waiting = start(runs)
    assert Execution.objects.filter(pk=waiting.pk).nudge() == 1  # it takes the row all the same
    runs.work()
    assert (fresh(waiting).status, fresh(waiting).wake_at) == ("Pending", NEVER)


def test_a_full_queue_refuses_in_a_sentence(runs: Runs) -> None:
    hold(runs)
    for _ in range(3):
        start(runs)
    with pytest.raises(Refused, match="is full: it has room for 3") as refusal:
        start(runs)
    assert refusal.value.code == "AutomationExecutionLimitExceededException"
    assert refusal.value.status == 400
    assert Execution.objects.filter(parent=None).count() == 5
    entry = JournalEntry.objects.latest("id")
    assert (entry.granted, entry.reason) == (False, refusal.value.message)


def test_a_token_finds_its_run_when_the_queue_is_full(runs: Runs) -> None:
    hold(runs)
    wish = lifecycle.Start(make_version(publish("a")), REGION, client_token="token-1")
    run = lifecycle.start(wish, by=runs.person)
    for _ in range(2):
        start(runs)
    assert lifecycle.start(wish, by=runs.person) == run


def test_another_account_does_not_wait(runs: Runs, olivia: User) -> None:
    hold(runs)
    start(runs)
    Account.objects.create(
        account_id=STAGING, name="Staging", regions=[REGION], role_arn=WORKER_ROLE
    )
    other = make_person("oscar", *MAY, arn=f"arn:aws:iam::{STAGING}:user/oscar")
    version = make_version(publish("a"))
    run = lifecycle.start(lifecycle.Start(version, REGION), by=other)
    runs.work()
    assert fresh(run).status == "Success"


def test_a_child_shares_the_slot_of_its_parent(runs: Runs, settings: Settings) -> None:
    settings.MOST_RUNNING = 1
    last = make_version(publish("c")).document.name
    run = start(runs, execute("a", make_version(execute("b", last)).document.name))
    waiting = start(runs)
    runs.work()
    assert Execution.objects.count() == 4
    assert {row.slot for row in Execution.objects.exclude(parent=None)} == {None}
    assert [fresh(run).status, fresh(waiting).status] == ["Success", "Success"]


@pytest.mark.usefixtures("broken_rows")
def test_the_clock_admits_after_a_worker_that_died(runs: Runs) -> None:
    first, _ = hold(runs)
    waiting = start(runs)
    Execution.objects.filter(pk=first.pk).update(status="Cancelled", slot=None, wake_at=NEVER)
    runs.work()
    assert fresh(waiting).status == "Pending"
    look()
    assert slots(waiting) == [Slot.RUNNING]


def test_more_slots_admit_more_and_fewer_end_nothing(runs: Runs, settings: Settings) -> None:
    held = hold(runs)
    waiting = [start(runs, *endless()) for _ in range(2)]
    settings.MOST_RUNNING = 3
    assert admission.refill_all() == 1
    settings.MOST_RUNNING = 1
    assert admission.refill_all() == 0
    assert slots(*held, *waiting) == [Slot.RUNNING] * 3 + [Slot.QUEUED]


@pytest.mark.usefixtures("broken_rows")
def test_a_slot_that_is_freed_during_a_start_is_given_to_it(
    runs: Runs, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    first, _ = hold(runs)
    with django_capture_on_commit_callbacks(execute=True):
        waiting = start(runs)
        # It ends, and whoever ends it does not see yet that somebody waits.
        Execution.objects.filter(pk=first.pk).update(status="Cancelled", slot=None)
    assert slots(waiting) == [Slot.RUNNING]


def test_an_admission_rings(
    runs: Runs,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    hold(runs)
    for _ in range(3):
        start(runs)
    settings.MOST_RUNNING, settings.WORKERS = 9, 2
    rung: list[int] = []
    monkeypatch.setattr(queue, "_ring", lambda: rung.append(1))
    with django_capture_on_commit_callbacks(execute=True):
        assert admission.refill_all() == 3
    assert len(rung) == 2


def test_only_an_end_looks_at_the_queue(runs: Runs) -> None:
    run = start(runs, *[publish(f"s{number}") for number in range(5)])
    with CaptureQueriesContext(connection) as asked:
        runs.work()
    assert fresh(run).status == "Success"
    assert sum("'queued'" in query["sql"] for query in asked) == 1
    assert not any("SET slot" in query["sql"] for query in asked)
