"""Workers that die, turns that last too long, and code that is wrong: others go on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from executions import ends, engine, jobs, library, queue, store
from executions.actions.base import StepContext
from executions.actions.sleep import Sleep
from executions.models import Execution
from executions.states import NEVER
from tests.engine.fake_aws import FakeAws
from tests.engine.fake_ec2 import FakeEc2
from tests.engine.runs import Runs, fresh, statuses, step, told
from tests.engine.steps import (
    INSTANCE,
    branch,
    change_state,
    create_stack,
    publish,
    read_topic,
    sleep,
)


class WorkerDied(BaseException):
    """The process is gone: nothing after this line runs."""


def die(*_: Any, **__: Any) -> Any:
    """What kills a worker."""
    raise WorkerDied


def kill_workers(runs: Runs, times: int, after: timedelta = timedelta(minutes=2)) -> None:
    """Let so many workers die over what is due, each after the lease of the one before."""
    for _ in range(times):
        with pytest.raises(WorkerDied):
            runs.work()
        runs.hand.now += after


def test_a_lost_worker_is_replaced_when_its_lease_ends(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    run = runs.start(sleep("a"))
    with monkeypatch.context() as deadly:
        deadly.setattr(Sleep, "begin", die)
        with pytest.raises(WorkerDied):
            runs.work()
    runs.work()
    assert statuses(run) == {}  # the lease still holds
    runs.hand.now += settings.LEASE
    runs.work()
    assert statuses(run) == {"a": "InProgress"}


def test_a_run_over_which_workers_die_is_given_up_by_name(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = runs.start(read_topic("a"), sleep("b"))
    monkeypatch.setattr(Sleep, "begin", die)
    kill_workers(runs, 6)  # two or three of them over step a, or so it seems at first
    runs.work()
    run = fresh(poison)
    assert (run.status, run.wake_at) == ("Failed", NEVER)
    assert "gave up at step b" in run.failure_message
    assert "3 workers" in run.failure_message
    assert told(run)[-1] == "execution:failed"


def test_progress_is_no_poison(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five workers are lost, but every one of them got a step further."""
    run = runs.start(*[publish(f"s{number}") for number in range(6)])
    leave = ends.leave

    def die_afterwards(*args: Any) -> None:
        leave(*args)
        raise WorkerDied

    with monkeypatch.context() as deadly:
        deadly.setattr(ends, "leave", die_afterwards)
        kill_workers(runs, 5)
    runs.drain()
    assert fresh(run).status == "Success"


def test_a_call_in_doubt_is_named_when_a_run_is_given_up(runs: Runs, fake: FakeAws) -> None:
    run = runs.start(create_stack("a"))
    fake.on("CreateStack", die)
    kill_workers(runs, 4)
    runs.work()
    assert fresh(run).status == "Failed"
    assert "may have taken effect" in step(run, "a").failure_message
    assert len({seen.request["ClientRequestToken"] for seen in fake.calls}) == 1


def test_a_lost_worker_may_have_called_until_a_while_later(
    runs: Runs, fake: FakeAws, settings: Settings
) -> None:
    """Its request may still be on the way when its lease is over: nobody looks before it is not."""
    ec2 = FakeEc2(fake, **{INSTANCE.replace("-", "_"): "running"})
    (order,) = fake.answers["StopInstances"]
    fake.on("StopInstances", die, order)
    run = runs.start(change_state("a"))
    kill_workers(runs, 1, after=settings.LEASE + timedelta(seconds=5))
    runs.drain()
    sent, looked = fake.made("StopInstances")[0].at, fake.made("DescribeInstances")[1].at
    quiet = settings.AWS_CONNECT_TIMEOUT + settings.AWS_READ_TIMEOUT + settings.QUIET_TIME
    assert looked - sent == quiet
    assert (fresh(run).status, len(ec2.effects)) == ("Success", 1)


