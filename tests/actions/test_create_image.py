"""aws:createImage: the image, its wait, and two looks after a lost answer."""

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
    StepTimedOut,
    Unknown,
    Wait,
)
from executions.actions.create_image import CreateImage
from tests.actions.answers import DENIED, Answers, MakeContext

NAME = "aws:createImage"
INPUTS = {"InstanceId": "i-1", "ImageName": "backup"}
REQUEST = {"InstanceId": "i-1", "Name": "backup"}
IMAGE = {
    "ImageId": "ami-1",
    "State": "available",
    "CreationDate": "2030-01-01T12:00:00.000Z",
    "SourceInstanceId": "i-1",
}
NONE: dict[str, Any] = {"Images": []}


@pytest.fixture
def lost(make_context: MakeContext, now: datetime) -> MakeContext:
    """The context after the answer was lost: `lost(aws, state)`."""

    def make(aws: Answers, state: dict[str, Any], **inputs: Any) -> StepContext:
        sent = Sent("ec2", "CreateImage", {**REQUEST, **inputs}, now)
        return make_context(NAME, {**INPUTS, **inputs}, sent=sent, read=aws.read, state=state)

    return make


def test_it_makes_an_image(make_context: MakeContext) -> None:
    inputs = {**INPUTS, "ImageDescription": "weekly", "NoReboot": False}
    outcome = CreateImage().begin(make_context(NAME, inputs))
    request = {**REQUEST, "Description": "weekly", "NoReboot": False}
    assert outcome == Call("ec2", "CreateImage", request)


@pytest.mark.parametrize("devices", [{"DeviceName": "/dev/sdb"}, [{"DeviceName": "/dev/sdb"}]])
def test_it_takes_devices_as_a_map_or_a_list(make_context: MakeContext, devices: Any) -> None:
    outcome = CreateImage().begin(make_context(NAME, {**INPUTS, "BlockDeviceMappings": devices}))
    assert outcome == Call("ec2", "CreateImage", {**REQUEST, "BlockDeviceMappings": devices})


@pytest.mark.parametrize("name", ["InstanceId", "ImageName"])
def test_it_refuses_an_empty_required_input(make_context: MakeContext, name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} is empty"):
        CreateImage().begin(make_context(NAME, {**INPUTS, name: ""}))


def test_it_waits_until_the_image_is_available(make_context: MakeContext) -> None:
    taken = CreateImage().called(make_context(NAME, INPUTS), {"ImageId": "ami-1"})
    assert isinstance(taken, Wait)
    assert taken.outputs == {"ImageId": "ami-1", "ImageState": "pending"}
    aws = Answers(DescribeImages={"Images": [IMAGE]})
    ended = CreateImage().resume(make_context(NAME, INPUTS, state=taken.state, read=aws.read))
    assert ended == Done({"ImageId": "ami-1", "ImageState": "available"})


def test_a_name_in_use_fails_the_step(make_context: MakeContext) -> None:
    taken = CallFailed("InvalidAMIName.Duplicate", "AMI name backup is already in use")
    with pytest.raises(StepFailed, match="already in use"):
        CreateImage().refused(make_context(NAME, INPUTS), taken)


def test_it_adopts_an_image_of_the_same_source(lost: MakeContext) -> None:
    outcome = CreateImage().recover(lost(Answers(DescribeImages={"Images": [IMAGE]}), {}))
    assert isinstance(outcome, Wait)
    assert outcome.state == {"ImageId": "ami-1"}


def test_it_does_not_adopt_an_image_of_another_instance(lost: MakeContext) -> None:
    other = {**IMAGE, "SourceInstanceId": "i-2"}
    context = lost(Answers(DescribeImages={"Images": [other]}), {"Looked": True})
    assert isinstance(CreateImage().recover(context), Unknown)


def test_it_looks_again_after_a_minute(lost: MakeContext, now: datetime) -> None:
    outcome = CreateImage().recover(lost(Answers(DescribeImages=NONE), {}))
    assert outcome == Wait(now + timedelta(minutes=1), {"Looked": True})


def test_the_second_look_asks_a_person_if_the_instance_may_have_been_restarted(
    lost: MakeContext,
) -> None:
    outcome = CreateImage().resume(lost(Answers(DescribeImages=NONE), {"Looked": True}))
    assert isinstance(outcome, Unknown)
    assert "restarted i-1" in outcome.reason


def test_the_second_look_sends_again_once_without_a_reboot(lost: MakeContext) -> None:
    aws = Answers(DescribeImages=NONE)
    context = lost(aws, {"Looked": True}, NoReboot=True)
    again = CreateImage().resume(context)
    assert again == Call("ec2", "CreateImage", {**REQUEST, "NoReboot": True}, {"Resent": True})
    twice = lost(aws, {"Looked": True, "Resent": True}, NoReboot=True)
    assert isinstance(CreateImage().resume(twice), Unknown)


def test_a_name_in_use_at_the_second_sending_is_looked_at(lost: MakeContext, now: datetime) -> None:
    context = lost(Answers(DescribeImages=NONE), {"Resent": True}, NoReboot=True)
    taken = CallFailed("InvalidAMIName.Duplicate", "already in use")
    assert CreateImage().refused(context, taken) == Wait(now, {"Resent": True})


def test_a_person_is_asked_if_nobody_may_look(lost: MakeContext) -> None:
    assert isinstance(CreateImage().recover(lost(Answers(DescribeImages=DENIED), {})), Unknown)


def test_a_time_out_between_the_looks_leads_to_no_second_image(lost: MakeContext) -> None:
    context = lost(Answers(), {"Looked": True})
    with pytest.raises(StepTimedOut, match="may have taken effect") as timeout:
        CreateImage().stopped(context, "timeout")
    assert not timeout.value.retryable
    assert CreateImage().stopped(context, "cancel") is None
    assert CreateImage().stopped(lost(Answers(), {"ImageId": "ami-1"}), "timeout") is None


def test_what_a_person_adopts_has_to_be_there(lost: MakeContext, now: datetime) -> None:
    context = lost(Answers(DescribeImages=NONE), {})
    adopted = CreateImage().adopted(context)
    assert adopted == Wait(now, {"Adopted": True})
    with pytest.raises(StepFailed, match="No image 'backup'"):
        CreateImage().resume(lost(Answers(DescribeImages=NONE), {"Adopted": True}))
