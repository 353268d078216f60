"""aws:runInstances: launch EC2 instances, and wait until they run and pass their checks."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from executions.actions._calls import describe_refusal, refused
from executions.actions._instances import are_fit
from executions.actions._requests import is_settling, need_text, pick, typed_spec
from executions.actions.base import (
    BadInput,
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
from executions.runbook.types import Value

# Inputs that are members of the request under the same name.
SAME: Final = {
    "AdditionalInfo": "String",
    "BlockDeviceMappings": "MapList",
    "ClientToken": "String",
    "DisableApiTermination": "Boolean",
    "EbsOptimized": "Boolean",
    "InstanceInitiatedShutdownBehavior": "String",
    "InstanceType": "String",
    "KernelId": "String",
    "KeyName": "String",
    "MetadataOptions": "StringMap",
    "NetworkInterfaces": "MapList",
    "Placement": "StringMap",
    "PrivateIpAddress": "String",
    "RamdiskId": "String",
    "SecurityGroupIds": "StringList",
    "SecurityGroups": "StringList",
    "SubnetId": "String",
    "TagSpecifications": "MapList",
    # AWS: "The action supports most API parameters." These its page does not list.
    "CapacityReservationSpecification": "StringMap",
    "CpuOptions": "StringMap",
    "CreditSpecification": "StringMap",
    "DisableApiStop": "Boolean",
    "EnclaveOptions": "StringMap",
    "HibernationOptions": "StringMap",
    "InstanceMarketOptions": "StringMap",
    "Ipv6AddressCount": "Integer",
    "Ipv6Addresses": "MapList",
    "LaunchTemplate": "StringMap",
    "LicenseSpecifications": "MapList",
    "MaintenanceOptions": "StringMap",
    "PrivateDnsNameOptions": "StringMap",
}
OPTIONAL: Final = {
    **SAME,
    "IamInstanceProfileArn": "String",
    "IamInstanceProfileName": "String",
    "MaxInstanceCount": "Integer",
    "MinInstanceCount": "Integer",
    "Monitoring": "",  # true or false, or the map that EC2 takes
    "UserData": "String",
}
PROFILE: Final = {"IamInstanceProfileArn": "Arn", "IamInstanceProfileName": "Name"}
ON_THE_WAY: Final = frozenset({"pending", "running"})
NOT_FOUND: Final = "InvalidInstanceID.NotFound"


@action
class RunInstances(BaseAction):
    """AWS, "aws:runInstances - Launch an Amazon EC2 instance".

    Instances of a failed step stay: the runbook has to terminate them, and finds them in the
    outputs.
    """

    spec = typed_spec(
        "aws:runInstances",
        {"ImageId": "String"},
        OPTIONAL,
        outputs={"InstanceIds": "StringList", "InstanceStates": "StringList"},
        can_be_cancel_target=False,
    )

    def begin(self, ctx: StepContext) -> Outcome:
        """Launch. The client token makes it one launch for an attempt."""
        return Call("ec2", "RunInstances", _build_request(ctx))

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """EC2 has named the instances."""
        return _take(ctx, response.get("Instances", []))

    def resume(self, ctx: StepContext) -> Outcome:
        """Look whether all of them run and are fit."""
        if "InstanceIds" not in ctx.state:
            return _take(ctx, _find(ctx))
        ids: list[str] = ctx.state["InstanceIds"]
        states = _look(ctx, ids)
        outputs: dict[str, Value] = {
            "InstanceIds": ids,
            "InstanceStates": [states.get(name, ("pending", ""))[0] for name in ids],
        }
        _require_possible(states, outputs)
        if set(outputs["InstanceStates"]) != {"running"} or not _are_fit(ctx, ids, outputs):
            return Wait(ctx.poll(), ctx.state, outputs=outputs)
        return Done(outputs)

    def recover(self, ctx: StepContext) -> Outcome:
        """The same token was sent again and again; adopt the instances that bear it."""
        try:
            found = _find_launched(ctx)
        except CallFailed as error:
            doubt = describe_refusal("ec2", "DescribeInstances", error)
            return Unknown(f"The answer of RunInstances was lost, and nobody can look: {doubt}.")
        if found:
            return _take(ctx, found)
        return Unknown("The answer of RunInstances was lost, and EC2 shows no such instance.")

    def adopted(self, ctx: StepContext) -> Outcome:
        """There are instances; find them, and wait for them."""
        return Wait(ctx.now, ctx.state)


def _build_request(ctx: StepContext) -> dict[str, Value]:
    fewest = ctx.number("MinInstanceCount", 1)
    most = ctx.number("MaxInstanceCount", max(fewest, 1))
    if not 1 <= fewest <= most:
        raise BadInput(
            f"MinInstanceCount must be from 1 to MaxInstanceCount, but they are {fewest} and "
            f"{most}."
        )
    request: dict[str, Value] = {
        "ImageId": need_text(ctx, "ImageId"),
        "MinCount": fewest,
        "MaxCount": most,
        **pick(ctx, SAME),
    }
    profile = pick(ctx, PROFILE, PROFILE)
    if len(profile) > 1:
        raise BadInput("Give either IamInstanceProfileArn or IamInstanceProfileName, not both.")
    if profile:
        request["IamInstanceProfile"] = profile
    if "Monitoring" in ctx.inputs:
        given = ctx.inputs["Monitoring"]
        on = given if isinstance(given, dict) else {"Enabled": ctx.flag("Monitoring")}
        request["Monitoring"] = on
    if data := ctx.text("UserData"):
        request["UserData"] = _decode(data)
    return request


def _decode(data: str) -> str:
    """User data as it will be on the instance; the AWS library encodes it for the wire."""
    try:
        return base64.b64decode(data, validate=True).decode()
    except binascii.Error:
        return data
    except UnicodeDecodeError as error:
        raise BadInput(
            "UserData is Base64 of something that is not UTF-8 text. Compressed user data is not "
            "supported; use a launch through aws:executeAwsApi and a launch template."
        ) from error


def _take(ctx: StepContext, instances: list[dict[str, Any]]) -> Outcome:
    """These are the step's instances from now on."""
    outputs: dict[str, Value] = {
        "InstanceIds": [item["InstanceId"] for item in instances],
        "InstanceStates": [item.get("State", {}).get("Name", "pending") for item in instances],
    }
    state = {"InstanceIds": outputs["InstanceIds"]}
    return Wait(ctx.poll(), state, outputs=outputs)


