"""aws:deleteStack: everything after the first look goes by the stack's id."""

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
from executions.actions.delete_stack import DeleteStack
from tests.actions.answers import DENIED, Answers, MakeContext

NAME = "aws:deleteStack"
INPUTS = {"StackName": "web"}
ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/web/1"
NONE = CallFailed("ValidationError", "Stack with id web does not exist")


def stacks(status: str, reason: str = "") -> dict[str, Any]:
    return {"Stacks": [{"StackId": ID, "StackStatus": status, "StackStatusReason": reason}]}


@pytest.fixture
def after(make_context: MakeContext, now: datetime) -> MakeContext:
    """The context once the deletion was ordered: `after(aws, Resent=True)`."""

    def make(aws: Answers, **state: Any) -> StepContext:
        request = {"StackName": ID, "ClientRequestToken": "token"}
        sent = Sent("cloudformation", "DeleteStack", request, now)
        state = {"StackId": ID, **state}
        return make_context(NAME, INPUTS, sent=sent, state=state, read=aws.read)

    return make


def test_it_learns_the_id_and_deletes_by_it(make_context: MakeContext) -> None:
    inputs = {**INPUTS, "RoleARN": "arn:aws:iam::111122223333:role/x", "ClientRequestToken": "me"}
    aws = Answers(DescribeStacks=stacks("CREATE_COMPLETE"))
    outcome = DeleteStack().begin(make_context(NAME, inputs, read=aws.read))
    request = {**inputs, "StackName": ID}
    assert outcome == Call("cloudformation", "DeleteStack", request, {"StackId": ID})


@pytest.mark.parametrize(
    "inputs",
    [
        {"RetainResources": ["Disk", "Key"]},
        {"RetainResources.member.1": "Disk", "RetainResources.member.2": "Key"},
        {"RetainResources.member.N": ["Disk", "Key"]},
    ],
)
def test_it_takes_both_spellings_of_what_to_retain(
    make_context: MakeContext, inputs: dict[str, Any]
) -> None:
    aws = Answers(DescribeStacks=stacks("DELETE_FAILED"))
    outcome = DeleteStack().begin(make_context(NAME, {**INPUTS, **inputs}, read=aws.read))
    assert isinstance(outcome, Call)
    assert outcome.request == {"StackName": ID, "RetainResources": ["Disk", "Key"]}
    assert set(inputs) <= (DeleteStack.spec.optional or set())


@pytest.mark.parametrize("answer", [NONE, {"Stacks": []}, stacks("DELETE_COMPLETE")])
def test_a_stack_that_is_not_there_is_deleted_already(
    make_context: MakeContext, answer: Any
) -> None:
    aws = Answers(DescribeStacks=answer)
    assert DeleteStack().begin(make_context(NAME, INPUTS, read=aws.read)) == Done()


def test_it_refuses_an_empty_name(make_context: MakeContext) -> None:
    with pytest.raises(BadInput, match="StackName is empty"):
        DeleteStack().begin(make_context(NAME, {"StackName": ""}))


def test_a_refused_look_fails_before_anything_is_deleted(make_context: MakeContext) -> None:
    with pytest.raises(StepFailed, match="DescribeStacks") as failure:
        DeleteStack().begin(make_context(NAME, INPUTS, read=Answers(DescribeStacks=DENIED).read))
    assert (failure.value.stage, failure.value.kind) == ("PreVerification", "Permission")


def test_it_waits_until_the_stack_is_gone(after: MakeContext, poll: datetime) -> None:
    aws = Answers(DescribeStacks=[stacks("DELETE_IN_PROGRESS"), stacks("DELETE_COMPLETE")])
    context = after(aws)
    assert DeleteStack().called(context, {}) == Wait(poll, {"StackId": ID})
    assert DeleteStack().resume(context) == Wait(poll, {"StackId": ID})
    assert DeleteStack().resume(context) == Done()
    assert aws.asked == [("cloudformation:DescribeStacks", {"StackName": ID})] * 2


def test_a_failed_deletion_fails_the_step_with_the_reason(after: MakeContext) -> None:
    aws = Answers(
        DescribeStacks=stacks("DELETE_FAILED", "The bucket is not empty"),
        DescribeStackEvents={"StackEvents": []},
    )
    with pytest.raises(StepFailed, match=r"could not be deleted.*The bucket is not empty"):
        DeleteStack().resume(after(aws))


@pytest.mark.parametrize("answer", [NONE, stacks("DELETE_COMPLETE")])
def test_a_lost_answer_is_explained_by_a_stack_that_is_gone(
    after: MakeContext, answer: Any
) -> None:
    assert DeleteStack().recover(after(Answers(DescribeStacks=answer))) == Done()


def test_a_lost_answer_is_explained_by_a_deletion_under_way(
    after: MakeContext, poll: datetime
) -> None:
    aws = Answers(DescribeStacks=stacks("DELETE_IN_PROGRESS"))
    assert DeleteStack().recover(after(aws)) == Wait(poll, {"StackId": ID})


def test_a_stack_that_nobody_touched_is_deleted_again_once(after: MakeContext) -> None:
    aws = Answers(DescribeStacks=stacks("CREATE_COMPLETE"))
    again = DeleteStack().recover(after(aws))
    request = {"StackName": ID, "ClientRequestToken": "token"}
    state = {"StackId": ID, "Resent": True}
    assert again == Call("cloudformation", "DeleteStack", request, state)
    assert isinstance(DeleteStack().recover(after(aws, Resent=True)), Unknown)


def test_a_person_is_asked_if_nobody_may_look(after: MakeContext) -> None:
    assert isinstance(DeleteStack().recover(after(Answers(DescribeStacks=DENIED))), Unknown)


def test_what_a_person_adopts_still_has_to_go(after: MakeContext, poll: datetime) -> None:
    assert DeleteStack().adopted(after(Answers())) == Wait(poll, {"StackId": ID})
