"""What aws:copyImage and aws:createImage share: the new image, found again and waited for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from executions.actions._calls import refused
from executions.actions._requests import is_settling
from executions.actions.base import (
    CallFailed,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    StepTimedOut,
    Wait,
)
from executions.runbook.types import Value

OUTPUTS: Final = {"ImageId": "String", "ImageState": "String"}
ON_THE_WAY: Final = frozenset({"pending", "transient"})
GONE: Final = frozenset({"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"})
SKEW: Final = timedelta(minutes=1)  # EC2's clock and ours, and EC2 keeps whole seconds


def take(ctx: StepContext, image_id: str) -> Outcome:
    """The image exists from now on; it takes minutes to become available."""
    outputs = {"ImageId": image_id, "ImageState": "pending"}
    return Wait(ctx.poll(), {**ctx.state, "ImageId": image_id}, outputs=outputs)


def await_image(ctx: StepContext) -> Outcome:
    """Done when the image of `ctx.state` is available; StepFailed if it will not be."""
    image_id: str = ctx.state["ImageId"]
    image = _describe(ctx, image_id)
    if image is None:
        if is_settling(ctx):
            return Wait(ctx.poll(), ctx.state)
        raise _failure(f"Image {image_id} is gone: somebody deregistered it.", {})
    state = image["State"]
    outputs = {"ImageId": image_id, "ImageState": state}
    if state == "available":
        return Done(outputs)
    if state in ON_THE_WAY:
        return Wait(ctx.poll(), ctx.state, outputs=outputs)
    reason = image.get("StateReason", {}).get("Message", "EC2 gives no reason")
    raise _failure(f"Image {image_id} is {state}, not available: {reason}.", outputs)


def find_image(ctx: StepContext, source: str, value: str) -> str | None:
    """The one image that the call in `ctx.sent` must have made, by name, age and source.

    `source` is the member that names where an image comes from; images without it are judged by
    name and age alone. CallFailed if AWS refuses to show images.
    """
    if ctx.sent is None:
        return None
    since, name = ctx.sent.at - SKEW, ctx.sent.request["Name"]
    found = ctx.read(
        "ec2", "DescribeImages", Owners=["self"], Filters=[{"Name": "name", "Values": [name]}]
    )
    fitting = [
        image["ImageId"]
        for image in found.get("Images", [])
        if _made_at(image) >= since and image.get(source, value) == value
    ]
    return fitting[0] if len(fitting) == 1 else None


def no_image(ctx: StepContext) -> StepFailed:
    """What follows when a person says that there is an image, and there is none."""
    name = ctx.sent.request["Name"] if ctx.sent else ""
    return StepFailed(
        f"No image {name!r} of this step can be found, although it was said to have been made.",
        retryable=False,
        stage="PostVerification",
        kind="Verification",
    )


def time_out_in_doubt(ctx: StepContext, why: str) -> None:
    """A time-out while nobody knows whether there is an image must not lead to a second one."""
    if why == "timeout" and ctx.sent is not None and "ImageId" not in ctx.state:
        raise StepTimedOut(
            f"{ctx.step.name} ran out of its time. Its call may have taken effect: look for an "
            f"image {ctx.sent.request['Name']!r}.",
            retryable=False,
        )


def _describe(ctx: StepContext, image_id: str) -> dict[str, Any] | None:
    try:
        images = ctx.read("ec2", "DescribeImages", ImageIds=[image_id]).get("Images", [])
    except CallFailed as error:
        if error.code in GONE:
            return None
        raise refused("ec2", "DescribeImages", error, stage="PostVerification") from error
    return images[0] if images else None


def _made_at(image: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(image["CreationDate"])


def _failure(message: str, outputs: dict[str, Value]) -> StepFailed:
    return StepFailed(message, stage="PostVerification", kind="Verification", outputs=outputs)