def _find(ctx: StepContext) -> list[dict[str, Any]]:
    """The instances that a person said there are; StepFailed if EC2 shows none."""
    if found := _find_launched(ctx):
        return found
    raise StepFailed(
        "No instance of this step can be found, although it was said to have been launched.",
        retryable=False,
        stage="PostVerification",
        kind="Verification",
    )


def _find_launched(ctx: StepContext) -> list[dict[str, Any]]:
    """The instances that bear the token of the call in `ctx.sent`."""
    token = ctx.sent.request["ClientToken"] if ctx.sent else ctx.token
    filters = [{"Name": "client-token", "Values": [token]}]
    return _flatten(ctx.read("ec2", "DescribeInstances", Filters=filters))


def _look(ctx: StepContext, ids: list[str]) -> dict[str, tuple[str, str]]:
    """State and reason of each instance; those that EC2 does not show yet are left out."""
    try:
        found = _flatten(ctx.read("ec2", "DescribeInstances", InstanceIds=ids))
    except CallFailed as error:
        if error.code == NOT_FOUND and is_settling(ctx):
            return {}
        raise refused("ec2", "DescribeInstances", error, stage="PostVerification") from error
    return {
        item["InstanceId"]: (item["State"]["Name"], item.get("StateReason", {}).get("Message", ""))
        for item in found
    }


def _flatten(response: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for group in response.get("Reservations", []) for item in group["Instances"]]


def _require_possible(states: dict[str, tuple[str, str]], outputs: dict[str, Value]) -> None:
    bad = [
        f"{name} entered the unexpected state {state}{f' ({reason})' if reason else ''}"
        for name, (state, reason) in states.items()
        if state not in ON_THE_WAY
    ]
    if bad:
        raise StepFailed(
            "Step fails when it is verifying that launched instances are ready to be used. "
            f"{', '.join(bad)}. The instances are kept.",
            stage="PostVerification",
            kind="Verification",
            outputs=outputs,
        )


def _are_fit(ctx: StepContext, ids: list[str], outputs: dict[str, Value]) -> bool:
    try:
        return are_fit(ctx, ids)
    except StepFailed as failure:
        failure.outputs = outputs
        raise
