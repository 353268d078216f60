"""aws:pause in a run: it holds no worker, and one Resume ends it, in any mode."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.iam.models import User
from executions import lifecycle, signals
from executions.errors import Conflict, NotAllowed, NotFound
from executions.models import Execution
from tests.approvals.people import make_person
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import REGION, Runs, fresh, is_idle, make_version, statuses, step, told
from tests.engine.steps import Step, publish


def pause(name: str, **more: object) -> Step:
    return {"name": name, "action": "aws:pause", "inputs": {}, **more}


@pytest.fixture
def olivia(olivia: User) -> User:
    """She may also send signals."""
    return make_person(
        "paula",
        "ssm:StartAutomationExecution",
        "ssm:StopAutomationExecution",
        "ssm:SendAutomationSignal",
    )


def resume(run: Execution, name: str, by: User) -> None:
    signals.send(fresh(run), "Resume", name, by=by)


def test_it_waits_in_the_open_and_holds_no_worker(runs: Runs) -> None:
    run = runs.run(pause("a"), publish("b"))
    assert (run.status, statuses(run)) == ("Waiting", {"a": "Waiting"})
    assert is_idle(run)


def test_one_resume_ends_it(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(pause("a"), publish("b"))
    resume(run, "a", runs.person)
    runs.drain()
    assert (fresh(run).status, statuses(run)) == ("Success", {"a": "Success", "b": "Success"})
    assert not run.signals.filter(consumed_at=None).exists()
    assert "signal:resume a" in told(run)


def test_a_nudge_does_not_end_it(runs: Runs) -> None:
    run = runs.run(pause("a"))
    lifecycle.nudge(run.pk)
    runs.drain()
    assert fresh(run).status == "Waiting"


def test_each_pause_needs_its_own(runs: Runs) -> None:
    run = runs.run(pause("a"), pause("b"))
    resume(run, "a", runs.person)
    runs.drain()
    assert statuses(run) == {"a": "Success", "b": "Waiting"}
    with pytest.raises(Conflict, match="a does not wait to be resumed"):
        resume(run, "a", runs.person)
    resume(run, "b", runs.person)
    runs.drain()
    assert fresh(run).status == "Success"


def test_it_is_resumed_once(runs: Runs) -> None:
    run = runs.run(pause("a"))
    resume(run, "a", runs.person)
    with pytest.raises(Conflict, match="resumed already"):
        resume(run, "a", runs.person)


def test_a_step_that_is_not_there_is_told_apart(runs: Runs) -> None:
    run = runs.run(pause("a"), publish("b"))
    with pytest.raises(NotFound) as unknown:
        resume(run, "nothing", runs.person)
    assert unknown.value.code == "AutomationStepNotFoundException"
    with pytest.raises(Conflict) as early:
        resume(run, "b", runs.person)
    assert early.value.code == "InvalidAutomationSignalException"


def test_a_stranger_may_not_resume(runs: Runs) -> None:
    run = runs.run(pause("a"))
    with pytest.raises(NotAllowed):
        resume(run, "a", make_person("sam"))
    assert not run.signals.exists()


def test_a_run_that_is_being_cancelled_is_not_resumed(runs: Runs) -> None:
    run = runs.run(pause("a"))
    runs.stop(run)
    with pytest.raises(Conflict):
        resume(run, "a", runs.person)
    runs.drain()
    assert (fresh(run).status, statuses(run)) == ("Cancelled", {"a": "Cancelled"})


def test_a_resume_that_a_cancel_overtakes_is_consumed(runs: Runs) -> None:
    run = runs.run(pause("a"))
    resume(run, "a", runs.person)
    runs.stop(run)
    runs.drain()
    assert statuses(run) == {"a": "Cancelled"}
    assert not run.signals.filter(consumed_at=None).exists()


def test_its_own_timeout_ends_it(runs: Runs) -> None:
    began = runs.hand.now
    run = runs.run(pause("a", timeoutSeconds=600))
    assert (run.status, statuses(run)) == ("TimedOut", {"a": "TimedOut"})
    assert (runs.hand.now - began).total_seconds() == 600


def test_in_an_interactive_run_resume_ends_the_pause_that_waits(runs: Runs, fake: FakeAws) -> None:
    start = lifecycle.Start(make_version(pause("a"), publish("b")), REGION)
    run = lifecycle.start(replace(start, mode="Interactive"), by=runs.person)
    runs.drain()
    signals.send(fresh(run), "StartStep", "a", by=runs.person)
    runs.drain()
    assert statuses(run) == {"a": "Waiting"}
    resume(run, "a", runs.person)
    runs.drain()
    assert (fresh(run).status, statuses(run)) == ("Waiting", {"a": "Success"})
    resume(run, "b", runs.person)
    runs.drain()
    assert statuses(run) == {"a": "Success", "b": "Success"}


def test_a_stop_step_is_for_one_step_only(runs: Runs) -> None:
    start = lifecycle.Start(make_version(pause("a"), pause("b")), REGION)
    run = lifecycle.start(replace(start, mode="Interactive"), by=runs.person)
    runs.drain()
    signals.send(fresh(run), "StartStep", "a", by=runs.person)
    runs.drain()
    resume(run, "a", runs.person)
    signals.send(fresh(run), "StopStep", str(step(run, "a").id), by=runs.person)
    runs.drain()
    assert statuses(run) == {"a": "Cancelled"}
    signals.send(fresh(run), "StartStep", "b", by=runs.person)
    runs.drain()
    assert statuses(run) == {"a": "Cancelled", "b": "Waiting"}
