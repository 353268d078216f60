"""Interactive executions: they wait at the start, between steps and after the last one."""

from __future__ import annotations

import pytest

from executions import lifecycle, signals
from executions.errors import Conflict
from executions.models import Execution, Signal
from tests.conftest import HandClock
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import REGION, Runs, fresh, is_idle, make_version, statuses, step, told
from tests.engine.steps import Step, branch, publish, sleep


def begin(runs: Runs, *steps: Step) -> Execution:
    """An interactive run that waits for the first step."""
    request = lifecycle.Start(make_version(*steps), REGION, mode="Interactive")
    run = lifecycle.start(request, by=runs.person)
    runs.drain()
    return run


def send(runs: Runs, run: Execution, kind: str, value: str) -> None:
    """A signal, and what follows from it until nothing happens by itself."""
    signals.send(fresh(run), kind, value, by=runs.person)
    runs.drain()


def state(run: Execution) -> tuple[str, str]:
    """The run's status, and the step that is next."""
    row = fresh(run)
    return row.status, row.current_step


def test_waits_at_the_start(runs: Runs, fake: FakeAws) -> None:
    run = begin(runs, publish("a"), publish("b"))
    assert state(run) == ("Waiting", "a")
    assert is_idle(run)
    assert fake.calls == []
    assert told(run) == ["execution:accepted", "execution:started", "execution:waiting"]


def test_waits_between_steps_and_after_the_last(runs: Runs, fake: FakeAws) -> None:
    run = begin(runs, publish("a"), publish("b"))
    send(runs, run, "StartStep", "a")
    assert state(run) == ("Waiting", "b")
    assert len(fake.calls) == 1
    send(runs, run, "StartStep", "b")
    assert state(run) == ("Waiting", "")
    assert is_idle(run)
    lifecycle.stop(fresh(run), by=runs.person, kind="Complete")
    runs.drain()
    assert state(run)[0] == "Success"
    assert told(run)[-2:] == ["execution:completing", "execution:success"]


def test_any_step_in_any_order_and_again(runs: Runs) -> None:
    run = begin(runs, publish("a"), publish("b"), publish("c"))
    for name in ("c", "a", "c"):
        send(runs, run, "StartStep", name)
    rows = run.steps.order_by("number").values_list("name", "status")
    assert list(rows) == [("c", "Success"), ("a", "Success"), ("c", "Success")]
    assert state(run) == ("Waiting", "")


def test_branch_says_what_is_next(runs: Runs) -> None:
    run = begin(runs, branch("a", "global:REGION", REGION, "c"), publish("b"), publish("c"))
    send(runs, run, "StartStep", "a")
    assert state(run) == ("Waiting", "c")


def test_failure_waits_for_a_person_too(runs: Runs, fake: FakeAws) -> None:
    run = begin(runs, publish("a", "{{ Nothing }}"), publish("b"))
    send(runs, run, "StartStep", "a")
    assert step(run, "a").status == "Failed"
    assert state(run) == ("Waiting", "")
    send(runs, run, "StartStep", "b")
    assert statuses(run) == {"a": "Failed", "b": "Success"}
    assert len(fake.calls) == 1


def test_stop_step_ends_only_the_step(runs: Runs, hand_clock: HandClock) -> None:
    run = begin(runs, sleep("a"), publish("b"))
    signals.send(fresh(run), "StartStep", "a", by=runs.person)
    runs.work()
    assert state(run) == ("InProgress", "a")
    signals.send(fresh(run), "StopStep", str(step(run, "a").pk), by=runs.person)
    runs.work()
    assert step(run, "a").status == "Cancelled"
    assert state(run) == ("Waiting", "")
    hand_clock.move(hours=1)
    runs.drain()
    assert statuses(run) == {"a": "Cancelled"}
    send(runs, run, "StartStep", "b")
    assert statuses(run) == {"a": "Cancelled", "b": "Success"}


def test_stop_for_a_step_that_ended_meanwhile_stops_no_other(
    runs: Runs, hand_clock: HandClock
) -> None:
    run = begin(runs, sleep("a"), sleep("b"))
    signals.send(fresh(run), "StartStep", "a", by=runs.person)
    runs.work()
    hand_clock.move(minutes=1)
    row = step(run, "a")
    Signal.objects.create(execution=run, step=row, kind="StopStep", by="somebody")
    lifecycle.nudge(run.pk)
    runs.work()
    signals.send(fresh(run), "StartStep", "b", by=runs.person)
    runs.drain()
    assert step(run, "b").status == "Success"
    assert not run.signals.filter(consumed_at=None).exists()


@pytest.mark.parametrize(("kind", "status"), [("Cancel", "Cancelled"), ("Complete", "Success")])
def test_stop_while_a_step_runs(runs: Runs, kind: str, status: str) -> None:
    run = begin(runs, sleep("a"), publish("b"))
    signals.send(fresh(run), "StartStep", "a", by=runs.person)
    runs.work()
    lifecycle.stop(fresh(run), by=runs.person, kind=kind)
    runs.drain()
    assert state(run)[0] == status
    assert statuses(run) == {"a": "Cancelled"}


def test_signal_is_applied_once(runs: Runs, fake: FakeAws) -> None:
    run = begin(runs, publish("a"))
    send(runs, run, "StartStep", "a")
    for _ in range(3):
        lifecycle.nudge(run.pk)
        runs.drain()
    assert len(fake.calls) == 1
    assert Signal.objects.get().consumed_at
    assert told(run).count("signal:startstep a") == 1


def test_no_second_step_beside_one_that_runs(runs: Runs) -> None:
    run = begin(runs, sleep("a"), publish("b"))
    signals.send(fresh(run), "StartStep", "a", by=runs.person)
    with pytest.raises(Conflict):
        signals.send(fresh(run), "StartStep", "b", by=runs.person)
    runs.work()
    with pytest.raises(Conflict):
        signals.send(fresh(run), "StartStep", "b", by=runs.person)
    assert statuses(run) == {"a": "InProgress"}


def test_auto_run_never_waits_for_a_start(runs: Runs) -> None:
    run = runs.run(publish("a"), publish("b"))
    assert run.status == "Success"
    assert "execution:waiting" not in told(run)
