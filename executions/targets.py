"""What a run acts on, as AWS shows it now: EC2 instances with name, state and tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from executions import aws
from executions.models import Account
from executions.runbook.types import Parameter, Runbook

INSTANCE = "/AWS::EC2::Instance"
INSTANCE_NAMES = frozenset({"instanceid", "instanceids"})
INSTANCE_ID = re.compile(r"m?i-([0-9a-f]{8}|[0-9a-f]{17})")


class Unreadable(Exception):
    """AWS could not be asked; the text says why."""


def instance_parameters(runbook: Runbook, target_type: str) -> list[Parameter]:
    """The parameters that take instance ids, by their type or by the document's target type."""
    return [
        parameter
        for parameter in runbook.parameters.values()
        if "AWS::EC2::Instance::Id" in parameter.type
        or (target_type == INSTANCE and parameter.name.lower() in INSTANCE_NAMES)
    ]


def instance_ids(
    runbook: Runbook, target_type: str, values: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Parameter name to the instance ids that it holds."""
    found = {}
    for parameter in instance_parameters(runbook, target_type):
        value = values.get(parameter.name, [])
        ids = [str(item) for item in (value if isinstance(value, list) else [value]) if item]
        if ids:
            found[parameter.name] = ids
    return found


def describe(account_id: str, region: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The named instances that exist: id, name, state, type, az, tags. Unreadable if AWS fails."""
    known = [item for item in ids if INSTANCE_ID.fullmatch(item)]
    if not known:
        return []
    filters = [{"Name": "instance-id", "Values": known}]
    found = {item["id"]: item for item in _instances(account_id, region, Filters=filters)}
    return [found[item] for item in known if item in found]


def observe(account_id: str, region: str, ids: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    """Each of these as AWS shows it now, and what kept us from looking, if anything did."""
    try:
        found = {one["id"]: one for one in describe(account_id, region, ids)}
    except Unreadable as problem:
        return [{"id": one, "state": "unknown"} for one in ids], str(problem)
    return [found.get(one, {"id": one, "state": "missing"}) for one in ids], ""


def search(account_id: str, region: str, query: str = "") -> list[dict[str, Any]]:
    """The instances of a Region whose id, name or tags hold every word of the query."""
    words = query.lower().split()
    return [
        instance
        for instance in sorted(_instances(account_id, region), key=lambda one: one["name"])
        if all(word in _text(instance) for word in words)
    ]


def _text(instance: Mapping[str, Any]) -> str:
    tags = " ".join(f"{key}={value}" for key, value in instance["tags"].items())
    return f"{instance['id']} {instance['name']} {instance['state']} {tags}".lower()


def _instances(account_id: str, region: str, **request: Any) -> Iterable[dict[str, Any]]:
    account = Account.objects.filter(pk=account_id).first()
    if account is None or not account.role_arn:
        raise Unreadable(f"Account {account_id} has no role for Countersign.")
    identity = aws.Identity(account_id, account.role_arn, aws.CONSOLE, account.external_id)
    target = aws.operation("ec2", "DescribeInstances")
    try:
        while True:
            answer = aws.call(identity, region, target, request)
            for reservation in answer["Reservations"]:
                yield from map(_shape, reservation["Instances"])
            if not answer.get("NextToken"):
                return
            request["NextToken"] = answer["NextToken"]
    except aws.AwsError as error:
        raise Unreadable(f"The instances of {account} could not be read: {error}") from error


def _shape(instance: Mapping[str, Any]) -> dict[str, Any]:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    return {
        "id": instance["InstanceId"],
        "name": tags.get("Name", ""),
        "state": instance["State"]["Name"],
        "type": instance.get("InstanceType", ""),
        "az": instance.get("Placement", {}).get("AvailabilityZone", ""),
        "tags": tags,
    }
