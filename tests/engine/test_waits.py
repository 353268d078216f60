"""A wait holds no worker, and ends when it is due, not before and not again."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from executions import lifecycle
from executions.models import Execution
from executions.states import LONG_AGO
from tests.engine.fake_aws import FakeAws
from tests.engine.fake_ec2 import FakeEc2
from tests.engine.runs import Runs, fresh, statuses, step, told
from tests.engine.steps import INSTANCE, approve, change_state, publish, sleep, wait_for_topic


def test_a_sleep_holds_no_lease(runs: Runs) -> None:
    run = runs.start(sleep("a", "PT10M"))
    runs.work()
    row = fresh(run)
    assert (row.lease_owner, row.lease_until) == ("", LONG_AGO)
    assert row.wake_at == runs.hand.now + timedelta(minutes=10)
    assert row.status == "InProgress"


def test_a_sleep_ends_when_it_is_due(runs: Runs) -> None:
    began = runs.hand.now
    run = runs.run(sleep("a", "PT10M"))
    assert step(run, "a").ended_at == began + timedelta(minutes=10)


def test_a_nudge_does_not_shorten_a_sleep(runs: Runs) -> None:
    run = runs.start(sleep("a", "PT10M"))
    runs.work()
    due = fresh(run).wake_at
    runs.hand.move(minutes=3)
    lifecycle.nudge(run.pk)
    runs.work()
    assert (fresh(run).wake_at, statuses(run)) == (due, {"a": "InProgress"})


def test_a_sleep_of_days_survives(runs: Runs) -> None:
    began = runs.hand.now
    run = runs.run(sleep("a", "P6DT23H"), publish("b"))
    assert (run.status, runs.hand.now) == ("Success", began + timedelta(days=6, hours=23))


def test_polls_hold_no_lease_and_slow_down(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", {"State": "busy"})
    run = runs.start(wait_for_topic("a", timeoutSeconds=300))
    runs.work()
    assert fresh(run).lease_owner == ""
    runs.drain()
    times = [seen.at for seen in fake.calls]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps[:8]) < timedelta(seconds=8)
    assert min(gaps[-4:]) > timedelta(seconds=8)


def test_an_instance_is_stopped_and_waited_for(runs: Runs, fake: FakeAws) -> None:
    ec2 = FakeEc2(fake, **{INSTANCE.replace("-", "_"): "running"})
    run = runs.start(change_state("a"))
    runs.work()
    assert fresh(run).lease_owner == ""
    runs.drain()
    assert (fresh(run).status, ec2.effects) == ("Success", [("StopInstances", INSTANCE)])
    assert step(run, "a").outputs == {"InstanceStates": ["stopped"]}


def test_an_approval_waits_in_the_open(runs: Runs) -> None:
    run = runs.start(approve("a", "alice"))
    runs.work()
    row = fresh(run)
    assert (row.status, row.lease_owner) == ("Waiting", "")
    assert statuses(run) == {"a": "Waiting"}
    assert told(run).count("step:waiting a") == 1


def test_an_approval_that_nobody_decides_times_out(runs: Runs) -> None:
    run = runs.run(approve("a", "alice", timeoutSeconds=3600))
    assert (run.status, statuses(run)) == ("TimedOut", {"a": "TimedOut"})


@pytest.mark.parametrize("steps", [1, 5])
def test_work_that_is_not_due_is_left_alone(runs: Runs, steps: int) -> None:
    run = runs.start(*[sleep(f"s{number}") for number in range(steps)])
    runs.work()
    epoch = fresh(run).epoch
    runs.hand.move(seconds=59)
    runs.work()
    assert fresh(run).epoch == epoch


def test_many_runs_wait_at_once(runs: Runs) -> None:
    for _ in range(10):
        runs.start(sleep("a", "PT1H"))
    runs.work()
    assert Execution.objects.filter(status="InProgress", lease_owner="").count() == 10
    runs.drain()
    assert Execution.objects.filter(status="Success").count() == 10
