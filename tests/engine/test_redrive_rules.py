"""What can be run again, by whom, and how often."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from executions import earlier, lifecycle, redrive, signals
from executions.aws import AwsRefused, OutcomeUnknown
from executions.errors import Conflict, NotAllowed, NotFound
from executions.models import Execution, JournalEntry
from tests.approvals.people import DECIDE, make_person
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh, make_version, step
from tests.engine.steps import create_stack, execute, publish, sleep, terminate, wait_for_topic

REFUSED = AwsRefused("No.", "ValidationError")
FAILS = terminate("fails")


@pytest.fixture
def run(runs: Runs, fake: FakeAws) -> Execution:
    """It failed, and would not fail again."""
    fake.on("TerminateInstances", REFUSED, {})
    return runs.run(FAILS)


def test_a_call_that_a_person_gave_up_is_made(runs: Runs, fake: FakeAws) -> None:
    """What nobody knew became a failure, and what is taken as done is kept."""
    lost = OutcomeUnknown("connection reset")
    fake.on("Publish", lost, lost, {})
    run = runs.run(publish("adopted", "one"), publish("given-up", "two"))
    for name, verdict in (("adopted", "adopt"), ("given-up", "fail")):
        signals.settle_unknown(step(run, name), verdict, comment="", by=runs.person)
        runs.drain()
    redone = runs.again(run)
    assert (fresh(run).status, redone.status) == ("Failed", "Success")
    assert [seen.request["Message"] for seen in fake.calls] == ["one", "two", "two"]


def test_a_call_that_may_have_taken_effect_is_named(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", OutcomeUnknown("connection reset"))
    run = runs.run(publish("in-doubt"))
    runs.stop(run)
    runs.drain()
    plan = earlier.plan(run.pk)
    assert plan.begins_at == "in-doubt"
    assert plan.undone is not None
    assert "may have taken effect" in plan.undone.failure_message


def started_in(runs: Runs) -> Execution:
    """A child that failed."""
    run = runs.run(execute("a", make_version(sleep("s", "nonsense")).document.name))
    return Execution.objects.get(parent=run)


def interactive(runs: Runs) -> Execution:
    """A run step by step, which was cancelled."""
    version = make_version(sleep("s"))
    request = lifecycle.Start(version, "eu-west-1", mode="Interactive")
    run = lifecycle.start(request, by=runs.person)
    runs.stop(run)
    runs.drain()
    return fresh(run)


REFUSALS: list[tuple[Callable[[Runs], Execution], str]] = [
    (lambda runs: runs.start(sleep("a")), "It has not ended"),
    (lambda runs: runs.run(sleep("a")), "It ended well"),
    (started_in, "Run that execution again"),
    (interactive, "a person runs each step"),
]


@pytest.mark.parametrize(("make", "words"), REFUSALS)
def test_what_cannot_be_run_again_says_why(
    runs: Runs, make: Callable[[Runs], Execution], words: str
) -> None:
    run = make(runs)
    count = Execution.objects.count()
    with pytest.raises(Conflict, match=words):
        redrive.start(run.pk, by=runs.person)
    assert Execution.objects.count() == count
    assert not JournalEntry.objects.latest("id").granted


def test_one_at_a_time_and_then_the_later_one(runs: Runs, fake: FakeAws) -> None:
    fake.on("TerminateInstances", REFUSED, REFUSED, {})
    run = runs.run(FAILS)
    second = redrive.start(run.pk, by=runs.person)
    with pytest.raises(Conflict, match=f"{second.pk} is running it again"):
        redrive.start(run.pk, by=runs.person)
    runs.drain()
    with pytest.raises(Conflict, match=f"{second.pk} went on from here"):
        redrive.start(run.pk, by=runs.person)
    third = runs.again(second)
    with pytest.raises(Conflict, match=f"{third.pk} has run it again, and ended well"):
        redrive.start(second.pk, by=runs.person)
    assert earlier.find_subject(fresh(run)) is None


def test_not_while_a_run_below_it_still_cleans_up(runs: Runs) -> None:
    """Its onCancel step and the new run's steps would act on the same at once."""
    tidies = sleep("tidies", "PT1M", isEnd=True)
    rests = sleep("rests", "PT1H", onCancel="step:tidies", isEnd=True)
    inner = make_version(rests, tidies).document.name
    outer = make_version(execute("inner", inner)).document.name
    run = runs.start(execute("outer", outer))
    for _ in range(3):
        runs.work()
    runs.stop(run)
    for _ in range(3):
        runs.work()
    below = Execution.objects.get(depth=2)
    assert (fresh(run).status, below.status) == ("Cancelled", "Cancelling")
    assert earlier.find_subject(fresh(run)) is None
    with pytest.raises(Conflict, match=f"{below.pk}, which .* started, has not ended"):
        redrive.start(run.pk, by=runs.person)
    runs.drain()
    assert runs.again(run).status == "Success"


def test_the_same_token_is_the_same_execution(runs: Runs, run: Execution) -> None:
    made = [redrive.start(run.pk, by=runs.person, token="t" * 36).pk for _ in range(2)]
    assert made[0] == made[1]


def test_whoever_may_not_start_it_may_not_run_it_again(runs: Runs, run: Execution) -> None:
    reader = make_person("victor", *DECIDE)
    with pytest.raises(NotAllowed, match="You may not start"):
        redrive.start(run.pk, by=reader)
    with pytest.raises(NotFound):
        redrive.start(run.pk, by=make_person("mallory", "ssm:StartAutomationExecution"))
    assert Execution.objects.count() == 1


def test_it_is_journalled_with_what_it_runs_again(runs: Runs, run: Execution) -> None:
    redone = runs.again(run)
    entry = JournalEntry.objects.latest("id")
    assert entry.data["execution"] == str(redone.pk)
    assert entry.data["redrive_of"] == str(run.pk)


def test_one_that_ended_without_any_effect_leaves_it_to_the_run_before(
    runs: Runs, fake: FakeAws
) -> None:
    """What it did not come to keep would be lost to a run that begins with it."""
    fake.on("TerminateInstances", REFUSED, {})
    fake.on("GetTopicAttributes", {"State": "ready"}, {"State": "not yet"})
    run = runs.run(sleep("rests"), wait_for_topic("waits"), create_stack("makes"), FAILS)
    late = runs.again(run)
    assert (run.status, late.status) == ("Failed", "TimedOut")
    with pytest.raises(Conflict, match=f"it kept of execution {run.pk}. Run that one again"):
        redrive.start(late.pk, by=runs.person)
    assert earlier.find_subject(late) == run
    fake.on("GetTopicAttributes", {"State": "ready"})
    redone = runs.again(run)
    assert [row.name for row in redone.steps.exclude(kept_from=None)] == ["rests", "makes"]
    assert earlier.find_subject(fresh(late)) is None
