"""aws:deleteImage: deregister an AMI and delete its snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from executions.actions._calls import describe_refusal
from executions.actions._requests import ask, need_text, typed_spec
from executions.actions.base import (
    BaseAction,
    Call,
    CallFailed,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    Unknown,
    Wait,
    action,
)

NO_IMAGE: Final = frozenset({"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"})
NO_SNAPSHOT: Final = "InvalidSnapshot.NotFound"
IN_USE: Final = "InvalidSnapshot.InUse"


@action
class DeleteImage(BaseAction):
    """AWS, "aws:deleteImage - Delete an Amazon Machine Image".

    The snapshots are noted before the image goes: afterwards nothing tells which they were.
    """

    spec = typed_spec("aws:deleteImage", {"ImageId": "String"}, {})

    def begin(self, ctx: StepContext) -> Outcome:
        """Note the snapshots, then deregister. An image that is gone fails the step."""
        image_id = need_text(ctx, "ImageId")
        found = ask(ctx, "ec2", "DescribeImages", stage="PreVerification", ImageIds=[image_id])
        if not found.get("Images"):
            raise StepFailed(
                f"There is no image {image_id} in this Region.",
                stage="PreVerification",
                kind="Verification",
            )
        state = {"Snapshots": _snapshots(found["Images"][0])}
        return Call("ec2", "DeregisterImage", {"ImageId": image_id}, state)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """The image, or one of its snapshots, is gone."""
        return _go_on(ctx)

    def refused(self, ctx: StepContext, refusal: CallFailed) -> Outcome:
        """A snapshot in use is waited for; what is gone already is done."""
        if refusal.code == IN_USE:
            return Wait(ctx.poll(), ctx.state)
        again = refusal.code in NO_IMAGE and ctx.state.get("Resent")
        if again or refusal.code == NO_SNAPSHOT:
            return _go_on(ctx)
        return super().refused(ctx, refusal)

    def resume(self, ctx: StepContext) -> Outcome:
        """Try the snapshot again that was in use."""
        return _delete_next(ctx.state["Snapshots"])

    def recover(self, ctx: StepContext) -> Outcome:
        """Both calls lead to the same end however often they are made: look, and send again."""
        if ctx.sent is None:
            return self.begin(ctx)
        try:
            gone = _is_gone(ctx, ctx.sent.operation)
        except CallFailed as error:
            return Unknown(
                f"The answer of {ctx.sent.operation} was lost, and nobody can look: "
                f"{describe_refusal('ec2', 'a look at what is left', error)}."
            )
        if gone:
            return _go_on(ctx)
        state = {**ctx.state, "Resent": True}
        return Call("ec2", ctx.sent.operation, ctx.sent.request, state)

    def adopted(self, ctx: StepContext) -> Outcome:
        """That part is done; the rest is not."""
        return _go_on(ctx)


def _snapshots(image: dict[str, Any]) -> list[str]:
    """The snapshot ids of an image's block devices, each once."""
    devices = image.get("BlockDeviceMappings", [])
    ids = [device.get("Ebs", {}).get("SnapshotId", "") for device in devices]
    return [name for name in dict.fromkeys(ids) if name]


def _go_on(ctx: StepContext) -> Outcome:
    """After a call that is done: the next snapshot."""
    left = list(ctx.state["Snapshots"])
    if ctx.sent is not None and ctx.sent.operation == "DeleteSnapshot":
        left = [name for name in left if name != ctx.sent.request["SnapshotId"]]
    return _delete_next(left)


def _delete_next(left: Sequence[str]) -> Outcome:
    if not left:
        return Done()
    return Call("ec2", "DeleteSnapshot", {"SnapshotId": left[0]}, {"Snapshots": list(left)})


def _is_gone(ctx: StepContext, operation: str) -> bool:
    """Whether the object of a call does not exist any more."""
    try:
        if operation == "DeregisterImage":
            found = ctx.read("ec2", "DescribeImages", ImageIds=[ctx.text("ImageId").strip()])
            return not found.get("Images")
        snapshot = ctx.state["Snapshots"][0]
        return not ctx.read("ec2", "DescribeSnapshots", SnapshotIds=[snapshot]).get("Snapshots")
    except CallFailed as error:
        if error.code in NO_IMAGE or error.code == NO_SNAPSHOT:
            return True
        raise
