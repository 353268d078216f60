"""Which step comes next, and the status at the end (AWS, "Properties shared by all actions")."""

from __future__ import annotations

from typing import Any

import pytest

from executions import aws
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, is_idle, statuses, step
from tests.engine.steps import api, branch, publish, read_topic, sleep, wait_for_topic

REFUSED = aws.AwsRefused("no such topic", "NotFound")


def test_steps_run_in_order(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(publish("a", "one"), publish("b", "two"), publish("c", "three"))
    assert run.status == "Success"
    assert list(statuses(run).items()) == [("a", "Success"), ("b", "Success"), ("c", "Success")]
    assert [seen.request["Message"] for seen in fake.calls] == ["one", "two", "three"]


def test_an_ended_run_is_at_rest(runs: Runs) -> None:
    run = runs.run(publish("a"))
    assert is_idle(run)
    assert run.ended_at == runs.hand.now
    assert (run.current_step, run.current_action, run.failure_message) == ("", "", "")


def test_next_step_leads_on(runs: Runs) -> None:
    run = runs.run(publish("a", nextStep="c"), publish("b"), publish("c"))
    assert list(statuses(run)) == ["a", "c"]


def test_is_end_ends(runs: Runs) -> None:
    run = runs.run(publish("a", isEnd=True), publish("b"))
    assert (run.status, list(statuses(run))) == ("Success", ["a"])


@pytest.mark.parametrize(("mode", "path"), [("fast", ["choose", "c"]), ("slow", ["choose", "b"])])
def test_a_branch_chooses_or_falls_through(runs: Runs, mode: str, path: list[str]) -> None:
    run = runs.run(
        branch("choose", "Mode", "fast", to="c"),
        publish("b", isEnd=True),
        publish("c"),
        parameters={"Mode": {"type": "String"}},
        values={"Mode": [mode]},
    )
    assert (run.status, list(statuses(run))) == ("Success", path)


def test_a_branch_reads_an_output_that_is_missing_as_false(runs: Runs, fake: FakeAws) -> None:
    selects = {"Name": "State", "Selector": "$.State", "Type": "String"}
    run = runs.run(
        read_topic("a", outputs=[selects]),
        branch("choose", "a.State", "ready", to="c", isEnd=True),
        publish("c"),
    )
    assert (run.status, list(statuses(run))) == ("Success", ["a", "choose"])


# The step's properties, what follows, and the run's status: (Failed, TimedOut).
ENDINGS: list[tuple[dict[str, Any], list[str], tuple[str, str]]] = [
    ({}, [], ("Failed", "TimedOut")),
    ({"onFailure": "Abort"}, [], ("Failed", "TimedOut")),
    ({"onFailure": "Abort", "isCritical": False}, [], ("Failed", "TimedOut")),
    ({"onFailure": "Continue"}, ["b", "c"], ("Success", "Success")),
    ({"onFailure": "Continue", "isCritical": False}, ["b", "c"], ("Success", "Success")),
    ({"onFailure": "Continue", "isCritical": True}, ["b", "c"], ("Failed", "TimedOut")),
    ({"onFailure": "Continue", "nextStep": "c"}, ["c"], ("Success", "Success")),
    ({"onFailure": "Continue", "isEnd": True}, [], ("Success", "Success")),
    ({"onFailure": "Continue", "isEnd": True, "isCritical": True}, [], ("Failed", "TimedOut")),
    ({"onFailure": "step:c"}, ["c"], ("Failed", "TimedOut")),
    ({"onFailure": "step:c", "isCritical": True}, ["c"], ("Failed", "TimedOut")),
    ({"onFailure": "step:c", "isCritical": False}, ["c"], ("Success", "Success")),
    ({"onFailure": "step:c", "isEnd": True}, ["c"], ("Failed", "TimedOut")),
]


@pytest.mark.parametrize(("properties", "after", "ends"), ENDINGS)
def test_after_a_failure(
    runs: Runs, fake: FakeAws, properties: dict[str, Any], after: list[str], ends: tuple[str, str]
) -> None:
    fake.on("GetTopicAttributes", REFUSED)
    run = runs.run(read_topic("a", **properties), publish("b"), publish("c"))
    assert statuses(run) == {"a": "Failed", **dict.fromkeys(after, "Success")}
    assert run.status == ends[0]


@pytest.mark.parametrize(("properties", "after", "ends"), ENDINGS)
def test_after_a_timeout(
    runs: Runs, fake: FakeAws, properties: dict[str, Any], after: list[str], ends: tuple[str, str]
) -> None:
    fake.on("GetTopicAttributes", {"State": "busy"})
    waiting = wait_for_topic("a", timeoutSeconds=30, **properties)
    run = runs.run(waiting, publish("b"), publish("c"))
    assert statuses(run) == {"a": "TimedOut", **dict.fromkeys(after, "Success")}
    assert run.status == ends[1]


def test_failed_outweighs_timed_out(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", {"State": "busy"})
    fake.on("Publish", REFUSED)
    waiting = wait_for_topic("a", timeoutSeconds=30, onFailure="step:b")
    run = runs.run(waiting, publish("b"))
    assert statuses(run) == {"a": "TimedOut", "b": "Failed"}
    assert run.status == "Failed"


def test_the_failure_message_names_the_step_that_decided(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", REFUSED)
    fake.on("Publish", aws.AwsRefused("quota", "LimitExceeded"))
    run = runs.run(
        read_topic("a", onFailure="step:b"), publish("b", onFailure="Continue"), sleep("c")
    )
    assert statuses(run) == {"a": "Failed", "b": "Failed", "c": "Success"}
    assert run.failure_message.startswith("Step a failed: ")
    assert "no such topic" in run.failure_message


def test_a_step_that_timed_out_is_named(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", {"State": "busy"})
    run = runs.run(wait_for_topic("a", timeoutSeconds=30))
    assert run.failure_message.startswith("Step a timed out: ")


def test_steps_never_reached_have_no_row(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", REFUSED)
    run = runs.run(publish("a"), publish("b"))
    assert list(statuses(run)) == ["a"]


def test_an_unknown_action_fails_at_its_step(runs: Runs) -> None:
    unknown = {"name": "b", "action": "aws:telepathy", "inputs": {}, "maxAttempts": 3}
    run = runs.run(publish("a"), unknown, publish("c"))
    assert statuses(run) == {"a": "Success", "b": "Failed"}
    failed = step(run, "b")
    assert "aws:telepathy" in failed.failure_message
    assert (failed.failure_stage, failed.attempt) == ("InputValidation", 1)


def test_an_unknown_operation_fails_at_its_step(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(publish("a"), api("b", "sns", "Telepathy", {}), publish("c"))
    assert statuses(run) == {"a": "Success", "b": "Failed"}
    assert fake.operations == ["Publish"]


def test_an_operation_without_inputs_can_be_called(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(api("a", "iam", "GetAccountSummary", {}))
    assert (run.status, fake.operations) == ("Success", ["GetAccountSummary"])


def test_steps_can_be_left_for_one_that_continues(runs: Runs, fake: FakeAws) -> None:
    fake.on("Publish", REFUSED)
    run = runs.run(publish("a", onFailure="Continue"), unknown_action("b"), read_topic("c"))
    assert statuses(run) == {"a": "Failed", "b": "Failed", "c": "Success"}
    assert run.status == "Success"


def unknown_action(name: str) -> dict[str, Any]:
    """A step that can be done by nobody, and may fail."""
    return {"name": name, "action": "aws:telepathy", "inputs": {}, "onFailure": "Continue"}
