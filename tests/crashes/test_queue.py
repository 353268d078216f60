"""A worker may die while it ends a run or lets the next one in: nobody in the queue is lost."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from executions.models import Event, Execution
from executions.states import NEVER, Slot
from tests.crashes.account import Judge
from tests.crashes.controls import forget_the_queue
from tests.crashes.lives import Place
from tests.crashes.sweep import Plant, Story, Sweep
from tests.engine.runs import fresh, next_wake
from tests.engine.steps import api, sleep

LIVES_AT_MOST = 10


@pytest.fixture(autouse=True)
def _one_slot(settings: Settings) -> None:
    settings.MOST_RUNNING, settings.MOST_BLOCKED = 1, 1


def carry_out(
    sweep: Sweep, dies_at: Place | None = None, plant: Plant | None = None
) -> tuple[list[Execution], Story]:
    """Three runs with one slot: the first ends, the second sleeps, the third comes last.

    A worker dies at this point, and others go on.
    """
    story, started = Story(Judge(sweep.account.endpoint), []), []
    for steps in (_stack(sweep), sleep("a", "PT1H"), _stack(sweep)):
        sweep.runs.hand.move(milliseconds=1)
        started.append(sweep.runs.start(steps))
    for _ in range(LIVES_AT_MOST):
        life = sweep.let_live(story, None if story.lives else dies_at, plant)
        assert Execution.objects.filter(slot=Slot.RUNNING).count() <= 1
        if (wake_at := next_wake()) < NEVER:
            sweep.runs.hand.now = max(sweep.runs.hand.now, wake_at)
        elif not life.died:
            return [fresh(run) for run in started], story
    raise AssertionError("the runs do not come to rest")


def _stack(sweep: Sweep) -> dict[str, object]:
    request = {"StackName": sweep.account.name("stack"), "TemplateBody": sweep.account.template()}
    return api("a", "cloudformation", "CreateStack", request)


def order_of_begin(runs: list[Execution]) -> list[int]:
    """Which of them began first, second and third."""
    events = Event.objects.filter(kind="execution:started", execution__in=runs).order_by("id")
    numbers = {run.pk: number for number, run in enumerate(runs)}
    return [numbers[event.execution_id] for event in events]


def test_a_worker_dies_once_at_any_point(sweep: Sweep) -> None:
    _, story = carry_out(sweep)
    places = story.places()
    assert len(places) >= 20
    found = {}
    for dies_at in places:
        runs, story = carry_out(sweep, dies_at)
        found[dies_at] = (
            {(run.status, run.slot) for run in runs},
            order_of_begin(runs),
            story.judge.effects(),
        )
    right = ({("Success", None)}, [0, 1, 2], {"cloudformation:CreateStack": 2})
    assert {dies_at: result for dies_at, result in found.items() if result != right} == {}


def test_without_the_clock_somebody_would_be_forgotten(sweep: Sweep) -> None:
    """The control: there are points at which only the clock helps."""
    _, story = carry_out(sweep)
    end = next(place for place in story.places() if place[0].startswith("committed step:succ"))
    runs, _ = carry_out(sweep, end, forget_the_queue)
    assert [run.status for run in runs] == ["Success", "Pending", "Pending"]
