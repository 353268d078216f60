"""aws:createStack: the stack, its wait, what is left of a failed attempt, and a lost answer."""

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
from executions.actions.create_stack import CreateStack
from executions.runbook.types import Step
from tests.actions.answers import DENIED, Answers, MakeContext

NAME = "aws:createStack"
INPUTS = {"StackName": "web", "TemplateBody": "{}"}
ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/web/1"
NONE = CallFailed("ValidationError", "Stack with id web does not exist")
TAKEN = CallFailed("AlreadyExistsException", "Stack [web] already exists")
TOKEN = "the-token"


def stacks(status: str, reason: str = "") -> dict[str, Any]:
    return {"Stacks": [{"StackId": ID, "StackStatus": status, "StackStatusReason": reason}]}


def events(*tokens: str, more: str = "") -> dict[str, Any]:
    return {"StackEvents": [{"ClientRequestToken": token} for token in tokens], "NextToken": more}


def outputs(status: str, reason: str = "") -> dict[str, str]:
    return {"StackId": ID, "StackStatus": status, "StackStatusReason": reason}


@pytest.fixture
def lost(make_context: MakeContext, now: datetime) -> MakeContext:
    """The context after the answer was lost: `lost(aws, state)`."""

    def make(aws: Answers, state: dict[str, Any] | None = None) -> StepContext:
        request = {**INPUTS, "ClientRequestToken": TOKEN}
        sent = Sent("cloudformation", "CreateStack", request, now)
        return make_context(NAME, INPUTS, sent=sent, read=aws.read, state=state or {})

    return make


