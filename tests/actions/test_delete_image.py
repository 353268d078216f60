"""aws:deleteImage: the image goes, then the snapshots that it had before."""

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
from executions.actions.delete_image import DeleteImage
from tests.actions.answers import DENIED, Answers, MakeContext

NAME = "aws:deleteImage"
INPUTS = {"ImageId": "ami-1"}
NO_IMAGE = CallFailed("InvalidAMIID.NotFound", "The image id '[ami-1]' does not exist")
NO_SNAPSHOT = CallFailed("InvalidSnapshot.NotFound", "The snapshot 'snap-1' does not exist.")
IN_USE = CallFailed("InvalidSnapshot.InUse", "The snapshot snap-1 is currently in use by ami-1")


def devices(*snapshots: str) -> list[dict[str, Any]]:
    return [{"DeviceName": "/dev/sd", "Ebs": {"SnapshotId": name}} for name in snapshots]


@pytest.fixture
def after(make_context: MakeContext, now: datetime) -> MakeContext:
    """The context after a call: `after("DeleteSnapshot", {"SnapshotId": …}, snapshots=[…])`."""

    def make(operation: str, request: dict[str, Any], snapshots: list[str], **more: Any) -> Any:
        state = {"Snapshots": snapshots, **more.pop("state", {})}
        sent = Sent("ec2", operation, request, now)
        return make_context(NAME, INPUTS, state=state, sent=sent, **more)

    return make


def deregistered(after: MakeContext, *snapshots: str, **more: Any) -> StepContext:
    return after("DeregisterImage", {"ImageId": "ami-1"}, list(snapshots), **more)


def deleted(after: MakeContext, *snapshots: str, **more: Any) -> StepContext:
    return after("DeleteSnapshot", {"SnapshotId": snapshots[0]}, list(snapshots), **more)


def delete(*snapshots: str) -> Call:
    state = {"Snapshots": list(snapshots)}
    return Call("ec2", "DeleteSnapshot", {"SnapshotId": snapshots[0]}, state)


def test_it_notes_the_snapshots_before_the_image_goes(make_context: MakeContext) -> None:
    mappings = [*devices("snap-1", "snap-2", "snap-1"), {"VirtualName": "ephemeral0"}]
    aws = Answers(DescribeImages={"Images": [{"BlockDeviceMappings": mappings}]})
    outcome = DeleteImage().begin(make_context(NAME, INPUTS, read=aws.read))
    state = {"Snapshots": ["snap-1", "snap-2"]}
    assert outcome == Call("ec2", "DeregisterImage", {"ImageId": "ami-1"}, state)


@pytest.mark.parametrize("answer", [NO_IMAGE, {"Images": []}])
def test_an_image_that_is_gone_fails_the_step(make_context: MakeContext, answer: Any) -> None:
    aws = Answers(DescribeImages=answer)
    with pytest.raises(StepFailed, match="ami-1") as failure:
        DeleteImage().begin(make_context(NAME, INPUTS, read=aws.read))
    assert failure.value.stage == "PreVerification"


def test_it_refuses_an_empty_id(make_context: MakeContext) -> None:
    with pytest.raises(BadInput, match="ImageId is empty"):
        DeleteImage().begin(make_context(NAME, {"ImageId": ""}))


def test_it_deletes_one_snapshot_after_the_other(after: MakeContext) -> None:
    step = DeleteImage()
    assert step.called(deregistered(after, "snap-1", "snap-2"), {}) == delete("snap-1", "snap-2")
    assert step.called(deleted(after, "snap-1", "snap-2"), {}) == delete("snap-2")
    assert step.called(deleted(after, "snap-2"), {}) == Done()
    assert step.called(deregistered(after), {}) == Done()


def test_it_waits_for_a_snapshot_in_use(after: MakeContext, poll: datetime) -> None:
    context = deleted(after, "snap-1", "snap-2")
    assert DeleteImage().refused(context, IN_USE) == Wait(poll, context.state)
    assert DeleteImage().resume(context) == delete("snap-1", "snap-2")


def test_a_snapshot_that_is_gone_is_done(after: MakeContext) -> None:
    outcome = DeleteImage().refused(deleted(after, "snap-1", "snap-2"), NO_SNAPSHOT)
    assert outcome == delete("snap-2")


@pytest.mark.parametrize("refusal", [DENIED, NO_IMAGE])
def test_any_other_refusal_fails_the_step(after: MakeContext, refusal: CallFailed) -> None:
    with pytest.raises(StepFailed, match=refusal.code):
        DeleteImage().refused(deregistered(after, "snap-1"), refusal)


@pytest.mark.parametrize("answer", [NO_IMAGE, {"Images": []}])
def test_after_a_lost_answer_the_noted_snapshots_follow_an_image_that_is_gone(
    after: MakeContext, answer: Any
) -> None:
    aws = Answers(DescribeImages=answer)
    assert DeleteImage().recover(deregistered(after, "snap-1", read=aws.read)) == delete("snap-1")


def test_after_a_lost_answer_an_image_that_is_there_is_deregistered_again(
    after: MakeContext,
) -> None:
    aws = Answers(DescribeImages={"Images": [{}]})
    again = DeleteImage().recover(deregistered(after, "snap-1", read=aws.read))
    assert again == Call(
        "ec2",
        "DeregisterImage",
        {"ImageId": "ami-1"},
        {"Snapshots": ["snap-1"], "Resent": True},
    )
    second = deregistered(after, "snap-1", state={"Resent": True})
    assert DeleteImage().refused(second, NO_IMAGE) == delete("snap-1")


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (NO_SNAPSHOT, ["snap-2"]),
        ({"Snapshots": []}, ["snap-2"]),
        ({"Snapshots": [{}]}, ["snap-1", "snap-2"]),
    ],
)
def test_after_a_lost_answer_only_what_is_left_is_deleted(
    after: MakeContext, answer: Any, left: list[str]
) -> None:
    aws = Answers(DescribeSnapshots=answer)
    outcome = DeleteImage().recover(deleted(after, "snap-1", "snap-2", read=aws.read))
    assert isinstance(outcome, Call)
    assert (outcome.operation, outcome.request) == ("DeleteSnapshot", {"SnapshotId": left[0]})
    assert outcome.state["Snapshots"] == left


def test_a_person_is_asked_if_nobody_may_look(after: MakeContext) -> None:
    context = deleted(after, "snap-1", read=Answers(DescribeSnapshots=DENIED).read)
    assert isinstance(DeleteImage().recover(context), Unknown)


def test_what_a_person_adopts_is_followed_by_the_rest(after: MakeContext) -> None:
    assert DeleteImage().adopted(deregistered(after, "snap-1")) == delete("snap-1")
    assert DeleteImage().adopted(deleted(after, "snap-1")) == Done()