def test_a_document_that_kills_its_reader_is_given_up_too(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = runs.start(sleep("a"))
    monkeypatch.setattr(library, "runbook", die)
    kill_workers(runs, 3)
    runs.work()
    assert fresh(poison).status == "Failed"


def test_others_go_on_beside_a_poisoned_run(runs: Runs, fake: FakeAws) -> None:
    poison, other = runs.start(publish("a", "poison")), runs.start(publish("a", "fine"))

    def answer(request: Any) -> dict[str, Any]:
        return die() if request["Message"] == "poison" else {}

    fake.on("Publish", answer)
    kill_workers(runs, 1)
    runs.drain()
    assert fresh(other).status == "Success"
    assert (fresh(poison).status, step(poison, "a").phase) == ("Waiting", "unknown")


def test_a_defect_in_an_action_stops_nobody_else(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Sleep.begin

    def defective(self: Sleep, ctx: StepContext) -> Any:
        if ctx.step.name == "fine":
            return begin(self, ctx)
        raise KeyError("missing")

    monkeypatch.setattr(Sleep, "begin", defective)
    broken, fine = runs.start(sleep("broken")), runs.start(sleep("fine"))
    runs.drain()
    assert fresh(fine).status == "Success"
    assert fresh(broken).status == "Failed"
    assert "gave up" in fresh(broken).failure_message


def test_a_turn_ends_after_so_many_steps_and_rings(
    runs: Runs, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TURN_STEPS = 3
    rung: list[None] = []
    monkeypatch.setattr(queue, "ring", lambda: rung.append(None))
    run = runs.start(*[branch(f"s{number}", "global:REGION", "x", "s0") for number in range(7)])
    claimed = store.claim()
    assert claimed is not None
    rung.clear()
    engine.advance(claimed)
    row = fresh(run)
    assert list(statuses(run)) == ["s0", "s1", "s2"]
    assert (row.lease_owner, row.wake_at, rung) == ("", runs.hand.now, [None])
    runs.drain()
    assert fresh(run).status == "Success"


def test_a_turn_ends_after_its_time(runs: Runs, fake: FakeAws, settings: Settings) -> None:
    def slow(_: Any) -> dict[str, Any]:
        runs.hand.move(seconds=20)
        return {}

    fake.on("Publish", slow)
    run = runs.start(*[publish(f"s{number}") for number in range(4)])
    claimed = store.claim()
    assert claimed is not None
    engine.advance(claimed)
    assert list(statuses(run)) == ["s0", "s1"]
    assert fresh(run).lease_owner == ""


def test_a_long_drain_lets_others_have_a_turn(
    runs: Runs, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_: Any) -> dict[str, Any]:
        runs.hand.move(minutes=4)
        return {}

    rung: list[None] = []
    monkeypatch.setattr(queue, "ring", lambda: rung.append(None))
    fake.on("Publish", slow)
    for _ in range(4):
        runs.start(publish("a"))
    rung.clear()
    jobs.drain()
    assert Execution.objects.filter(status="Success").count() == 2
    assert len(rung) >= 1


def test_a_lost_lease_stops_the_writer(runs: Runs, fake: FakeAws) -> None:
    """While the call hangs, another worker takes over: the first one writes nothing more."""

    def hang(_: Any) -> dict[str, Any]:
        runs.hand.move(minutes=1)
        assert store.claim() is not None
        return {}

    fake.on("Publish", hang)
    run = runs.start(publish("a"))
    runs.work()
    row = step(run, "a")
    assert (row.phase, told(run)[-1]) == ("call", "step:call a")
    runs.hand.move(minutes=1)
    runs.drain()
    assert step(run, "a").phase == "unknown"


def test_a_database_that_is_away_is_waited_for(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = runs.start(sleep("a"))
    with monkeypatch.context() as away:
        away.setattr(store, "claim", _no_database)
        jobs.drain()
    assert "out of reach" in caplog.text
    runs.drain()
    assert fresh(run).status == "Success"


def _no_database() -> None:
    raise OperationalError("the server closed the connection")


def test_the_lease_outlasts_the_longest_call(runs: Runs, fake: FakeAws, settings: Settings) -> None:
    settings.LEASE = timedelta(seconds=1)
    leases: list[timedelta] = []

    def look(_: Any) -> dict[str, Any]:
        leases.append(Execution.objects.get().lease_until - runs.hand.now)
        return {}

    fake.on("Publish", look)
    runs.run(publish("a"))
    assert leases == [settings.AWS_CONNECT_TIMEOUT + settings.AWS_READ_TIMEOUT + engine_margin()]


def engine_margin() -> timedelta:
    """What is left of a lease when the longest call has ended."""
    return timedelta(seconds=5)
