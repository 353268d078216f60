"""Who starts thousands does not keep the others waiting: slots and the queue are shared."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from console.iam.models import User
from executions import admission, lifecycle
from executions.errors import Refused
from executions.models import Execution
from executions.states import Slot
from tests.approvals.people import make_person
from tests.engine.conftest import MAY
from tests.engine.runs import REGION, Runs, make_version
from tests.engine.steps import Step, publish
from tests.engine.test_admission import endless, hold, places, slots, start


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> None:
    """Two run, nobody is blocked beside them, 20 wait."""
    settings.MOST_RUNNING, settings.MOST_BLOCKED, settings.MOST_QUEUED = 2, 0, 20


def start_as(runs: Runs, person: User, *steps: Step) -> Execution:
    """Start a run as somebody else, a moment after the one before."""
    runs.hand.move(milliseconds=1)
    version = make_version(*(steps or (publish("a"),)))
    return lifecycle.start(lifecycle.Start(version, REGION), by=person)


def test_one_who_starts_much_lets_others_pass(runs: Runs, settings: Settings) -> None:
    settings.MOST_QUEUED = 40
    first, second = hold(runs)
    mine = [start(runs, *endless()) for _ in range(10)]
    oscar = make_person("oscar", *MAY)
    theirs = [start_as(runs, oscar, *endless()) for _ in range(2)]
    assert places(*theirs) == [1, 2]  # those of olivia hold both slots
    assert places(*mine) == [*range(3, 13)]
    runs.stop(first)
    runs.work()
    assert slots(*theirs, *mine[:2]) == [Slot.RUNNING, *[Slot.QUEUED] * 3]
    assert places(theirs[1], *mine[:2]) == [2, 1, 3]  # now each of them has one
    runs.stop(second)
    runs.work()
    assert slots(*theirs, *mine[:2]) == [Slot.RUNNING, Slot.QUEUED] * 2


def test_places_are_the_order_of_admission(runs: Runs, settings: Settings) -> None:
    hold(runs)
    people = [runs.person, *(make_person(name, *MAY) for name in ("oscar", "otto"))]
    order = (0, 0, 0, 1, 1, 0, 2, 0, 1, 2, 0, 0)
    waiting = [start_as(runs, people[who]) for who in order]
    foretold = dict(zip(places(*waiting), waiting, strict=True))
    assert [foretold[place] for place in range(1, 6)] == [waiting[n] for n in (3, 6, 4, 9, 0)]
    for place in range(1, len(waiting) + 1):
        settings.MOST_RUNNING += 1
        assert admission.refill_all() == 1
        assert slots(foretold[place]) == [Slot.RUNNING]


def test_a_full_queue_keeps_a_place_for_those_who_have_none(runs: Runs, settings: Settings) -> None:
    settings.MOST_QUEUED = 20  # and two more, for those who have fewer than two
    hold(runs)
    for _ in range(20):
        start(runs)
    with pytest.raises(Refused, match="is full"):
        start(runs)
    oscar, otto = make_person("oscar", *MAY), make_person("otto", *MAY)
    assert start_as(runs, oscar).slot == Slot.QUEUED
    assert start_as(runs, oscar).slot == Slot.QUEUED
    for person in (oscar, otto):
        with pytest.raises(Refused, match="is full"):
            start_as(runs, person)