def test_it_creates_with_everything_that_is_given(make_context: MakeContext) -> None:
    inputs = {
        **INPUTS,
        "Parameters": [{"ParameterKey": "Size", "ParameterValue": "2"}],
        "Capabilities": ["CAPABILITY_IAM"],
        "OnFailure": "DELETE",
        "TimeoutInMinutes": "10",
        "Tags": [{"Key": "team", "Value": "ops"}],
        "RoleARN": "",
    }
    aws = Answers(DescribeStacks=NONE)
    outcome = CreateStack().begin(make_context(NAME, inputs, read=aws.read))
    wanted = {name: value for name, value in inputs.items() if name != "RoleARN"}
    assert outcome == Call("cloudformation", "CreateStack", wanted)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"StackName": "", "TemplateBody": "{}"}, "StackName is empty"),
        ({"StackName": "web"}, "TemplateBody or TemplateURL"),
        ({**INPUTS, "TemplateURL": "https://x"}, "not both"),
        ({**INPUTS, "OnFailure": "DELETE", "DisableRollback": True}, "not both"),
        ({**INPUTS, "StackPolicyBody": "{}", "StackPolicyURL": "https://x"}, "not both"),
    ],
)
def test_it_refuses_inputs_that_cannot_be_right(
    make_context: MakeContext, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        CreateStack().begin(make_context(NAME, inputs))


@pytest.mark.parametrize("status", ["DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])
def test_it_waits_for_what_is_under_way_and_then_creates(
    make_context: MakeContext, poll: datetime, status: str
) -> None:
    aws = Answers(DescribeStacks=[stacks(status), NONE])
    context = make_context(NAME, INPUTS, read=aws.read)
    assert CreateStack().begin(context) == Wait(poll)
    assert CreateStack().resume(context) == Call("cloudformation", "CreateStack", INPUTS)


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_a_stack_that_is_there_is_left_to_cloudformation_to_refuse(
    make_context: MakeContext, status: str
) -> None:
    aws = Answers(DescribeStacks=stacks(status))
    outcome = CreateStack().begin(make_context(NAME, INPUTS, read=aws.read))
    assert outcome == Call("cloudformation", "CreateStack", INPUTS)
    with pytest.raises(StepFailed, match="already exists"):
        CreateStack().refused(make_context(NAME, INPUTS), TAKEN)


def test_it_follows_the_stack_by_its_id(make_context: MakeContext, poll: datetime) -> None:
    taken = CreateStack().called(make_context(NAME, INPUTS), {"StackId": ID})
    assert taken == Wait(poll, {"StackId": ID}, outputs=outputs("CREATE_IN_PROGRESS"))
    aws = Answers(DescribeStacks=[stacks("CREATE_IN_PROGRESS"), stacks("CREATE_COMPLETE")])
    context = make_context(NAME, INPUTS, state={"StackId": ID}, read=aws.read)
    assert isinstance(CreateStack().resume(context), Wait)
    assert CreateStack().resume(context) == Done(outputs("CREATE_COMPLETE"))
    assert aws.asked == [("cloudformation:DescribeStacks", {"StackName": ID})] * 2


@pytest.mark.parametrize(
    "status", ["CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_COMPLETE"]
)
def test_any_other_end_fails_with_cloudformations_reason(
    make_context: MakeContext, status: str
) -> None:
    aws = Answers(DescribeStacks=stacks(status, "No such AMI"), DescribeStackEvents=DENIED)
    context = make_context(NAME, INPUTS, state={"StackId": ID}, read=aws.read)
    with pytest.raises(StepFailed, match=f"is {status}.*No such AMI") as failure:
        CreateStack().resume(context)
    assert failure.value.outputs == outputs(status, "No such AMI")


def test_the_cause_among_the_resources_is_found_in_the_events(make_context: MakeContext) -> None:
    def event(name: str, status: str, reason: str = "") -> dict[str, str]:
        return {
            "LogicalResourceId": name,
            "PhysicalResourceId": ID if name == "web" else "",
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
        }

    latest_first = [
        event("web", "ROLLBACK_COMPLETE"),
        event("web", "ROLLBACK_FAILED", "The stack's own"),
        event("Second", "CREATE_FAILED", "Resource creation cancelled"),
        event("First", "CREATE_FAILED", "No such AMI"),
        event("First", "CREATE_IN_PROGRESS"),
        event("web", "CREATE_IN_PROGRESS", "User Initiated"),
        event("Earlier", "CREATE_FAILED", "Of another operation"),
    ]
    aws = Answers(
        DescribeStacks=stacks("ROLLBACK_COMPLETE"),
        DescribeStackEvents={"StackEvents": latest_first},
    )
    context = make_context(NAME, INPUTS, state={"StackId": ID}, read=aws.read)
    with pytest.raises(StepFailed, match=r"First is CREATE_FAILED: No such AMI$"):
        CreateStack().resume(context)


def test_a_stack_that_vanished_fails_the_step(make_context: MakeContext) -> None:
    aws = Answers(DescribeStacks=NONE)
    context = make_context(NAME, INPUTS, state={"StackId": ID}, read=aws.read)
    with pytest.raises(StepFailed, match="is gone"):
        CreateStack().resume(context)


def test_before_another_attempt_our_rolled_back_stack_is_deleted(
    make_context: MakeContext, poll: datetime
) -> None:
    step = Step(name="theStep", action=NAME, max_attempts=2)
    aws = Answers(
        DescribeStacks=[stacks("ROLLBACK_COMPLETE", "Full"), stacks("DELETE_COMPLETE")],
        DescribeStackEvents=events(),
    )
    context = make_context(NAME, INPUTS, state={"StackId": ID}, step=step, read=aws.read)
    delete = CreateStack().resume(context)
    assert isinstance(delete, Call)
    assert (delete.operation, delete.request["StackName"]) == ("DeleteStack", ID)
    assert delete.request["ClientRequestToken"] != context.token
    after = make_context(NAME, INPUTS, state=delete.state, step=step, read=aws.read)
    assert CreateStack().called(after, {}) == Wait(poll, delete.state)
    with pytest.raises(StepFailed, match=r"ROLLBACK_COMPLETE.*Full") as failure:
        CreateStack().resume(after)
    assert failure.value.retryable


def test_a_refused_deletion_does_not_hide_the_first_failure(make_context: MakeContext) -> None:
    context = make_context(NAME, INPUTS, state={"StackId": ID, "Failure": "It failed."})
    with pytest.raises(StepFailed, match=r"It failed\. It could not be deleted either"):
        CreateStack().refused(context, DENIED)


def test_a_lost_answer_of_that_deletion_is_looked_at(
    make_context: MakeContext, now: datetime, poll: datetime
) -> None:
    state = {"StackId": ID, "Failure": "It failed."}
    aws = Answers(DescribeStacks=stacks("DELETE_IN_PROGRESS"))
    context = make_context(NAME, INPUTS, state=state, read=aws.read)
    assert CreateStack().recover(context) == Wait(now, state)
    assert CreateStack().resume(context) == Wait(poll, state)


def test_a_stack_with_our_token_is_adopted(lost: MakeContext, poll: datetime) -> None:
    pages = [events("other", more="2"), events("other", TOKEN)]
    aws = Answers(DescribeStacks=stacks("CREATE_COMPLETE"), DescribeStackEvents=pages)
    outcome = CreateStack().recover(lost(aws))
    assert outcome == Wait(poll, {"StackId": ID}, outputs=outputs("CREATE_COMPLETE"))


def test_a_stack_with_another_token_fails_the_step(lost: MakeContext) -> None:
    aws = Answers(DescribeStacks=stacks("CREATE_COMPLETE"), DescribeStackEvents=events("other"))
    with pytest.raises(StepFailed, match="this step did not create it"):
        CreateStack().recover(lost(aws))


def test_a_stack_without_any_token_is_put_to_a_person(lost: MakeContext) -> None:
    aws = Answers(DescribeStacks=stacks("CREATE_COMPLETE"), DescribeStackEvents=events(""))
    assert isinstance(CreateStack().recover(lost(aws)), Unknown)


def test_without_a_stack_the_same_call_is_sent_once_more(lost: MakeContext) -> None:
    aws = Answers(DescribeStacks=NONE)
    request = {**INPUTS, "ClientRequestToken": TOKEN}
    again = CreateStack().recover(lost(aws))
    assert again == Call("cloudformation", "CreateStack", request, {"Resent": True})
    assert isinstance(CreateStack().recover(lost(aws, {"Resent": True})), Unknown)


def test_a_stack_that_exists_at_the_second_sending_is_compared(
    lost: MakeContext, now: datetime
) -> None:
    aws = Answers(DescribeStacks=stacks("CREATE_COMPLETE"), DescribeStackEvents=events(TOKEN))
    looked = CreateStack().refused(lost(aws, {"Resent": True}), TAKEN)
    assert looked == Wait(now, {"Resent": True, "Look": True})
    found = CreateStack().resume(lost(aws, {"Resent": True, "Look": True}))
    assert isinstance(found, Wait)
    assert found.state == {"StackId": ID}


def test_a_person_is_asked_if_nobody_may_look(lost: MakeContext) -> None:
    assert isinstance(CreateStack().recover(lost(Answers(DescribeStacks=DENIED))), Unknown)


def test_what_a_person_adopts_is_found_by_its_name(lost: MakeContext, now: datetime) -> None:
    aws = Answers(DescribeStacks=[stacks("CREATE_COMPLETE"), NONE])
    adopted = CreateStack().adopted(lost(aws))
    assert adopted == Wait(now, {"Adopted": True})
    found = CreateStack().resume(lost(aws, {"Adopted": True}))
    assert isinstance(found, Wait)
    assert found.state == {"StackId": ID}
    with pytest.raises(StepFailed, match="no stack web"):
        CreateStack().resume(lost(aws, {"Adopted": True}))
