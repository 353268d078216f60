"""aws:copyImage: copy an AMI from another Region into this one, and wait until it is available."""

from __future__ import annotations

from typing import Any, Final

from executions.actions._calls import describe_refusal
from executions.actions._images import OUTPUTS, await_image, find_image, no_image, take
from executions.actions._requests import need_text, pick, typed_spec
from executions.actions.base import (
    BaseAction,
    Call,
    CallFailed,
    Outcome,
    StepContext,
    Unknown,
    Wait,
    action,
)

REQUIRED: Final = {"SourceRegion": "String", "SourceImageId": "String", "ImageName": "String"}
OPTIONAL: Final = {
    "ImageDescription": "String",
    "Encrypted": "Boolean",
    "KmsKeyId": "String",
    "ClientToken": "String",
}


@action
class CopyImage(BaseAction):
    """AWS, "aws:copyImage - Copy or encrypt an Amazon Machine Image"."""

    spec = typed_spec(
        "aws:copyImage", REQUIRED, OPTIONAL, outputs=OUTPUTS, can_be_cancel_target=False
    )

    def begin(self, ctx: StepContext) -> Outcome:
        """Copy into the Region of the run. The client token makes it one copy for an attempt."""
        request = {
            "SourceRegion": need_text(ctx, "SourceRegion"),
            "SourceImageId": need_text(ctx, "SourceImageId"),
            "Name": need_text(ctx, "ImageName"),
            **pick(ctx, OPTIONAL, {"ImageDescription": "Description"}),
        }
        return Call("ec2", "CopyImage", request)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """EC2 has named the copy."""
        return take(ctx, response["ImageId"])

    def resume(self, ctx: StepContext) -> Outcome:
        """Look whether the copy is available."""
        if "ImageId" in ctx.state:
            return await_image(ctx)
        if found := _find(ctx):
            return take(ctx, found)
        raise no_image(ctx)

    def recover(self, ctx: StepContext) -> Outcome:
        """The same token was sent again and again; adopt the copy if EC2 shows it."""
        try:
            found = _find(ctx)
        except CallFailed as error:
            doubt = describe_refusal("ec2", "DescribeImages", error)
            return Unknown(f"The answer of CopyImage was lost, and nobody can look: {doubt}.")
        if found:
            return take(ctx, found)
        return Unknown("The answer of CopyImage was lost, and EC2 shows no such copy.")

    def adopted(self, ctx: StepContext) -> Outcome:
        """There is a copy; find it, and wait for it."""
        return Wait(ctx.now, ctx.state)


def _find(ctx: StepContext) -> str | None:
    return find_image(ctx, "SourceImageId", ctx.text("SourceImageId").strip())
