"""Many workers, one row: who takes it, who lets go of it, and who comes too late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import copy
from uuid import UUID, uuid4

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from executions import admission, clock, jobs, store
from executions.events import record
from executions.models import Event, Execution
from executions.states import LONG_AGO, NEVER
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh, told
from tests.engine.steps import publish, sleep
from tests.races.rounds import Tell, rounds
from tests.races.together import Try, at_once, in_rounds

pytestmark = [pytest.mark.race]
WORKERS, ROUNDS = 4, rounds(60)


def make_due(runs: Runs, count: int) -> list[Execution]:
    """So many runs of one document, all due."""
    first = fresh(runs.start(sleep("a")))
    copies = [copy(first) for _ in range(count - 1)]
    for other in copies:
        other.pk = uuid4()
    return [first, *Execution.objects.bulk_create(copies)]


def claim_all() -> list[UUID]:
    """Claim until nothing is due."""
    taken = []
    while (execution := store.claim()) is not None:
        taken.append(execution.id)
    return taken


def claim() -> store.Lease:
    """Take one that is due."""
    claimed = store.claim()
    assert claimed is not None
    return store.Lease(claimed.id, claimed.epoch)


def test_two_workers_never_get_the_same_run(runs: Runs) -> None:
    for _ in range(3):
        started = {run.pk for run in make_due(runs, 30)}
        taken = Counter[UUID]()
        for claimed in at_once([claim_all] * WORKERS):
            assert isinstance(claimed, list)
            taken.update(claimed)
        assert taken == Counter(started)
        Execution.objects.filter(pk__in=started).update(wake_at=NEVER)


def test_one_run_goes_to_one_of_many_in_every_round(runs: Runs, tell: Tell) -> None:
    """Workers whom a bell woke and one that looks by itself, whether or not somebody died."""
    run = runs.start(sleep("a"))
    row = Execution.objects.filter(pk=run.pk)
    times = rounds(100)

    def fall_due() -> None:
        row.update(wake_at=clock.now(), lease_until=LONG_AGO, lease_owner="")

    def lose() -> None:
        row.update(wake_at=clock.now(), lease_until=clock.now(), lease_owner="dead")

    def wait() -> None:
        """For the row to be due."""

    def look() -> Execution | None:
        admission.refill_all()
        return store.claim()

    makes_due: list[Try] = [fall_due, wait, lose, wait]
    workers: dict[str, list[Try]] = {
        "first": [wait, store.claim] * times,
        "second": [wait, store.claim] * times,
        "sweeper": [wait, look] * times,
        "nobody": makes_due * (times // 2),
    }
    answers = dict(zip(workers, in_rounds(list(workers.values())), strict=True))
    winners: Counter[str] = Counter()
    for number in range(1, 2 * times, 2):
        (winner,) = [name for name, got in answers.items() if got[number] is not None]
        winners[winner] += 1
    tell(winners)
    assert fresh(run).epoch == winners.total() == times


def test_many_workers_do_the_work_of_one(runs: Runs, fake: FakeAws) -> None:
    started = [runs.start(publish("a", f"{n}a"), publish("b", f"{n}b")) for n in range(8)]
    at_once([jobs.drain] * WORKERS)
    assert {fresh(run).status for run in started} == {"Success"}
    sent = Counter(seen.request["Message"] for seen in fake.calls)
    assert sent == Counter(f"{n}{name}" for n in range(8) for name in "ab")
    for run in started:
        numbers = list(Event.objects.filter(execution=run).values_list("seq", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))


def count_lost_nudges(runs: Runs, let_go: Callable[[store.Lease], object]) -> int:
    """How many of ROUNDS wake-ups are lost if they come while a worker goes to sleep."""
    leases = [claim() for _ in make_due(runs, ROUNDS)]

    def releasing(lease: store.Lease) -> Callable[[], object]:
        return lambda: let_go(lease)

    def nudging(lease: store.Lease) -> Callable[[], object]:
        return lambda: Execution.objects.filter(pk=lease.execution_id).nudge()

    in_rounds([[releasing(one) for one in leases], [nudging(one) for one in leases]])
    assert not Execution.objects.exclude(lease_owner="").exists()
    lost = Execution.objects.filter(wake_at__gt=clock.now()).count()
    Execution.objects.update(wake_at=NEVER)
    return lost


def release_by_write(lease: store.Lease) -> None:
    """As a step that waits for a person does."""
    store.write(lease, store.Change(release=NEVER))


def release_without_progress(lease: store.Lease) -> None:
    """As after a defect."""
    store.release(lease, NEVER)


def release_naively(lease: store.Lease) -> None:
    """Write what was decided, whatever has happened since."""
    Execution.objects.filter(pk=lease.execution_id, epoch=lease.epoch).update(
        lease_owner="", lease_until=LONG_AGO, wake_at=NEVER
    )


@pytest.mark.parametrize("let_go", [release_by_write, release_without_progress])
def test_no_wake_up_is_lost(runs: Runs, let_go: Callable[[store.Lease], object]) -> None:
    assert count_lost_nudges(runs, let_go) == 0


def test_a_naive_release_loses_wake_ups(runs: Runs) -> None:
    """The control: without it the test above might see nothing."""
    assert any(count_lost_nudges(runs, release_naively) for _ in range(10))


def test_a_writer_that_was_taken_over_writes_nothing(runs: Runs) -> None:
    run = runs.start(sleep("a"))
    stale = claim()
    runs.hand.now += django_settings.LEASE
    newer = claim()
    before = fresh(run)
    event = Event(execution=run, kind="step:succeeded", at=clock.now())
    with pytest.raises(store.Fenced):
        store.write(stale, store.Change(columns={"status": "Success"}, events=[event]))
    store.release(stale, NEVER)
    after = fresh(run)
    assert newer.epoch > stale.epoch
    assert (after.status, after.event_seq) == (before.status, before.event_seq)
    assert (after.epoch, after.lease_until) == (newer.epoch, before.lease_until)
    assert "step:succeeded" not in told(run)


def test_at_the_end_of_a_lease_either_it_writes_or_it_is_fenced(runs: Runs) -> None:
    leases = [claim() for _ in make_due(runs, ROUNDS)]
    seen = []
    runs.hand.move(minutes=2)

    def writing(lease: store.Lease) -> Callable[[], object]:
        def write() -> str:
            event = Event(execution_id=lease.execution_id, kind="step:late", at=clock.now())
            try:
                return store.write(lease, store.Change(events=[event])) or "written"
            except store.Fenced:
                return "fenced"

        return write

    answers, _ = in_rounds([[writing(one) for one in leases], [store.claim] * ROUNDS])
    for lease, answer in zip(leases, answers, strict=True):
        late = Event.objects.filter(execution_id=lease.execution_id, kind="step:late").exists()
        seen.append((answer, late))
    assert set(seen) <= {("written", True), ("fenced", False)}


def test_events_of_many_writers_have_no_gap(runs: Runs) -> None:
    run = runs.start(sleep("a"))

    def note() -> None:
        for _ in range(10):
            _record_alone(run.pk)

    at_once([note] * WORKERS)
    numbers = list(Event.objects.filter(execution=run).values_list("seq", flat=True))
    assert numbers == list(range(1, 10 * WORKERS + 2))


def _record_alone(execution_id: UUID) -> None:
    with transaction.atomic():
        record(execution_id, "note:made")
