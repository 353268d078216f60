"""A worker stands still for longer than its lease, and comes back when another has taken over."""

from __future__ import annotations

import signal

import pytest

from executions import lifecycle
from tests.crashes.account import Judge
from tests.crashes.controls import write_without_a_fence
from tests.crashes.lives import End, begin
from tests.crashes.scenarios import SCENARIOS
from tests.crashes.sweep import Plant, Story, Sweep
from tests.engine.runs import REGION, fresh, make_version, next_wake, statuses, told

CALL = "Publish"


def stand_still(sweep: Sweep, at: str, plant: Plant | None = None) -> Story:
    """A worker stands still there, another takes over and asks a person, the first comes back."""
    scenario = SCENARIOS["unproven"]
    steps, story = scenario.prepare(sweep.account), Story(Judge(sweep.account.endpoint), [])
    start = lifecycle.Start(make_version(*steps), REGION)
    story.run = lifecycle.start(start, by=sweep.runs.person)
    stopped = begin(sweep.runs.hand, End((at, 0), signal.SIGSTOP), plant)
    stopped.await_stop()
    try:
        sweep.runs.hand.now = next_wake()  # the lease is over
        begin(sweep.runs.hand, End()).end()
        assert fresh(story.run).status == "Waiting"
    finally:
        stopped.go_on()
        story.lives.append(stopped.end())
    story.judge.await_arrivals(1)
    story.run = fresh(story.run)
    return story


@pytest.mark.parametrize("at", [f"send {CALL}", f"sent {CALL}", f"answered {CALL}"])
def test_what_it_writes_is_refused(sweep: Sweep, at: str) -> None:
    story = stand_still(sweep, at)
    assert (story.run.status, statuses(story.run)) == ("Waiting", {"a": "Waiting"})
    assert told(story.run)[-1] == "step:unknown a"
    assert story.judge.effects() == {"sns:Publish": 1}


def test_without_the_fence_it_would_overrule_the_question(sweep: Sweep) -> None:
    """The control: an outcome that is written without a look at the epoch."""
    story = stand_still(sweep, f"answered {CALL}", write_without_a_fence)
    assert statuses(story.run)["a"] == "Success"
