"""Variables of a run: their defaults, what aws:updateVariable makes of them, and who sees it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, fresh, statuses, step
from tests.engine.steps import Step, branch, publish, read_topic, sleep


def update(name: str, variable: str, value: Any, **more: Any) -> Step:
    inputs = {"Name": f"variable:{variable}", "Value": value}
    return {"name": name, "action": "aws:updateVariable", "inputs": inputs, **more}


def declare(kind: str, default: Any) -> dict[str, Any]:
    return {"v": {"type": kind, "default": default}}


def test_later_steps_see_the_new_value(runs: Runs, fake: FakeAws) -> None:
    run = runs.run(
        publish("a", "{{ variable:v }}"),
        update("b", "v", "second"),
        publish("c", "{{ variable:v }}"),
        variables=declare("String", "first"),
    )
    assert run.status == "Success"
    assert [seen.request["Message"] for seen in fake.made("Publish")] == ["first", "second"]
    assert run.variables == {"v": "second"}


def test_the_value_survives_a_wait(runs: Runs, fake: FakeAws) -> None:
    run = runs.start(
        update("a", "v", "kept"),
        sleep("b"),
        publish("c", "{{ variable:v }}"),
        variables=declare("String", "x"),
    )
    runs.work()
    assert fresh(run).variables == {"v": "kept"}
    runs.drain()
    assert fake.made("Publish")[0].request["Message"] == "kept"


def test_an_output_keeps_its_type_in_a_variable(runs: Runs, fake: FakeAws) -> None:
    fake.on("GetTopicAttributes", {"Names": ["a", "b"]})
    names = {"Name": "Names", "Selector": "$.Names", "Type": "StringList"}
    run = runs.run(
        read_topic("a", outputs=[names]),
        update("b", "v", "{{ a.Names }}"),
        variables=declare("StringList", []),
    )
    assert run.variables == {"v": ["a", "b"]}


def test_a_default_may_be_json_text(runs: Runs) -> None:
    declared = declare("StringMap", '{"a": "b"}') | {"w": {"type": "StringMap", "default": "{}"}}
    run = runs.run(update("a", "w", "{{ variable:v }}"), variables=declared)
    assert (run.status, run.variables) == ("Success", {"w": {"a": "b"}})


@pytest.mark.parametrize("value", [True, "{{ variable:v }}"])
def test_a_branch_reads_a_variable(runs: Runs, fake: FakeAws, value: Any) -> None:
    run = runs.run(
        update("a", "v", value),
        branch("b", "variable:v", "yes", "d"),
        publish("c", isEnd=True),
        publish("d"),
        variables=declare("Boolean" if value is True else "String", "yes"),
    )
    assert ("d" in statuses(run)) == (value is not True)


def test_a_value_of_another_type_fails_the_step_and_changes_nothing(runs: Runs) -> None:
    run = runs.run(update("a", "v", "three", maxAttempts=3), variables=declare("Integer", 1))
    failed = step(run, "a")
    assert (run.status, failed.attempt, failed.failure_stage) == ("Failed", 1, "InputValidation")
    assert run.variables == {}
