"""aws:loop cut short: its time, cancel, complete, lost workers, and runs that people lead."""

from __future__ import annotations

from datetime import timedelta

import pytest

from executions import lifecycle, signals
from executions.aws import OutcomeUnknown
from executions.errors import Conflict
from executions.models import Execution
from executions.states import NEVER
from tests.conftest import HandClock
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import REGION, Runs, fresh, make_version, next_wake, statuses, step
from tests.engine.steps import Step, each, publish, sleep


def begin(runs: Runs, *steps: Step) -> Execution:
    """An interactive run that waits for the first step."""
    request = lifecycle.Start(make_version(*steps), REGION, mode="Interactive")
    run = lifecycle.start(request, by=runs.person)
    runs.drain()
    return run


def send(runs: Runs, run: Execution, kind: str, value: str) -> None:
    """A signal, and all that follows at once."""
    signals.send(fresh(run), kind, value, by=runs.person)
    runs.work()


def state(run: Execution) -> tuple[str, str]:
    """The run's status, and the step that is next."""
    row = fresh(run)
    return row.status, row.current_step


def test_its_time_covers_all_passes(runs: Runs) -> None:
    began = runs.hand.now
    run = runs.run(each("l", [1, 2, 3], sleep("a", "PT1M"), timeoutSeconds=90), sleep("z"))
    assert run.status == "TimedOut"
    assert list(run.steps.values_list("name", "iteration", "status")) == [
        *(("l", None, "TimedOut"), ("a", 1, "Success"), ("a", 2, "Cancelled")),
    ]
    assert runs.hand.now - began == timedelta(seconds=90)
    assert run.failure_message.startswith("Step l timed out: l did not end in the time it has")


def test_no_time_of_a_step_outlasts_the_loops(runs: Runs) -> None:
    run = runs.start(each("l", [1], sleep("a", "PT1H", timeoutSeconds=600), timeoutSeconds=90))
    runs.work()
    assert step(run, "a").deadline_at == step(run, "l").deadline_at


def test_the_time_of_a_step_inside_is_its_own(runs: Runs) -> None:
    body = sleep("a", "PT1H", timeoutSeconds=60, onFailure="Continue")
    run = runs.run(each("l", [1, 2], body, timeoutSeconds=3600))
    assert run.status == "Success"
    assert list(run.steps.values_list("name", "status")) == [
        *(("l", "Success"), ("a", "TimedOut"), ("a", "TimedOut")),
    ]


def test_a_step_that_timed_out_times_out_loop_and_run(runs: Runs) -> None:
    run = runs.run(each("l", [1, 2], sleep("a", "PT1H", timeoutSeconds=60)))
    assert (run.status, statuses(run)) == ("TimedOut", {"l": "TimedOut", "a": "TimedOut"})


def test_after_its_time_its_own_on_failure_decides(runs: Runs) -> None:
    loop = each("l", [1], sleep("a", "PT1H"), timeoutSeconds=60, onFailure="Continue")
    run = runs.run(loop, sleep("z", "PT1S"))
    assert run.status == "Success"
    assert statuses(run) == {"l": "TimedOut", "a": "Cancelled", "z": "Success"}


def test_another_attempt_begins_with_the_first_pass(runs: Runs) -> None:
    loop = each("l", [1, 2], sleep("a", "PT1M"), timeoutSeconds=90, maxAttempts=2)
    run = runs.run(loop)
    assert run.status == "TimedOut"
    rows = run.steps.filter(name="a").values_list("iteration", "status")
    assert list(rows) == [(1, "Success"), (2, "Cancelled")] * 2
    assert step(run, "l").attempt == 2


def test_a_question_about_a_call_comes_before_the_loops_time(
    runs: Runs, fake: FakeAws, hand_clock: HandClock
) -> None:
    fake.on("Publish", OutcomeUnknown("ReadTimeout", "no answer"))
    run = runs.run(each("l", [1, 2], publish("a"), timeoutSeconds=300))
    assert (run.status, step(run, "a").phase) == ("Waiting", "unknown")
    hand_clock.move(hours=5)
    runs.drain()
    fake.on("Publish", {})
    signals.settle_unknown(step(run, "a"), "adopt", comment="", by=runs.person)
    runs.drain()
    assert fresh(run).status == "Success"


@pytest.mark.parametrize(("kind", "status"), [("Cancel", "Cancelled"), ("Complete", "Success")])
def test_a_stop_ends_the_step_and_then_the_loop(runs: Runs, kind: str, status: str) -> None:
    run = runs.start(each("l", [1, 2], sleep("a")), sleep("z"))
    runs.work()
    lifecycle.stop(fresh(run), by=runs.person, kind=kind)
    runs.drain()
    assert (fresh(run).status, statuses(run)) == (status, {"l": "Cancelled", "a": "Cancelled"})
    assert run.steps.exclude(phase="ended").count() == 0


