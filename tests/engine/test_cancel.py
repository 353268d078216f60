"""Cancel: no step begins any more, onCancel has two minutes, and the run ends Cancelled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from approvals.models import ApprovalRequest
from executions import aws, lifecycle, store
from executions.errors import Conflict, NotAllowed
from executions.models import Execution
from tests.approvals.people import make_person
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh, is_idle, statuses, step, told
from tests.engine.steps import (
    approve,
    create_stack,
    publish,
    read_topic,
    sleep,
    wait_for_topic,
)

LOST = aws.OutcomeUnknown("connection reset")
BUSY = aws.Throttled("slow down", "Throttling")
DOUBT = "may have taken effect"


def stopping(runs: Runs, answer: dict[str, Any] | Exception) -> Callable[[Any], dict[str, Any]]:
    """AWS's answer to a call during which somebody stops the run."""

    def stop_and_answer(_: Any) -> dict[str, Any]:
        runs.stop(Execution.objects.get())
        if isinstance(answer, Exception):
            raise answer
        return answer

    return stop_and_answer


def assert_cancelled(runs: Runs, run: Execution, **expected: str) -> None:
    """It ended Cancelled, with these steps, for good."""
    row = fresh(run)
    assert (row.status, statuses(run)) == ("Cancelled", expected)
    assert told(run)[-1] == "execution:cancelled"
    assert is_idle(run)
    with pytest.raises(Conflict):
        runs.stop(run)


def test_before_it_began(runs: Runs, fake: FakeAws) -> None:
    run = runs.start(publish("a", onCancel="step:b"), publish("b"))
    runs.stop(run)
    assert fresh(run).status == "Cancelling"
    runs.drain()
    assert_cancelled(runs, run)
    assert fake.calls == []


def test_while_a_step_waits(runs: Runs) -> None:
    run = runs.start(sleep("a", "PT1H"), publish("b"))
    runs.work()
    runs.stop(run)
    runs.work()
    assert_cancelled(runs, run, a="Cancelled")
    assert DOUBT not in step(run, "a").failure_message


def test_while_people_are_asked(runs: Runs) -> None:
    run = runs.start(approve("a", "alice"), publish("b"))
    runs.work()
    runs.stop(run)
    runs.work()
    assert_cancelled(runs, run, a="Cancelled")
    assert ApprovalRequest.objects.get().status == "Cancelled"


