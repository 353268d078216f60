"""maxAttempts and timeoutSeconds: the clock of an attempt, and when there is another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from executions import aws
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh, statuses, step, told
from tests.engine.steps import (
    create_stack,
    output,
    publish,
    read_topic,
    sleep,
    wait_for_topic,
)

REFUSED = aws.AwsRefused("no such topic", "NotFound")


def test_a_failed_attempt_is_repeated(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", REFUSED, REFUSED, {})
    run = runs.run(publish("a", maxAttempts=3))
    done = step(run, "a")
    assert (run.status, done.status, done.attempt) == ("Success", "Success", 3)
    assert (done.failure_message, done.failure_stage, done.failure_type) == ("", "", "")
    assert told(run).count("step:retrying a") == 2


def test_there_are_no_more_attempts_than_allowed(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", REFUSED)
    run = runs.run(publish("a", maxAttempts=3))
    assert (run.status, len(fake.calls), step(run, "a").attempt) == ("Failed", 3, 3)


def test_attempts_are_apart(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", REFUSED)
    runs.run(publish("a", maxAttempts=2))
    first, second = fake.calls
    assert timedelta(seconds=1) < second.at - first.at < timedelta(seconds=10)


def test_each_attempt_has_its_token(runs: Runs, fake: FakeAws) -> None:
    fake.on("CreateStack", REFUSED)
    runs.run(create_stack("a", maxAttempts=3))
    tokens = {seen.request["ClientRequestToken"] for seen in fake.calls}
    assert len(tokens) == 3


def test_inputs_are_resolved_once_for_all_attempts(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", REFUSED)
    runs.run(publish("a", "at {{ global:DATE_TIME }}", maxAttempts=2))
    assert len({seen.request["Message"] for seen in fake.calls}) == 1


def test_a_timeout_is_repeated_with_a_fresh_clock(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", {"State": "busy"})
    began = runs.hand.now
    run = runs.run(wait_for_topic("a", timeoutSeconds=60, maxAttempts=3))
    assert (run.status, step(run, "a").attempt) == ("TimedOut", 3)
    assert timedelta(seconds=180) <= runs.hand.now - began < timedelta(seconds=200)


def test_an_attempt_after_a_timeout_can_succeed(runs: Runs, fake: FakeAws) -> None:
    fake.on(
        "GetTopicAttributes",
        lambda _: {"State": "ready" if runs.hand.now >= ready else "busy"},
    )
    ready = runs.hand.now + timedelta(seconds=90)
    run = runs.run(wait_for_topic("a", timeoutSeconds=60, maxAttempts=2))
    assert (run.status, step(run, "a").attempt) == ("Success", 2)


def test_a_step_ends_at_its_deadline_and_not_after(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", {"State": "busy"})
    began = runs.hand.now
    run = runs.run(wait_for_topic("a", timeoutSeconds=61))
    assert step(run, "a").ended_at == began + timedelta(seconds=61)


@pytest.mark.parametrize(("kind", "value"), [("Integer", "30"), ("String", "30")])
def test_timeout_seconds_can_be_a_reference(
    runs: Runs, fake: FakeAws, kind: str, value: str
) -> None:
    fake.on("GetTopicAttributes", {"State": "busy"})
    began = runs.hand.now
    run = runs.run(
        wait_for_topic("a", timeoutSeconds="{{ Limit }}"),
        parameters={"Limit": {"type": kind}},
        values={"Limit": [value]},
    )
    assert run.status == "TimedOut"
    assert runs.hand.now == began + timedelta(seconds=30)


@pytest.mark.parametrize("value", ["soon", "-5", "0", "1.5", "²", "9" * 30])
def test_a_timeout_that_is_no_number_fails_the_step(runs: Runs, fake: FakeAws, value: str) -> None:
    run = runs.run(
        publish("a", timeoutSeconds="{{ Limit }}", maxAttempts=2),
        parameters={"Limit": {"type": "String"}},
        values={"Limit": [value]},
    )
    assert (run.status, fake.calls) == ("Failed", [])
    assert "timeoutSeconds" in step(run, "a").failure_message
    assert step(run, "a").failure_stage == "InputValidation"


def test_a_timeout_that_names_nothing_fails_the_step(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(
        read_topic("a", outputs=[output("Limit", "$.Limit")]),
        publish("b", timeoutSeconds="{{ a.Limit }}"),
    )
    assert statuses(run) == {"a": "Success", "b": "Failed"}
    assert "timeoutSeconds" in step(run, "b").failure_message


def test_an_outage_does_not_stop_the_clock_of_a_step(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", aws.NotSent("no route to host"))
    began = runs.hand.now
    run = runs.run(wait_for_topic("a", timeoutSeconds=100))
    assert run.status == "TimedOut"
    assert runs.hand.now == began + timedelta(seconds=100)


def test_an_outage_that_ends_is_waited_out(runs: Runs, fake: FakeAws) -> None:
    trouble: list[Any] = [aws.NotSent("no route"), aws.OutcomeUnknown("500"), aws.Throttled("slow")]
    fake.on("GetTopicAttributes", *trouble, {"State": "ready"})
    run = runs.run(wait_for_topic("a"))
    assert (run.status, step(run, "a").attempt, len(fake.calls)) == ("Success", 1, 4)
    assert step(run, "a").failure_message == ""


def test_outputs_that_do_not_convert_do_not_repeat_an_effect(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", {"MessageId": "not a number"})
    run = runs.run(publish("a", maxAttempts=3, outputs=[output("Id", "$.MessageId", "Integer")]))
    assert (run.status, len(fake.calls)) == ("Failed", 1)
    assert step(run, "a").failure_stage == "PostVerification"


def test_outputs_of_a_read_that_do_not_convert_are_read_again(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", {"Count": "many"}, {"Count": "3"})
    counts = [output("Count", "$.Count", "Integer")]
    run = runs.run(read_topic("a", maxAttempts=2, outputs=counts))
    assert (run.status, step(run, "a").outputs) == ("Success", {"Count": 3})


def test_a_sleep_longer_than_its_timeout_times_out(runs: Runs) -> None:
    run = runs.run(sleep("a", "PT10M", timeoutSeconds=60))
    assert statuses(run) == {"a": "TimedOut"}


def test_the_current_attempt_is_shown_between_two(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", REFUSED)
    run = runs.start(publish("a", maxAttempts=2))
    runs.work()
    waiting = step(run, "a")
    assert (waiting.status, waiting.attempt) == ("InProgress", 2)
    assert "no such topic" in waiting.failure_message
    assert fresh(run).lease_owner == ""