def test_on_cancel_of_a_step_inside_leads_out(runs: Runs, fake: FakeAws) -> None:
    body = sleep("a", "PT1H", onCancel="step:z")
    run = runs.start(each("l", ["x", "y"], body), publish("n"), publish("z", "clean up"))
    runs.work()
    runs.stop(run)
    runs.drain()
    assert fresh(run).status == "Cancelled"
    assert statuses(run) == {"l": "Exited", "a": "Cancelled", "z": "Success"}
    assert [seen.request["Message"] for seen in fake.calls] == ["clean up"]


def test_on_cancel_may_stay_inside(runs: Runs, fake: FakeAws) -> None:
    body = (sleep("a", "PT1H", onCancel="step:b"), publish("b", "{{ l.CurrentIteratorValue }}"))
    run = runs.start(each("l", ["x", "y"], *body))
    runs.work()
    runs.stop(run)
    runs.drain()
    assert fresh(run).status == "Cancelled"
    assert statuses(run) == {"l": "Cancelled", "a": "Cancelled", "b": "Success"}
    assert [seen.request["Message"] for seen in fake.calls] == ["x"]


def test_the_engine_gives_up_step_and_loop(runs: Runs, hand_clock: HandClock) -> None:
    run = runs.start(each("l", [1, 2], sleep("a")))
    runs.work()
    Execution.objects.filter(pk=run.pk).update(takeovers=9, wake_at=hand_clock.now)
    runs.work()
    assert fresh(run).status == "Failed"
    assert statuses(run) == {"l": "Failed", "a": "Failed"}


def test_a_person_leads_each_pass(runs: Runs, fake: FakeAws) -> None:
    run = begin(runs, each("l", ["x", "y"], publish("a"), publish("b")), publish("z"))
    send(runs, run, "StartStep", "l")
    assert state(run) == ("Waiting", "a")
    assert statuses(run) == {"l": "InProgress"}
    for _ in ("x", "y"):
        send(runs, run, "StartStep", "a")
        assert state(run) == ("Waiting", "b")
        send(runs, run, "StartStep", "b")
    assert state(run) == ("Waiting", "z")
    assert statuses(run) == {"l": "Success", "a": "Success", "b": "Success"}
    assert len(fake.calls) == 4


def test_a_person_may_repeat_or_skip_inside(runs: Runs, fake: FakeAws) -> None:
    run = begin(runs, each("l", ["x"], publish("a", "a"), publish("b", "b")))
    for name in ("l", "a", "a", "b"):
        send(runs, run, "StartStep", name)
    assert [seen.request["Message"] for seen in fake.calls] == ["a", "a", "b"]
    assert list(run.steps.values_list("iteration", flat=True)) == [None, 1, 1, 1]
    assert statuses(run)["l"] == "Success"


def test_a_step_inside_begins_only_in_its_loop(runs: Runs) -> None:
    run = begin(runs, each("l", ["x"], publish("a")), publish("z"))
    with pytest.raises(Conflict, match="inside the loop l; start the loop"):
        send(runs, run, "StartStep", "a")
    send(runs, run, "StartStep", "l")
    with pytest.raises(Conflict, match="The loop l is in a pass"):
        send(runs, run, "StartStep", "z")


def test_stopping_the_loop_ends_what_is_inside(runs: Runs) -> None:
    run = begin(runs, each("l", ["x", "y"], sleep("a")), publish("z"))
    send(runs, run, "StartStep", "l")
    send(runs, run, "StartStep", "a")
    send(runs, run, "StopStep", str(step(run, "l").pk))
    assert statuses(run) == {"l": "Cancelled", "a": "Cancelled"}
    send(runs, run, "StartStep", "z")
    assert statuses(run)["z"] == "Success"


def test_stopping_a_step_inside_leaves_the_loop_open(runs: Runs) -> None:
    run = begin(runs, each("l", ["x"], sleep("a")))
    send(runs, run, "StartStep", "l")
    send(runs, run, "StartStep", "a")
    send(runs, run, "StopStep", str(step(run, "a").pk))
    assert statuses(run) == {"l": "InProgress", "a": "Cancelled"}
    assert next_wake() >= NEVER


def test_the_loops_time_runs_while_nobody_starts_a_step(runs: Runs) -> None:
    run = begin(runs, each("l", ["x"], sleep("a"), timeoutSeconds=60))
    signals.send(fresh(run), "StartStep", "l", by=runs.person)
    runs.drain()
    assert statuses(run) == {"l": "TimedOut"}
    assert state(run)[0] == "Waiting"
