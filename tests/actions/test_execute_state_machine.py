"""aws:executeStateMachine: started under a name of its own, followed, stopped with the step."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from executions.actions.base import (
    BadInput,
    Call,
    CallFailed,
    Done,
    Sent,
    StepContext,
    StepFailed,
    Unknown,
    Wait,
)
from executions.actions.execute_state_machine import ExecuteStateMachine
from tests.actions.answers import DENIED, Answers, MakeContext

NAME = "aws:executeStateMachine"
MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:Ship"
TOKEN = "00000000-0000-0000-0000-000000000003"
RUN = f"arn:aws:states:eu-west-1:111122223333:execution:Ship:{TOKEN}"
INPUTS = {"stateMachineArn": MACHINE, "input": '{"a": 1}'}
REQUEST = {"stateMachineArn": MACHINE, "name": TOKEN, "input": '{"a": 1}'}
NONE = CallFailed("ExecutionDoesNotExist", "Execution Does Not Exist")
TAKEN = CallFailed("ExecutionAlreadyExists", "Execution Already Exists")
STANDARD, EXPRESS = {"type": "STANDARD"}, {"type": "EXPRESS"}


def run(status: str, **more: Any) -> dict[str, Any]:
    known = {"executionArn": RUN, "name": TOKEN, "stateMachineArn": MACHINE, "input": '{"a": 1}'}
    return {**known, "status": status, "startDate": "2030-01-01T12:00:00+00:00", **more}


@pytest.fixture
def lost(make_context: MakeContext, now: datetime) -> MakeContext:
    """The context after the answer was lost: `lost(aws, state)`."""

    def make(aws: Answers, state: dict[str, Any] | None = None) -> StepContext:
        sent = Sent("stepfunctions", "StartExecution", REQUEST, now)
        return make_context(NAME, INPUTS, state=state or {}, sent=sent, read=aws.read)

    return make


def test_the_name_is_the_attempts_own(make_context: MakeContext) -> None:
    outcome = ExecuteStateMachine().begin(make_context(NAME, INPUTS))
    assert outcome == Call("stepfunctions", "StartExecution", REQUEST)


@pytest.mark.parametrize(
    ("inputs", "members"),
    [
        ({"name": "mine"}, {"name": "mine", "input": "{}"}),
        ({"input": {"a": [1]}}, {"input": '{"a": [1]}'}),
        ({"input": ""}, {"input": "{}"}),
    ],
)
def test_inputs_become_members_of_the_request(
    make_context: MakeContext, inputs: dict[str, Any], members: dict[str, Any]
) -> None:
    context = make_context(NAME, {"stateMachineArn": MACHINE, **inputs})
    outcome = ExecuteStateMachine().begin(context)
    assert isinstance(outcome, Call)
    assert outcome.request == {**REQUEST, **members}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"stateMachineArn": ""}, "stateMachineArn is empty"),
        ({"stateMachineArn": MACHINE, "input": "{"}, "input must be JSON"),
    ],
)
def test_it_refuses_inputs_that_cannot_be_right(
    make_context: MakeContext, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        ExecuteStateMachine().begin(make_context(NAME, inputs))


def test_it_follows_the_execution(make_context: MakeContext, poll: datetime) -> None:
    step = ExecuteStateMachine()
    taken = step.called(make_context(NAME, INPUTS), {"executionArn": RUN})
    outputs = {"executionArn": RUN, "status": "RUNNING"}
    assert taken == Wait(poll, {"executionArn": RUN}, outputs=outputs)
    done = run("SUCCEEDED", output='{"b": 2}', stopDate="2030-01-01T12:00:09+00:00")
    aws = Answers(DescribeExecution=[run("RUNNING"), {**done, "ResponseMetadata": {}}])
    context = make_context(NAME, INPUTS, state={"executionArn": RUN}, read=aws.read)
    assert isinstance(step.resume(context), Wait)
    assert step.resume(context) == Done(done, response=done)


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_any_other_end_fails_with_its_cause(make_context: MakeContext, status: str) -> None:
    aws = Answers(DescribeExecution=run(status, error="Oops", cause="No stock"))
    context = make_context(NAME, INPUTS, state={"executionArn": RUN}, read=aws.read)
    with pytest.raises(StepFailed, match=f"ended as {status}. Oops: No stock") as failure:
        ExecuteStateMachine().resume(context)
    assert failure.value.outputs["status"] == status


def test_a_name_that_is_taken_fails_at_the_first_sending(make_context: MakeContext) -> None:
    with pytest.raises(StepFailed, match="Already Exists"):
        ExecuteStateMachine().refused(make_context(NAME, INPUTS), TAKEN)


def test_after_a_lost_answer_it_adopts_the_execution_of_that_name(lost: MakeContext) -> None:
    aws = Answers(DescribeStateMachine=STANDARD, DescribeExecution=run("RUNNING"))
    outcome = ExecuteStateMachine().recover(lost(aws))
    assert isinstance(outcome, Wait)
    assert outcome.state == {"executionArn": RUN}
    assert aws.asked[1] == ("stepfunctions:DescribeExecution", {"executionArn": RUN})


def test_an_execution_with_other_input_is_not_ours(lost: MakeContext) -> None:
    aws = Answers(DescribeStateMachine=STANDARD, DescribeExecution=run("RUNNING", input="{}"))
    with pytest.raises(StepFailed, match="with other input"):
        ExecuteStateMachine().recover(lost(aws))


def test_without_one_the_same_call_is_sent_once_more(lost: MakeContext) -> None:
    aws = Answers(DescribeStateMachine=STANDARD, DescribeExecution=NONE)
    again = ExecuteStateMachine().recover(lost(aws))
    assert again == Call("stepfunctions", "StartExecution", REQUEST, {"Resent": True})
    second = lost(aws, {"Resent": True})
    assert isinstance(ExecuteStateMachine().recover(second), Unknown)
    taken = ExecuteStateMachine().refused(second, TAKEN)
    assert isinstance(taken, Wait)
    assert taken.state == {"executionArn": RUN}


@pytest.mark.parametrize("machine", [EXPRESS, DENIED])
def test_a_person_is_asked_if_nothing_can_tell(lost: MakeContext, machine: Any) -> None:
    aws = Answers(DescribeStateMachine=machine, DescribeExecution=NONE)
    assert isinstance(ExecuteStateMachine().recover(lost(aws)), Unknown)


def test_a_version_is_no_part_of_an_executions_name(make_context: MakeContext) -> None:
    inputs = {"stateMachineArn": f"{MACHINE}:7", "name": "mine"}
    outcome = ExecuteStateMachine().adopted(make_context(NAME, inputs))
    assert isinstance(outcome, Wait)
    assert outcome.state == {"executionArn": RUN.replace(TOKEN, "mine")}


@pytest.mark.parametrize("why", ["cancel", "timeout"])
def test_the_execution_ends_with_the_step(make_context: MakeContext, why: str) -> None:
    context = make_context(NAME, INPUTS, state={"executionArn": RUN})
    outcome = ExecuteStateMachine().stopped(context, why)
    assert isinstance(outcome, Call)
    assert (outcome.operation, outcome.request["executionArn"]) == ("StopExecution", RUN)
    assert why in outcome.request["cause"]
    assert ExecuteStateMachine().stopped(make_context(NAME, INPUTS), why) is None
