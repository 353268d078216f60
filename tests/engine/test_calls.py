"""What follows when AWS is busy, out of reach, or does not say whether a call took effect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from executions import aws
from tests.engine.fake_aws import FakeAws
from tests.engine.fake_ec2 import FakeEc2
from tests.engine.runs import Runs, fresh, statuses, step, told
from tests.engine.steps import (
    INSTANCE,
    change_state,
    create_stack,
    publish,
    read_topic,
    sleep,
    terminate,
)

BUSY = aws.Throttled("slow down", "Throttling")
UNSENT = aws.NotSent("no route to host")
LOST = aws.OutcomeUnknown("connection reset")
REFUSED = aws.AwsRefused("no", "NotFound")
LONG: dict[str, Any] = {"timeoutSeconds": 3000}


@pytest.mark.parametrize("trouble", [BUSY, UNSENT])
@pytest.mark.parametrize("make", [publish, create_stack, read_topic, terminate])
def test_what_did_not_happen_is_tried_again_in_the_same_attempt(
    runs: Runs, fake: FakeAws, trouble: Exception, make: Any
) -> None:
    started = make("a")
    fake.on(started["inputs"]["Api"], trouble, trouble, {})
    run = runs.run(started)
    assert (run.status, step(run, "a").attempt, len(fake.calls)) == ("Success", 1, 3)
    assert len({str(seen.request) for seen in fake.calls}) == 1
    assert step(run, "a").failure_message == ""


def test_throttling_holds_no_lease(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", BUSY)
    run = runs.start(publish("a"))
    runs.work()
    assert fresh(run).lease_owner == ""
    assert "slow down" in step(run, "a").failure_message


def test_throttling_has_a_limit_before_the_next_attempt(
    runs: Runs, fake: FakeAws, settings: Settings
) -> None:
    settings.THROTTLING_RETRY_LIMIT = timedelta(seconds=30)
    fake.on("Publish", BUSY)
    run = runs.run(publish("a", maxAttempts=2, **LONG))
    failed = step(run, "a")
    assert (run.status, failed.attempt, failed.failure_type) == ("Failed", 2, "Throttling")
    first, last = fake.calls[0].at, fake.calls[-1].at
    assert timedelta(seconds=60) <= last - first < timedelta(seconds=90)


def test_a_timeout_ends_throttling_too(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", BUSY)
    began = runs.hand.now
    run = runs.run(publish("a", timeoutSeconds=20))
    assert (run.status, runs.hand.now) == ("TimedOut", began + timedelta(seconds=20))
    assert "may have taken effect" not in step(run, "a").failure_message


@pytest.mark.parametrize("make", [create_stack, read_topic, terminate])
def test_a_lost_answer_is_asked_for_again_with_the_same_bytes(
    runs: Runs, fake: FakeAws, make: Any
) -> None:
    started = make("a", **LONG)
    fake.on(started["inputs"]["Api"], LOST, LOST, {})
    run = runs.run(started)
    assert (run.status, step(run, "a").attempt, len(fake.calls)) == ("Success", 1, 3)
    assert len({str(seen.request) for seen in fake.calls}) == 1


def test_a_read_that_never_answers_ends_at_its_deadline(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", LOST)
    began = runs.hand.now
    run = runs.run(read_topic("a"))
    assert (run.status, runs.hand.now) == ("TimedOut", began + timedelta(seconds=25))


def test_a_lost_unproven_call_is_never_repeated(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", LOST)
    run = runs.run(publish("a", maxAttempts=3), publish("b"))
    assert (run.status, statuses(run), len(fake.calls)) == ("Waiting", {"a": "Waiting"}, 1)


def test_nobody_looks_before_the_call_can_no_longer_arrive(
    runs: Runs, fake: FakeAws, settings: Settings
) -> None:
    ec2 = FakeEc2(fake, **{INSTANCE.replace("-", "_"): "running"})
    fake.on("StopInstances", LOST, lambda request: ec2.order("StopInstances", request))
    run = runs.run(change_state("a"))
    sent, looked = fake.made("StopInstances")[0].at, fake.made("DescribeInstances")[1].at
    quiet: timedelta = aws.call_time() + settings.QUIET_TIME
    assert looked - sent == quiet
    assert (run.status, ec2.effects) == ("Success", [("StopInstances", INSTANCE)])
    assert told(run).count("step:recovering a") == 1


def test_a_call_that_took_effect_is_adopted(runs: Runs, fake: FakeAws) -> None:
    ec2 = FakeEc2(fake, **{INSTANCE.replace("-", "_"): "running"})

    def take_and_lose(request: Any) -> dict[str, Any]:
        ec2.order("StopInstances", request)
        raise LOST

    fake.on("StopInstances", take_and_lose)
    run = runs.run(change_state("a"))
    assert (run.status, len(fake.made("StopInstances"))) == ("Success", 1)


def test_an_outage_while_looking_is_waited_out_and_told_once(runs: Runs, fake: FakeAws) -> None:
    ec2 = FakeEc2(fake, **{INSTANCE.replace("-", "_"): "running"})
    (look,) = fake.answers["DescribeInstances"]
    fake.on("DescribeInstances", look, *[UNSENT] * 5, look)
    fake.on("StopInstances", LOST, lambda request: ec2.order("StopInstances", request))
    run = runs.run(change_state("a"))
    assert run.status == "Success"
    assert told(run).count("step:recovering a") == 1


def test_a_busy_answer_does_not_explain_a_lost_one(runs: Runs, fake: FakeAws) -> None:
    """The first try may have made the stack: another attempt could make a second one."""
    fake.on("CreateStack", LOST, BUSY)
    run = runs.run(create_stack("a", maxAttempts=2))
    tokens = {seen.request["ClientRequestToken"] for seen in fake.calls}
    assert (run.status, step(run, "a").phase, len(tokens)) == ("Waiting", "unknown", 1)


def test_a_refusal_does_not_explain_a_lost_answer(runs: Runs, fake: FakeAws) -> None:
    fake.on("CreateStack", LOST, aws.AwsRefused("not now", "AccessDenied"))
    run = runs.run(create_stack("a", maxAttempts=2))
    assert (run.status, step(run, "a").phase, len(fake.calls)) == ("Waiting", "unknown", 2)
    assert (step(run, "a").unknown or {})["evidence"]["LastAnswer"] == "not now"


def test_a_call_with_a_token_that_never_answers_is_put_to_a_person(
    runs: Runs, fake: FakeAws
) -> None:
    fake.on("CreateStack", LOST)
    run = runs.run(create_stack("a", maxAttempts=2))
    tokens = {seen.request["ClientRequestToken"] for seen in fake.calls}
    assert (run.status, step(run, "a").phase, len(tokens)) == ("Waiting", "unknown", 1)


def test_a_refusal_after_a_busy_answer_fails_the_attempt(runs: Runs, fake: FakeAws) -> None:
    fake.on("CreateStack", BUSY, REFUSED)
    run = runs.run(create_stack("a"))
    assert (run.status, step(run, "a").failure_type) == ("Failed", "Action")


def test_the_document_may_bring_its_own_token(runs: Runs, fake: FakeAws) -> None:
    stack = create_stack("a")
    stack["inputs"]["ClientRequestToken"] = "mine"
    fake.on("CreateStack", LOST, {})
    runs.run(stack)
    assert {seen.request["ClientRequestToken"] for seen in fake.calls} == {"mine"}


def test_what_a_call_did_is_kept_when_the_next_step_kills_the_worker(
    runs: Runs, fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.start(publish("a"), sleep("b"))
    monkeypatch.setattr("executions.actions.sleep._find_end", _defect)
    runs.work()
    assert statuses(run)["a"] == "Success"
    assert len(fake.calls) == 1


def _defect(*_: Any) -> None:
    raise RuntimeError("defect")
