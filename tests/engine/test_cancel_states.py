"""A stop works in every state that an execution can be in, and tells when it comes too late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from pytest_django import Settings

from executions import aws, engine, lifecycle, signals, store
from executions.errors import Conflict
from executions.models import Execution
from executions.states import TERMINAL
from tests.engine.fake_aws import Answer, FakeAws
from tests.engine.runs import REGION, Runs, fresh, is_idle, make_version, statuses, step, told
from tests.engine.steps import (
    Step,
    approve,
    create_stack,
    each,
    execute,
    publish,
    sleep,
    wait_for_topic,
)

LOST = aws.OutcomeUnknown("connection reset")
CLEAN, NEVER_SENT = create_stack("clean"), publish("b")
CANCEL: dict[str, Any] = {"onCancel": "step:clean"}
TWO_MINUTES = timedelta(minutes=2, seconds=6)  # the last look may come a little later


class WorkerDied(BaseException):
    """The process is gone."""


def die(_: Any) -> dict[str, Any]:
    """What AWS never answers, since there is nobody any more."""
    raise WorkerDied


# The step that is open, and what Publish answers.
OPEN: dict[str, tuple[Step, Answer]] = {
    "sleep": (sleep("a", "PT1H", **CANCEL), {}),
    "pause": ({"name": "a", "action": "aws:pause", "inputs": {}, **CANCEL}, {}),
    "approve": (approve("a", "alice", **CANCEL), {}),
    "poll": (wait_for_topic("a", **CANCEL), {}),
    "retry": (publish("a", maxAttempts=3, **CANCEL), aws.AwsRefused("no", "NotFound")),
    "throttled": (publish("a", **CANCEL), aws.Throttled("slow down", "Throttling")),
    "answer lost": (publish("a", **CANCEL), LOST),
    "loop": (each("l", ["x", "y"], sleep("a", "PT1H", **CANCEL)), {}),
}
State: TypeAlias = Callable[[Runs, FakeAws, Settings], Execution]


def opened(name: str) -> State:
    """A run that rests in this step."""

    def reach(runs: Runs, fake: FakeAws, _: Settings) -> Execution:
        waiting, answer = OPEN[name]
        fake.on("Publish", answer)
        run = runs.start(waiting, NEVER_SENT, CLEAN)
        runs.work()
        return run

    return reach


def in_question(runs: Runs, fake: FakeAws, _: Settings) -> Execution:
    """Nobody knows what became of the call of a."""
    fake.on("Publish", LOST)
    run = runs.run(publish("a", **CANCEL), NEVER_SENT, CLEAN)
    assert step(run, "a").phase == "unknown"
    return run


def in_a_call(runs: Runs, fake: FakeAws, _: Settings) -> Execution:
    """The call of a is under way, and its worker is lost."""
    fake.on("Publish", die)
    run = runs.start(publish("a", **CANCEL), NEVER_SENT, CLEAN)
    with pytest.raises(WorkerDied):
        runs.work()
    assert fresh(run).lease_owner
    return run


def with_child(runs: Runs, _: FakeAws, __: Settings) -> Execution:
    """Another run goes on below, and another below that."""
    below = make_version(sleep("s", "PT1H")).document.name
    child = make_version(execute("c", below)).document.name
    run = runs.start(execute("a", child, **CANCEL), NEVER_SENT, CLEAN)
    runs.work()
    assert Execution.objects.filter(depth=2, status="InProgress").exists()
    return run


def in_a_step_by_hand(runs: Runs, _: FakeAws, __: Settings) -> Execution:
    """Interactive, and a step runs."""
    run = by_hand(runs, sleep("a", "PT1H", **CANCEL))
    signals.send(fresh(run), "StartStep", "a", by=runs.person)
    runs.work()
    return run


def queued(runs: Runs, _: FakeAws, settings: Settings) -> Execution:
    """In the queue of its account."""
    settings.MOST_RUNNING = 0
    run = runs.start(publish("a", **CANCEL), CLEAN)
    assert fresh(run).slot == "queued"
    return run


def admitted(runs: Runs, _: FakeAws, __: Settings) -> Execution:
    """Accepted; no worker has come yet."""
    return runs.start(publish("a", **CANCEL), CLEAN)


def between_steps(runs: Runs, _: FakeAws, settings: Settings) -> Execution:
    """A turn has ended after the first of two steps."""
    settings.TURN_STEPS = 1
    run = runs.start(sleep("done", "PT0S"), NEVER_SENT, CLEAN)
    claimed = store.claim()
    assert claimed is not None
    engine.advance(claimed)
    assert (fresh(run).status, fresh(run).lease_owner) == ("InProgress", "")
    assert statuses(run) == {"done": "Success"}
    return run


def before_a_step_by_hand(runs: Runs, _: FakeAws, __: Settings) -> Execution:
    """Interactive, and nobody has started a step."""
    return by_hand(runs, publish("a", **CANCEL))


def after_a_step_by_hand(runs: Runs, _: FakeAws, __: Settings) -> Execution:
    """Interactive, between two steps."""
    run = by_hand(runs, sleep("done", "PT0S"))
    signals.send(fresh(run), "StartStep", "done", by=runs.person)
    runs.work()
    assert statuses(run) == {"done": "Success"}
    return run


def by_hand(runs: Runs, *steps: Step) -> Execution:
    """An interactive run that waits for its first step."""
    request = lifecycle.Start(make_version(*steps, NEVER_SENT, CLEAN), REGION, mode="Interactive")
    run = lifecycle.start(request, by=runs.person)
    runs.work()
    assert fresh(run).status == "Waiting"
    return run


IN_A_STEP: dict[str, State] = {
    **{name: opened(name) for name in OPEN},
    "in question": in_question,
    "in a call": in_a_call,
    "child": with_child,
    "by hand": in_a_step_by_hand,
}
NOT_IN_A_STEP: dict[str, State] = {
    "queued": queued,
    "admitted": admitted,
    "between steps": between_steps,
    "before a step by hand": before_a_step_by_hand,
    "after a step by hand": after_a_step_by_hand,
}
EVERYWHERE = {**IN_A_STEP, **NOT_IN_A_STEP}


@pytest.fixture
def run(runs: Runs, fake: FakeAws, settings: Settings, state: str) -> Execution:
    """A run in that state."""
    fake.on("GetTopicAttributes", {"State": "busy"})
    return EVERYWHERE[state](runs, fake, settings)


def stop(runs: Runs, run: Execution, kind: str) -> timedelta:
    """Stop it, and let happen what happens then: how long it took."""
    asked_at, published = runs.hand.now, told(run).count("step:call b")
    lifecycle.stop(fresh(run), by=runs.person, kind=kind)
    runs.drain()
    row = fresh(run)
    assert is_idle(run)
    assert (row.slot, told(run).count("step:call b")) == (None, published)
    assert not Execution.objects.exclude(status__in=TERMINAL).exists()  # nor any below
    for again in ("Cancel", "Complete"):
        with pytest.raises(Conflict):
            lifecycle.stop(row, by=runs.person, kind=again)
    assert row.ended_at is not None
    return row.ended_at - asked_at


@pytest.mark.parametrize("state", EVERYWHERE)
def test_it_is_cancelled(runs: Runs, run: Execution, state: str) -> None:
    assert stop(runs, run, "Cancel") <= TWO_MINUTES
    assert (fresh(run).status, told(run)[-1]) == ("Cancelled", "execution:cancelled")
    found = statuses(run)
    if state in IN_A_STEP:
        assert (found["a"], found["clean"]) == ("Cancelled", "Success")
    else:
        assert "clean" not in found


@pytest.mark.parametrize("state", IN_A_STEP)
def test_on_cancel_is_cut_after_two_minutes(
    runs: Runs, run: Execution, fake: FakeAws, state: str
) -> None:
    fake.on("CreateStack", LOST)
    took = stop(runs, run, "Cancel")
    assert timedelta(minutes=1, seconds=50) <= took <= TWO_MINUTES
    assert (fresh(run).status, statuses(run)["clean"]) == ("Cancelled", "TimedOut")


@pytest.mark.parametrize("state", EVERYWHERE)
def test_it_is_completed(runs: Runs, run: Execution, state: str) -> None:
    assert stop(runs, run, "Complete") <= TWO_MINUTES
    assert (fresh(run).status, told(run)[-1]) == ("Success", "execution:success")
    assert "clean" not in statuses(run)
    if state in IN_A_STEP:
        assert statuses(run)["a"] == "Cancelled"


@pytest.mark.parametrize("first", ["Cancel", "Complete"])
@pytest.mark.parametrize("second", ["Cancel", "Complete"])
def test_what_is_being_stopped_is_not_stopped_again(runs: Runs, first: str, second: str) -> None:
    run = runs.start(sleep("a", "PT1H", **CANCEL), CLEAN)
    runs.work()
    lifecycle.stop(fresh(run), by=runs.person, kind=first)
    with pytest.raises(Conflict):
        lifecycle.stop(fresh(run), by=runs.person, kind=second)
    runs.drain()
    assert fresh(run).status == {"Cancel": "Cancelled", "Complete": "Success"}[first]


ENDS: dict[str, Step] = {
    "Success": sleep("a", "PT0S"),
    "Failed": publish("a", "{{ Nothing }}"),
    "TimedOut": sleep("a", "PT1H", timeoutSeconds=60),
}


@pytest.mark.parametrize("kind", ["Cancel", "Complete"])
@pytest.mark.parametrize("status", ENDS)
def test_what_is_over_stays_as_it_is(runs: Runs, status: str, kind: str) -> None:
    run = runs.run(ENDS[status])
    before = told(run)
    with pytest.raises(Conflict):
        lifecycle.stop(run, by=runs.person, kind=kind)
    runs.drain()
    assert (fresh(run).status, fresh(run).stop_requested, told(run)) == (status, "", before)