def test_between_two_attempts(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", aws.AwsRefused("no", "NotFound"))
    run = runs.start(publish("a", maxAttempts=3))
    runs.work()
    runs.stop(run)
    runs.drain()
    assert_cancelled(runs, run, a="Cancelled")
    assert len(fake.calls) == 1


def test_while_aws_is_busy(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", BUSY)
    run = runs.start(publish("a"))
    runs.work()
    runs.stop(run)
    runs.drain()
    assert_cancelled(runs, run, a="Cancelled")
    assert DOUBT not in step(run, "a").failure_message


def test_while_an_answer_is_lost(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", LOST)
    run = runs.start(publish("a"))
    runs.work()
    runs.stop(run)
    runs.drain()
    assert_cancelled(runs, run, a="Cancelled")
    assert DOUBT in step(run, "a").failure_message


def test_during_a_call_that_answers(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", stopping(runs, {}))
    run = runs.run(publish("a"), publish("b"))
    assert_cancelled(runs, run, a="Success")
    assert len(fake.calls) == 1


def test_during_a_call_that_is_refused(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", stopping(runs, aws.AwsRefused("no", "NotFound")))
    run = runs.run(publish("a", maxAttempts=3))
    assert_cancelled(runs, run, a="Cancelled")
    assert len(fake.calls) == 1


def test_during_the_last_call(runs: Runs, fake: FakeAws) -> None:
    """The stop came first: Cancelled, though every step succeeded."""
    fake.on("Publish", stopping(runs, {}))
    run = runs.run(publish("a", onCancel="step:b", isEnd=True), publish("b"))
    assert_cancelled(runs, run, a="Success")


def test_asked_to_complete_while_the_last_step_begins(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(sleep("a", "PT0S"))
    # Workers were lost over it, so a step is committed as soon as it begins, and a stop is seen.
    Execution.objects.update(takeovers=1)
    claim = store.claim

    def claimed_too_early() -> Execution | None:
        if (claimed := claim()) and not claimed.stop_requested:
            lifecycle.stop(claimed, by=runs.person, kind="Complete")
        return claimed

    monkeypatch.setattr(store, "claim", claimed_too_early)
    runs.drain()
    assert fresh(run).status == "Success"


def test_during_a_read_no_call_is_made_any_more(runs: Runs, fake: FakeAws) -> None:
    """The stop is committed before the intent of the next step: that step is not called."""
    fake.on("GetTopicAttributes", stopping(runs, {}))
    run = runs.run(read_topic("a"), publish("b"))
    assert_cancelled(runs, run, a="Success", b="Cancelled")
    assert fake.operations == ["GetTopicAttributes"]
    assert "step:call b" not in told(run)
    assert DOUBT not in step(run, "b").failure_message


def test_a_call_sent_again_after_a_stop_is_not(runs: Runs, fake: FakeAws) -> None:
    fake.on("CreateStack", LOST)
    run = runs.start(create_stack("a"))
    runs.work()
    runs.hand.move(minutes=1)
    runs.stop(run)
    runs.drain()
    assert_cancelled(runs, run, a="Cancelled")
    assert (len(fake.calls), DOUBT in step(run, "a").failure_message) == (1, True)


def test_after_the_end_it_is_too_late(runs: Runs) -> None:
    run = runs.run(publish("a"))
    with pytest.raises(Conflict) as refused:
        runs.stop(run)
    assert refused.value.code == "InvalidAutomationStatusUpdateException"
    assert (fresh(run).status, told(run)[-1]) == ("Success", "execution:success")


def test_a_second_stop_is_refused(runs: Runs) -> None:
    run = runs.start(sleep("a"))
    runs.stop(run)
    with pytest.raises(Conflict):
        runs.stop(run)
    assert told(run).count("execution:cancelling") == 1


def test_it_needs_the_right(runs: Runs) -> None:
    run = runs.start(sleep("a"))
    with pytest.raises(NotAllowed):
        lifecycle.stop(run, by=make_person("victor", "ssm:GetAutomationExecution"))
    assert fresh(run).stop_requested == ""


def test_the_on_cancel_step_runs(runs: Runs, fake: FakeAws) -> None:
    run = runs.start(sleep("a", "PT1H", onCancel="step:c"), publish("b"), publish("c"))
    runs.work()
    runs.stop(run)
    runs.drain()
    assert_cancelled(runs, run, a="Cancelled", c="Success")
    assert fake.operations == ["Publish"]


def test_it_is_cancelling_until_it_is_cancelled(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", stopping(runs, {"State": "busy"}), {"State": "busy"})
    run = runs.start(wait_for_topic("a", onCancel="step:b"), wait_for_topic("b"))
    runs.work()
    assert fresh(run).status == "Cancelling"
    assert statuses(run) == {"a": "Cancelled", "b": "InProgress"}


def test_the_on_cancel_steps_follow_their_own_next_step(runs: Runs) -> None:
    run = runs.start(
        sleep("a", "PT1H", onCancel="step:c"),
        publish("b"),
        publish("c", nextStep="e"),
        publish("d"),
        publish("e"),
        publish("f"),
    )
    runs.work()
    runs.stop(run)
    runs.drain()
    assert_cancelled(runs, run, a="Cancelled", c="Success", e="Success")


def test_a_failed_on_cancel_step_leads_nowhere(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", aws.AwsRefused("no", "NotFound"))
    run = runs.start(
        sleep("a", "PT1H", onCancel="step:c"), publish("b"), publish("c", onFailure="step:b")
    )
    runs.work()
    runs.stop(run)
    runs.drain()
    assert_cancelled(runs, run, a="Cancelled", c="Failed")


CLEAN_UP: list[tuple[dict[str, Any], dict[str, Any] | Exception]] = [
    (wait_for_topic("c", maxAttempts=9), {"State": "busy"}),
    (publish("c", maxAttempts=99, timeoutSeconds=600), aws.AwsRefused("no", "NotFound")),
    (publish("c", timeoutSeconds=600), BUSY),
    (publish("c", timeoutSeconds=600), LOST),
    (create_stack("c", timeoutSeconds=600), LOST),
    (read_topic("c", timeoutSeconds=600), LOST),
]


@pytest.mark.parametrize(("clean_up", "answer"), CLEAN_UP)
def test_cancelling_takes_two_minutes_at_most(
    runs: Runs, fake: FakeAws, clean_up: dict[str, Any], answer: dict[str, Any] | Exception
) -> None:
    fake.on(clean_up["inputs"]["Api"], answer)
    run = runs.start(sleep("a", "PT1H", onCancel="step:c"), sleep("b"), clean_up)
    runs.work()
    runs.stop(run)
    asked_at = runs.hand.now
    runs.drain()
    assert_cancelled(runs, run, a="Cancelled", c="TimedOut")
    assert fake.calls[-1].at < asked_at + timedelta(minutes=2)
    assert runs.hand.now <= asked_at + timedelta(minutes=2, seconds=6)


def test_a_stop_during_a_call_limits_the_on_cancel_step_too(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", stopping(runs, aws.AwsRefused("no", "NotFound")))
    fake.on("GetTopicAttributes", {"State": "busy"})
    asked_at = runs.hand.now
    run = runs.run(
        publish("a", onCancel="step:b", onFailure="step:c"), wait_for_topic("b"), sleep("c", "PT1H")
    )
    assert fresh(run).status == "Cancelled"
    assert runs.hand.now <= asked_at + timedelta(minutes=2, seconds=6)


def test_a_stop_found_in_the_same_turn_limits_the_on_cancel_step_too(
    runs: Runs, fake: FakeAws
) -> None:
    fake.on("Publish", {})
    fake.on("GetTopicAttributes", stopping(runs, {"State": "busy"}), {"State": "busy"})
    asked_at = runs.hand.now
    run = runs.run(
        wait_for_topic("a", onCancel="step:c"), publish("b"), wait_for_topic("c", "never")
    )
    assert_cancelled(runs, run, a="Cancelled", c="TimedOut")
    assert runs.hand.now <= asked_at + timedelta(minutes=2, seconds=6)
