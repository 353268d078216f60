"""What a step gets and gives: inputs, outputs, and what the run publishes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, statuses, step
from tests.engine.steps import output, publish, read_topic, sleep

ANSWER: dict[str, Any] = {
    "Name": "news",
    "Count": 3,
    "Flag": True,
    "Ids": ["i-1", "i-2"],
    "One": ["i-1"],
    "Tags": {"Stage": "live"},
    "Rows": [{"Id": "a"}, {"Id": "b"}],
}


def test_parameters_and_outputs_reach_a_call(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", ANSWER)
    runs.run(
        read_topic("a", outputs=[output("Name", "$.Name"), output("Count", "$.Count", "Integer")]),
        publish("b", "{{ a.Name }} {{ a.Count }} {{ Word }}"),
        parameters={"Word": {"type": "String"}},
        values={"Word": ["hello"]},
    )
    assert fake.made("Publish")[0].request["Message"] == "news 3 hello"


def test_system_values_are_of_the_moment(runs: Runs, fake: FakeAws) -> None:
    runs.hand.now = datetime(2026, 3, 2, 23, 59, 30, tzinfo=UTC)
    run = runs.run(
        publish("a", "{{ global:DATE }}"),
        sleep("b"),
        publish("c", "{{ global:DATE }} {{ automation:EXECUTION_ID }} {{ global:REGION }}"),
    )
    texts = [seen.request["Message"] for seen in fake.calls]
    assert texts == ["2026-03-02", f"2026-03-03 {run.id} eu-west-1"]


@pytest.mark.parametrize(
    ("selector", "kind", "value"),
    [
        ("$.Name", "String", "news"),
        ("$.Name", "StringList", ["news"]),
        ("$.Count", "Integer", 3),
        ("$.Count", "String", "3"),
        ("$.Flag", "Boolean", True),
        ("$.Flag", "String", "true"),
        ("$.Ids", "StringList", ["i-1", "i-2"]),
        ("$.One", "String", "i-1"),
        ("$.Tags", "StringMap", {"Stage": "live"}),
        ("$.Rows", "MapList", [{"Id": "a"}, {"Id": "b"}]),
        ("$.Rows[*].Id", "StringList", ["a", "b"]),
    ],
)
def test_outputs_are_selected_and_converted(
    runs: Runs, fake: FakeAws, selector: str, kind: str, value: object
) -> None:
    fake.on("GetTopicAttributes", ANSWER)
    run = runs.run(read_topic("a", outputs=[output("It", selector, kind)]))
    assert step(run, "a").outputs == {"It": value}


def test_an_output_that_selects_nothing_is_left_out(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", ANSWER)
    run = runs.run(read_topic("a", outputs=[output("It", "$.Nothing")]))
    assert (run.status, step(run, "a").outputs) == ("Success", {})


@pytest.mark.parametrize(("selector", "kind"), [("$.Ids", "String"), ("$.Name", "Integer")])
def test_an_output_that_does_not_convert_fails_the_step(
    runs: Runs, fake: FakeAws, selector: str, kind: str
) -> None:
    fake.on("GetTopicAttributes", ANSWER)
    run = runs.run(read_topic("a", outputs=[output("It", selector, kind)]))
    failed = step(run, "a")
    assert (run.status, failed.failure_stage) == ("Failed", "PostVerification")
    assert failed.failure_message


def test_an_input_without_a_value_fails_its_step_once(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", ANSWER)
    run = runs.run(
        read_topic("a", outputs=[output("It", "$.Nothing")]),
        publish("b", "{{ a.It }}", maxAttempts=3),
    )
    failed = step(run, "b")
    assert statuses(run) == {"a": "Success", "b": "Failed"}
    assert (failed.failure_stage, failed.attempt, fake.made("Publish")) == (
        "InputValidation",
        1,
        [],
    )
    assert "a.It" in failed.failure_message


def test_a_request_that_the_operation_does_not_take_is_not_sent(runs: Runs, fake: FakeAws) -> None:
    wrong = publish("a") | {"inputs": {"Service": "sns", "Api": "Publish", "Colour": "red"}}
    run = runs.run(wrong | {"maxAttempts": 3})
    failed = step(run, "a")
    assert (failed.failure_stage, failed.attempt, fake.calls) == ("InputValidation", 1, [])
    assert "Colour" in failed.failure_message
    assert run.status == "Failed"


def test_the_run_publishes_the_outputs_it_lists(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", ANSWER)
    kinds = [output("Name", "$.Name"), output("Ids", "$.Ids", "StringList")]
    run = runs.run(
        read_topic("a", outputs=kinds),
        publish("b", nextStep="d"),
        publish("c"),
        publish("d"),
        outputs=["a.Name", "a.Ids", "c.MessageId"],
    )
    assert run.outputs["a.Name"] == ["news"]
    assert run.outputs["a.Ids"] == ["i-1", "i-2"]
    assert run.outputs["c.MessageId"][0].startswith("No output available yet")


def test_a_failed_run_publishes_too(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", ANSWER)
    run = runs.run(
        read_topic("a", outputs=[output("Name", "$.Name")]),
        publish("b", "{{ a.Nothing }}"),
        outputs=["a.Name"],
    )
    assert (run.status, run.outputs) == ("Failed", {"a.Name": ["news"]})


def test_a_value_is_never_read_as_a_reference(runs: Runs, fake: FakeAws) -> None:
    runs.run(
        publish("a", "{{ Word }}"),
        parameters={"Word": {"type": "String"}, "Secret": {"type": "String", "default": "s3cret"}},
        values={"Word": ["{{ Secret }}"]},
    )
    assert fake.calls[0].request["Message"] == "{{ Secret }}"
