"""An outcome that nobody can know: a person says what happened, and the run goes on from there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from executions import aws, history, lifecycle, signals
from executions.errors import BadParameters, Conflict, NotAllowed
from executions.models import Execution, JournalEntry
from tests.approvals.people import make_person
from tests.engine.fake_aws import FakeAws
from tests.engine.fake_ec2 import FakeEc2
from tests.engine.runs import Runs, fresh, is_idle, statuses, step, told
from tests.engine.steps import INSTANCE, change_state, output, publish, sleep

LOST = aws.OutcomeUnknown("connection reset")


@pytest.fixture
def unknown(runs: Runs, fake: FakeAws) -> Execution:
    """A run of two steps, the first of which is in question."""
    fake.on("Publish", LOST, {"MessageId": "m-2"})
    return runs.run(
        publish("a", "one", maxAttempts=2, outputs=[output("Id", "$.MessageId")]),
        publish("b", "two"),
        outputs=["a.Id"],
    )


def settle(runs: Runs, run: Execution, verdict: str, comment: str = "") -> None:
    """Say what happened, and let the run go on."""
    signals.settle_unknown(step(run, "a"), verdict, comment=comment, by=runs.person)
    runs.drain()


def test_it_waits_for_a_person_with_the_evidence(unknown: Execution) -> None:
    row = step(unknown, "a")
    assert (unknown.status, row.status, row.phase) == ("Waiting", "Waiting", "unknown")
    assert is_idle(unknown)
    assert row.unknown is not None
    assert "sns:Publish" in row.unknown["reason"]
    assert row.unknown["evidence"]["request"]["Message"] == "one"
    assert told(unknown)[-2:] == ["step:recovering a", "step:unknown a"]


def test_adopted_it_goes_on_without_another_call(
    runs: Runs, fake: FakeAws, unknown: Execution
) -> None:
    settle(runs, unknown, "adopt", "the mail arrived")
    run = fresh(unknown)
    assert (run.status, statuses(run)) == ("Success", {"a": "Success", "b": "Success"})
    assert [seen.request["Message"] for seen in fake.calls] == ["one", "two"]
    assert run.outputs["a.Id"][0].startswith("No output available yet")
    assert step(run, "a").unknown is None


def test_failed_it_is_not_tried_again(runs: Runs, fake: FakeAws, unknown: Execution) -> None:
    settle(runs, unknown, "fail", "nothing came")
    run = fresh(unknown)
    assert (run.status, statuses(run), len(fake.calls)) == ("Failed", {"a": "Failed"}, 1)
    assert "nothing came" in step(run, "a").failure_message


def test_rerun_it_is_another_attempt(runs: Runs, fake: FakeAws, unknown: Execution) -> None:
    settle(runs, unknown, "rerun")
    run = fresh(unknown)
    assert (run.status, step(run, "a").attempt) == ("Success", 2)
    assert [seen.request["Message"] for seen in fake.calls] == ["one", "one", "two"]
    assert step(run, "a").outputs == {"Id": "m-2"}


@pytest.mark.parametrize("verdict", ["adopt", "rerun"])
def test_the_time_a_person_takes_is_not_the_steps(
    runs: Runs, unknown: Execution, verdict: str
) -> None:
    runs.hand.move(days=3)
    settle(runs, unknown, verdict)
    assert fresh(unknown).status == "Success"


def test_an_adopted_change_is_still_waited_for(runs: Runs, fake: FakeAws) -> None:
    ec2 = FakeEc2(fake, **{INSTANCE.replace("-", "_"): "running"})

    def take_and_lose(request: Any) -> dict[str, Any]:
        ec2.order("StopInstances", request)
        ec2.order("StartInstances", request)  # somebody else
        raise LOST

    fake.on("StopInstances", take_and_lose)
    run = runs.run(change_state("a"))
    assert step(run, "a").phase == "unknown"
    runs.hand.move(days=3)
    ec2.order("StopInstances", {"InstanceIds": [INSTANCE]})
    settle(runs, run, "adopt")
    assert fresh(run).status == "Success"


def test_a_nudge_does_not_settle_it_and_makes_nobody_busy(
    runs: Runs, fake: FakeAws, unknown: Execution
) -> None:
    runs.hand.move(days=1)  # its own time is long over
    lifecycle.nudge(unknown.pk)
    runs.drain()
    assert is_idle(unknown)
    assert (step(unknown, "a").phase, len(fake.calls)) == ("unknown", 1)


def test_it_can_be_lost_again(runs: Runs, fake: FakeAws, unknown: Execution) -> None:
    fake.on("Publish", LOST)
    settle(runs, unknown, "rerun")
    assert (step(unknown, "a").phase, step(unknown, "a").attempt) == ("unknown", 2)
    settle(runs, unknown, "fail")
    assert fresh(unknown).status == "Failed"


def test_a_verdict_is_given_once(runs: Runs, unknown: Execution) -> None:
    signals.settle_unknown(step(unknown, "a"), "fail", comment="", by=runs.person)
    with pytest.raises(Conflict):
        signals.settle_unknown(step(unknown, "a"), "adopt", comment="", by=runs.person)
    runs.drain()
    with pytest.raises(Conflict):
        signals.settle_unknown(step(unknown, "a"), "adopt", comment="", by=runs.person)
    assert fresh(unknown).status == "Failed"


def test_a_verdict_is_one_of_three(runs: Runs, unknown: Execution) -> None:
    with pytest.raises(BadParameters):
        signals.settle_unknown(step(unknown, "a"), "shrug", comment="", by=runs.person)
    assert step(unknown, "a").phase == "unknown"


def test_a_verdict_needs_the_right(unknown: Execution) -> None:
    stranger = make_person("victor", "ssm:GetAutomationExecution")
    with pytest.raises(NotAllowed):
        signals.settle_unknown(step(unknown, "a"), "adopt", comment="", by=stranger)
    assert not JournalEntry.objects.latest("id").granted
    assert not unknown.signals.exists()


def test_a_verdict_is_told_with_its_person(runs: Runs, unknown: Execution) -> None:
    settle(runs, unknown, "adopt", "the mail arrived")
    event = unknown.events.get(kind="step:adopt")
    assert runs.person.principal is not None
    assert (event.by, event.data["comment"]) == (runs.person.principal.arn, "the mail arrived")


def test_it_can_be_cancelled(runs: Runs, fake: FakeAws, unknown: Execution) -> None:
    runs.stop(unknown)
    runs.drain()
    run = fresh(unknown)
    assert (run.status, statuses(run), len(fake.calls)) == ("Cancelled", {"a": "Cancelled"}, 1)
    assert "may have taken effect" in step(run, "a").failure_message
    assert run.ended_at is not None
    assert run.ended_at - run.created_at < timedelta(minutes=5)


def test_a_question_ends_with_the_time_of_its_cancel_step(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", LOST)
    run = runs.start(sleep("a", "PT1H", onCancel="step:b"), publish("b", isEnd=True))
    runs.work()
    runs.stop(run)
    runs.drain()
    assert (fresh(run).status, statuses(run)) == ("Cancelled", {"a": "Cancelled", "b": "TimedOut"})
    assert step(run, "b").unknown is None
    assert list(history.problems(fresh(run))) == []
