"""aws:createImage: make an AMI of an instance, and wait until it is available."""

from __future__ import annotations

from typing import Any, Final

from executions.actions._calls import describe_refusal
from executions.actions._images import (
    OUTPUTS,
    await_image,
    find_image,
    no_image,
    take,
    time_out_in_doubt,
)
from executions.actions._requests import SECOND_LOOK, need_text, pick, typed_spec
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

REQUIRED: Final = {"InstanceId": "String", "ImageName": "String"}
# AWS's page calls BlockDeviceMappings a map, while EC2 takes a list of maps: either will do.
OPTIONAL: Final = {
    "ImageDescription": "String",
    "NoReboot": "Boolean",
    "BlockDeviceMappings": "",
    "TagSpecifications": "MapList",
}
LOST: Final = "The answer of CreateImage was lost"


@action
class CreateImage(BaseAction):
    """AWS, "aws:createImage - Create an Amazon Machine Image"."""

    spec = typed_spec(
        "aws:createImage", REQUIRED, OPTIONAL, outputs=OUTPUTS, can_be_cancel_target=False
    )

    def begin(self, ctx: StepContext) -> Outcome:
        """Without NoReboot EC2 restarts the instance."""
        request = {
            "InstanceId": need_text(ctx, "InstanceId"),
            "Name": need_text(ctx, "ImageName"),
            **pick(ctx, OPTIONAL, {"ImageDescription": "Description"}),
        }
        return Call("ec2", "CreateImage", request)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """EC2 has named the image."""
        return take(ctx, response["ImageId"])

    def refused(self, ctx: StepContext, refusal: CallFailed) -> Outcome:
        """A name that is taken at the second sending may be the first one's: look, and compare."""
        if refusal.code == "InvalidAMIName.Duplicate" and ctx.state.get("Resent"):
            return Wait(ctx.now, ctx.state)
        return super().refused(ctx, refusal)

    def resume(self, ctx: StepContext) -> Outcome:
        """Look whether the image is available; after a lost answer, whether there is one."""
        if "ImageId" in ctx.state:
            return await_image(ctx)
        return self.recover(ctx)

    def recover(self, ctx: StepContext) -> Outcome:
        """Look twice, a minute apart. Send again only what cannot have restarted the instance."""
        try:
            found = _find(ctx)
        except CallFailed as error:
            return Unknown(f"{LOST}: {describe_refusal('ec2', 'DescribeImages', error)}.")
        if found:
            return take(ctx, found)
        if ctx.state.get("Adopted"):
            raise no_image(ctx)
        if not ctx.state.get("Looked"):
            return Wait(ctx.now + SECOND_LOOK, {**ctx.state, "Looked": True})
        if ctx.sent is None or ctx.state.get("Resent") or not ctx.flag("NoReboot"):
            return Unknown(
                f"{LOST}, and EC2 shows no such image. It may have restarted "
                f"{ctx.text('InstanceId')} all the same, unless NoReboot is set."
            )
        state = {"Resent": True}
        return Call("ec2", "CreateImage", ctx.sent.request, state)

    def adopted(self, ctx: StepContext) -> Outcome:
        """There is an image; find it, and wait for it."""
        return Wait(ctx.now, {**ctx.state, "Adopted": True})

    def stopped(self, ctx: StepContext, why: str) -> Outcome | None:
        """Between the two looks nobody knows whether there is an image."""
        time_out_in_doubt(ctx, why)
        return None


def _find(ctx: StepContext) -> str | None:
    return find_image(ctx, "SourceInstanceId", ctx.text("InstanceId").strip())
