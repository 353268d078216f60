"""Step Functions over a real socket: executions that end, each in its way."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.simulator.aws import DEADLINE, PRODUCTION, assume, make_client
from tests.simulator.stacks import ROLE

PAUSE = {"Type": "Wait", "Seconds": 5, "Next": "End"}
SLOW = {"StartAt": "Pause", "States": {"Pause": PAUSE, "End": {"Type": "Succeed"}}}
FAILING = {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "Mine", "Cause": "so"}}}


@pytest.fixture
def states(endpoint: str) -> Any:
    return make_client(endpoint, "stepfunctions", assume(endpoint, PRODUCTION))


def start(states: Any, called: str, definition: Any, **given: Any) -> str:
    """Start an execution of a machine of this definition; its ARN."""
    machine = states.create_state_machine(
        name=called, definition=json.dumps(definition), roleArn=ROLE
    )
    answer = states.start_execution(stateMachineArn=machine["stateMachineArn"], **given)
    arn: str = answer["executionArn"]
    return arn


def wait(states: Any, arn: str) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        found: dict[str, Any] = states.describe_execution(executionArn=arn)
        if found["status"] != "RUNNING":
            return found
    raise AssertionError(f"{arn} runs for ever")


def test_an_execution_succeeds_with_its_output(states: Any) -> None:
    arn = start(states, "slow", SLOW, input='{"a": 1}')
    assert states.describe_execution(executionArn=arn)["status"] == "RUNNING"
    found = wait(states, arn)
    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", {"a": 1})
    assert found["stopDate"] >= found["startDate"]


def test_an_execution_fails_with_its_error(states: Any) -> None:
    found = wait(states, start(states, "failing", FAILING))
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Mine", "so")
    assert "output" not in found


def test_an_execution_times_out(states: Any) -> None:
    found = wait(states, start(states, "late", {**SLOW, "TimeoutSeconds": 1}))
    assert found["status"] == "TIMED_OUT"
    assert "stopDate" in found


def test_an_execution_is_stopped_with_its_cause(states: Any) -> None:
    patient = {**SLOW, "States": {**SLOW["States"], "Pause": {**PAUSE, "Seconds": 9999}}}  # type: ignore[dict-item] # a template of values
    arn = start(states, "stopped", patient)
    states.stop_execution(executionArn=arn, error="Enough", cause="it was asked for")
    found = states.describe_execution(executionArn=arn)
    assert (found["status"], found["error"], found["cause"]) == (
        "ABORTED",
        "Enough",
        "it was asked for",
    )


def test_a_name_that_runs_is_the_same_execution(states: Any) -> None:
    first = start(states, "named", SLOW, name="one", input="{}")
    machine = first.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    again = states.start_execution(stateMachineArn=machine, name="one", input="{}")
    assert again["executionArn"] == first
    wait(states, first)
    with pytest.raises(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(stateMachineArn=machine, name="one", input='{"other": 1}')


def test_a_task_fails_and_says_why(states: Any) -> None:
    task = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "x", "End": True}}}
    found = wait(states, start(states, "task", task))
    assert (found["status"], found["error"]) == ("FAILED", "States.Runtime")
