"""Many who start, end, cancel and admit at once: never more than the limits, nobody forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import copy
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from console.iam.models import User
from executions import admission, jobs, lifecycle
from executions.errors import Refused
from executions.models import Event, Execution
from executions.states import NEVER, Slot
from tests.engine.runs import ACCOUNT, REGION, Runs, fresh, make_version
from tests.engine.steps import publish, sleep
from tests.races.rounds import rounds
from tests.races.together import at_once

pytestmark = [pytest.mark.race]
STARTS, WORKERS, QUEUED = 20, 4, 1000


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> None:
    settings.MOST_RUNNING, settings.MOST_BLOCKED, settings.MOST_QUEUED = 5, 3, QUEUED


def starting(request: lifecycle.Start) -> Callable[[], Execution]:
    """A start by olivia, read anew as every web request does."""
    return lambda: lifecycle.start(request, by=User.objects.get(username="olivia"))


def one_step() -> Callable[[], Execution]:
    """A start of a run that makes one call."""
    return starting(lifecycle.Start(make_version(publish("a")), REGION))


def make_rows(runs: Runs, slot: Slot, count: int) -> list[Execution]:
    """So many runs that hold this, one after the other."""
    first = fresh(runs.start(sleep("a")))
    moments = [runs.hand.now + timedelta(milliseconds=n) for n in range(count)]
    copies = [copy(first) for _ in moments]
    first.delete()
    for made, moment in zip(copies, moments, strict=True):
        made.pk, made.slot, made.wake_at, made.created_at = uuid4(), slot, NEVER, moment
    return list(Execution.objects.bulk_create(copies))


def held() -> Counter[str]:
    """How many hold what."""
    return Counter(str(run.slot) for run in Execution.objects.exclude(slot=None).only("slot"))


def test_the_last_place_in_the_queue_is_given_once(runs: Runs) -> None:
    make_rows(runs, Slot.RUNNING, 5)
    make_rows(runs, Slot.QUEUED, QUEUED - 1)
    answers = at_once([one_step()] * STARTS)
    refused = [answer.code for answer in answers if isinstance(answer, Refused)]
    assert refused == ["AutomationExecutionLimitExceededException"] * (STARTS - 1)
    assert held() == {Slot.RUNNING: 5, Slot.QUEUED: QUEUED}


def test_starts_at_once_take_the_slots_there_are(runs: Runs) -> None:
    make_rows(runs, Slot.RUNNING, 2)
    make_rows(runs, Slot.BLOCKED, 4)  # one more than there are extra slots
    at_once([one_step()] * STARTS)
    assert held() == {Slot.RUNNING: 4, Slot.BLOCKED: 4, Slot.QUEUED: STARTS - 2}


def test_workers_that_refill_at_once_give_each_slot_once(runs: Runs) -> None:
    for _ in range(rounds(5, 50)):
        make_rows(runs, Slot.RUNNING, 2)
        waiting = make_rows(runs, Slot.QUEUED, 10)
        admitted = at_once([partial(admission.refill, ACCOUNT)] * WORKERS)
        assert sorted(map(str, admitted)) == ["0"] * (WORKERS - 1) + ["3"]
        begun = Execution.objects.filter(pk__in=[run.pk for run in waiting], slot=Slot.RUNNING)
        assert {run.pk for run in begun} == {run.pk for run in waiting[:3]}
        Execution.objects.update(slot=None)


def test_without_the_lock_there_are_too_many(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the tests above see it."""
    monkeypatch.setattr(admission, "_lock", lambda _: None)
    # SQLite lets one transaction write at a time, which is the lock there.
    is_blind = connection.vendor == "sqlite"
    for _ in range(2 if is_blind else 10):
        at_once([one_step()] * STARTS)
        if (most := held()[Slot.RUNNING]) > 5:
            break
        Execution.objects.update(slot=None)
    assert (most > 5) != is_blind


def test_a_cancel_and_an_admission_have_one_winner(runs: Runs) -> None:
    for _ in range(rounds(5, 50)):
        waiting = make_rows(runs, Slot.QUEUED, 12)
        leaving = waiting[::2]

        def cancel_all(gone: list[Execution] = leaving) -> None:
            for run in gone:
                lifecycle.halt(run.pk)

        at_once([cancel_all, *[admission.refill_all] * WORKERS])
        assert held()[Slot.RUNNING] == 5
        left = Execution.objects.filter(pk__in=[run.pk for run in waiting])
        assert not left.filter(slot=Slot.QUEUED).exclude(stop_requested="").exists()
        assert not left.filter(slot=Slot.QUEUED).exclude(wake_at=NEVER).exists()
        Execution.objects.update(slot=None, wake_at=NEVER)


def test_nobody_is_forgotten_and_the_limit_holds(runs: Runs) -> None:
    """Workers end runs while others start; no clock looks after what they miss."""
    seen: list[int] = []
    start = one_step()

    def start_and_look() -> None:
        for _ in range(8):
            start()
            seen.append(held()[Slot.RUNNING])

    def work() -> None:
        for _ in range(8):
            jobs.drain()
            seen.append(held()[Slot.RUNNING])

    at_once([start_and_look] * 4 + [work] * WORKERS)
    jobs.drain()
    assert held() == {}
    assert max(seen) <= 5
    assert Event.objects.filter(kind="execution:success").count() == 32
