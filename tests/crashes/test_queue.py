"""A worker may die while it ends a run or lets the next one in: nobody in the queue is lost."""

from __future__ import annotations

from contextlib import suppress

import pytest
from pytest_django import Settings

from executions import admission
from executions.models import Event, Execution
from executions.states import NEVER, Slot
from tests.crashes.killer import WorkerDied
from tests.crashes.scenarios import World
from tests.crashes.sweep import Sweep
from tests.engine.runs import fresh, next_wake
from tests.engine.steps import create_stack, sleep

TURNS_AT_MOST = 20


@pytest.fixture(autouse=True)
def _one_slot(settings: Settings) -> None:
    settings.MOST_RUNNING, settings.MOST_BLOCKED = 1, 1


def carry_out(sweep: Sweep, dies_at: int | None = None) -> tuple[list[Execution], int]:
    """Three runs with one slot: the first ends, the second sleeps, the third comes last.

    A worker dies at this point, and another goes on. Answers also with how many points the first
    worker passed.
    """
    sweep.world = World()
    started = []
    for steps in ((create_stack("a"),), (sleep("a", "PT1H"),), (create_stack("a"),)):
        sweep.runs.hand.move(milliseconds=1)
        started.append(sweep.runs.start(*steps))
    with suppress(WorkerDied), sweep.killer.watch(dies_at):
        sweep.runs.work()
    passed = len(sweep.killer.passed)
    for _ in range(TURNS_AT_MOST):
        admission.refill_all()  # as the clock does
        assert Execution.objects.filter(slot=Slot.RUNNING).count() <= 1
        sweep.runs.work()
        if (wake_at := next_wake()) < NEVER:
            sweep.runs.hand.now = max(sweep.runs.hand.now, wake_at)
    return [fresh(run) for run in started], passed


def order_of_begin(runs: list[Execution]) -> list[int]:
    """Which of them began first, second and third."""
    events = Event.objects.filter(kind="execution:started", execution__in=runs).order_by("id")
    numbers = {run.pk: number for number, run in enumerate(runs)}
    return [numbers[event.execution_id] for event in events]


def test_a_worker_dies_once_at_any_point(sweep: Sweep) -> None:
    _, points = carry_out(sweep)
    assert points >= 15
    found = {}
    for dies_at in range(points):
        runs, _ = carry_out(sweep, dies_at)
        found[dies_at] = (
            {(run.status, run.slot) for run in runs},
            order_of_begin(runs),
            sweep.world.count_effects(),
        )
    right = ({("Success", None)}, [0, 1, 2], 2)
    assert {dies_at: result for dies_at, result in found.items() if result != right} == {}


def test_without_the_clock_somebody_would_be_forgotten(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: there are points at which only the clock helps."""
    _, points = carry_out(sweep)
    monkeypatch.setattr(admission, "refill_all", lambda: 0)
    left = []
    for dies_at in range(points):
        runs, _ = carry_out(sweep, dies_at)
        left.append({run.status for run in runs})
        Execution.objects.update(slot=None, wake_at=NEVER)
    assert {"Success", "Pending"} in left
