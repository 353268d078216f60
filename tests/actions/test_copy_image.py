"""aws:copyImage: one copy for an attempt, waited for, and found again after a lost answer."""

from __future__ import annotations

from datetime import datetime, timedelta
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
from executions.actions.copy_image import CopyImage
from tests.actions.answers import DENIED, Answers, MakeContext

NAME = "aws:copyImage"
INPUTS = {"SourceRegion": "us-east-1", "SourceImageId": "ami-1", "ImageName": "golden-2"}
REQUEST = {"SourceRegion": "us-east-1", "SourceImageId": "ami-1", "Name": "golden-2"}
GONE = CallFailed("InvalidAMIID.NotFound", "The image id '[ami-2]' does not exist")


def image(state: str = "available", **more: Any) -> dict[str, Any]:
    return {
        "ImageId": "ami-2",
        "State": state,
        "CreationDate": "2030-01-01T12:00:00.000Z",
        "SourceImageId": "ami-1",
        **more,
    }


@pytest.fixture
def sent(now: datetime) -> Sent:
    return Sent("ec2", "CopyImage", REQUEST, now)


def waiting(make_context: MakeContext, sent: Sent, aws: Answers, **more: Any) -> StepContext:
    return make_context(NAME, INPUTS, state={"ImageId": "ami-2"}, sent=sent, read=aws.read, **more)


def test_it_copies_into_the_region_of_the_run(make_context: MakeContext) -> None:
    inputs = {
        **INPUTS,
        "ImageDescription": "copy",
        "Encrypted": True,
        "KmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/1",
        "ClientToken": "mine",
    }
    outcome = CopyImage().begin(make_context(NAME, inputs))
    more = {name: inputs[name] for name in ("Encrypted", "KmsKeyId", "ClientToken")}
    assert outcome == Call("ec2", "CopyImage", {**REQUEST, "Description": "copy", **more})


def test_an_empty_option_is_not_sent(make_context: MakeContext) -> None:
    outcome = CopyImage().begin(make_context(NAME, {**INPUTS, "KmsKeyId": "", "ClientToken": ""}))
    assert outcome == Call("ec2", "CopyImage", REQUEST)


@pytest.mark.parametrize("name", ["SourceRegion", "SourceImageId", "ImageName"])
def test_it_refuses_an_empty_required_input(make_context: MakeContext, name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} is empty"):
        CopyImage().begin(make_context(NAME, {**INPUTS, name: " "}))


def test_the_copy_has_a_name_at_once(make_context: MakeContext, sent: Sent, poll: datetime) -> None:
    outcome = CopyImage().called(make_context(NAME, INPUTS, sent=sent), {"ImageId": "ami-2"})
    outputs = {"ImageId": "ami-2", "ImageState": "pending"}
    assert outcome == Wait(poll, {"ImageId": "ami-2"}, outputs=outputs)


def test_it_ends_when_the_copy_is_available(make_context: MakeContext, sent: Sent) -> None:
    aws = Answers(DescribeImages={"Images": [image()]})
    outcome = CopyImage().resume(waiting(make_context, sent, aws))
    assert outcome == Done({"ImageId": "ami-2", "ImageState": "available"})
    assert aws.asked == [("ec2:DescribeImages", {"ImageIds": ["ami-2"]})]


@pytest.mark.parametrize("state", ["pending", "transient"])
def test_it_waits_while_the_copy_is_made(
    make_context: MakeContext, sent: Sent, poll: datetime, state: str
) -> None:
    aws = Answers(DescribeImages={"Images": [image(state)]})
    outcome = CopyImage().resume(waiting(make_context, sent, aws))
    outputs = {"ImageId": "ami-2", "ImageState": state}
    assert outcome == Wait(poll, {"ImageId": "ami-2"}, outputs=outputs)


@pytest.mark.parametrize("state", ["failed", "error", "invalid", "deregistered"])
def test_any_other_final_state_fails_with_its_reason(
    make_context: MakeContext, sent: Sent, state: str
) -> None:
    bad = image(state, StateReason={"Message": "The key is disabled"})
    aws = Answers(DescribeImages={"Images": [bad]})
    with pytest.raises(StepFailed, match=f"is {state}.*The key is disabled") as failure:
        CopyImage().resume(waiting(make_context, sent, aws))
    assert failure.value.outputs == {"ImageId": "ami-2", "ImageState": state}


@pytest.mark.parametrize("answer", [GONE, {"Images": []}])
def test_a_young_copy_may_not_show_yet_but_an_old_one_is_gone(
    make_context: MakeContext, sent: Sent, now: datetime, poll: datetime, answer: Any
) -> None:
    aws = Answers(DescribeImages=answer)
    assert CopyImage().resume(waiting(make_context, sent, aws)) == Wait(poll, {"ImageId": "ami-2"})
    later = now + timedelta(minutes=3)
    with pytest.raises(StepFailed, match="ami-2 is gone"):
        CopyImage().resume(waiting(make_context, sent, aws, now=later))


def test_a_refused_look_fails_the_step(make_context: MakeContext, sent: Sent) -> None:
    with pytest.raises(StepFailed, match="DescribeImages of ec2: UnauthorizedOperation"):
        CopyImage().resume(waiting(make_context, sent, Answers(DescribeImages=DENIED)))


def test_after_a_lost_answer_it_adopts_the_copy(
    make_context: MakeContext, sent: Sent, poll: datetime
) -> None:
    aws = Answers(DescribeImages={"Images": [image("pending")]})
    outcome = CopyImage().recover(make_context(NAME, INPUTS, sent=sent, read=aws.read))
    assert isinstance(outcome, Wait)
    assert outcome.state == {"ImageId": "ami-2"}
    filters = [{"Name": "name", "Values": ["golden-2"]}]
    assert aws.asked == [("ec2:DescribeImages", {"Owners": ["self"], "Filters": filters})]


@pytest.mark.parametrize(
    "found",
    [
        [],
        [image(CreationDate="2030-01-01T11:58:00.000Z")],
        [image(SourceImageId="ami-9")],
        [image(), image(ImageId="ami-3")],
    ],
    ids=["none", "older than the call", "of another source", "two"],
)
def test_it_adopts_nothing_that_may_be_somebody_elses(
    make_context: MakeContext, sent: Sent, found: list[dict[str, Any]]
) -> None:
    aws = Answers(DescribeImages={"Images": found})
    context = make_context(NAME, INPUTS, sent=sent, read=aws.read)
    assert isinstance(CopyImage().recover(context), Unknown)


def test_a_person_is_asked_if_nobody_may_look(make_context: MakeContext, sent: Sent) -> None:
    aws = Answers(DescribeImages=DENIED)
    outcome = CopyImage().recover(make_context(NAME, INPUTS, sent=sent, read=aws.read))
    assert isinstance(outcome, Unknown)
    assert "UnauthorizedOperation" in outcome.reason


def test_what_a_person_adopts_is_looked_for(
    make_context: MakeContext, sent: Sent, now: datetime
) -> None:
    aws = Answers(DescribeImages=[{"Images": [image()]}, {"Images": []}])
    context = make_context(NAME, INPUTS, sent=sent, read=aws.read)
    assert CopyImage().adopted(context) == Wait(now, {})
    found = CopyImage().resume(context)
    assert isinstance(found, Wait)
    assert found.state == {"ImageId": "ami-2"}
    with pytest.raises(StepFailed, match="No image 'golden-2'"):
        CopyImage().resume(context)
