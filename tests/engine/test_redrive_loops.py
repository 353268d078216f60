"""Running again what failed by a loop whose time was over, although each step in it was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from executions import earlier
from executions.aws import AwsRefused
from tests.engine.fake_aws import FakeAws
from tests.engine.runs import Runs, kept, statuses
from tests.engine.steps import Step, create_stack, each, publish, read_topic, terminate

LATE: Step = {"timeoutSeconds": 5, "onFailure": "step:undoes", "nextStep": "goes-on"}
STEPS = (
    each("loop", ["a"], terminate("makes"), **LATE),
    publish("undoes", "undo"),
    publish("goes-on", "go on"),
)


@pytest.fixture
def slow(runs: Runs) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """An answer that takes longer than the loop has."""

    def answer(_: Mapping[str, Any]) -> dict[str, Any]:
        runs.hand.move(seconds=6)
        return {}

    return answer


def test_what_came_after_the_loop_is_not_kept(runs: Runs, fake: FakeAws, slow: Any) -> None:
    """It took back what the passes had done."""
    fake.on("TerminateInstances", slow)
    run = runs.run(*STEPS)
    assert statuses(run) == {
        "loop": "TimedOut", "makes": "Success", "undoes": "Success", "goes-on": "Success",
    }  # fmt: skip
    fake.calls.clear()
    redone = runs.again(run)
    assert kept(redone) == ["makes"]
    assert [seen.request["Message"] for seen in fake.calls] == ["go on"]


def test_a_loop_that_fails_ends_the_keeping(runs: Runs, fake: FakeAws, slow: Any) -> None:
    """What the document wants after its failure is not what was done after its success."""
    body = read_topic("looks"), terminate("makes")
    loop = each("loop", ["a"], *body, timeoutSeconds=5, onFailure="step:tells")
    fake.on("CreateStack", AwsRefused("No.", "ValidationError"), {})
    fake.on("GetTopicAttributes", {}, slow)
    run = runs.run(loop, publish("tells"), create_stack("fails"))
    fake.calls.clear()
    redone = runs.again(run)
    assert statuses(redone) == {
        "loop": "TimedOut", "looks": "Success", "tells": "Success", "fails": "Success",
    }  # fmt: skip
    assert kept(redone) == []
    assert fake.operations == ["GetTopicAttributes", "Publish", "CreateStack"]


def test_those_who_are_asked_are_told_of_it(runs: Runs, fake: FakeAws, slow: Any) -> None:
    fake.on("TerminateInstances", slow)
    plan = earlier.plan(runs.run(*STEPS).pk)
    assert (plan.begins_at, plan.afterwards) == ("loop", ("undoes", "goes-on"))
