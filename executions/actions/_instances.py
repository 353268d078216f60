"""What actions share that wait for EC2 instances: the status checks."""

from __future__ import annotations

from typing import Final

from executions.actions._calls import refused
from executions.actions.base import CallFailed, StepContext, StepFailed

UNFIT: Final = frozenset({"impaired", "not-applicable"})  # a status check will not get to "ok"


def are_fit(ctx: StepContext, ids: list[str]) -> bool:
    """Whether EC2 reports both checks of every instance as ok; StepFailed if they cannot be."""
    try:
        response = ctx.read("ec2", "DescribeInstanceStatus", InstanceIds=ids)
    except CallFailed as error:
        raise refused("ec2", "DescribeInstanceStatus", error, stage="PostVerification") from error
    checks = {
        item["InstanceId"]: {item["InstanceStatus"]["Status"], item["SystemStatus"]["Status"]}
        for item in response["InstanceStatuses"]
    }
    for name, statuses in checks.items():
        if statuses & UNFIT:
            shown = " and ".join(sorted(statuses & UNFIT))
            raise StepFailed(
                f"{name} runs, but its status checks are {shown}.",
                stage="PostVerification",
                kind="Verification",
            )
    return all(checks.get(name) == {"ok"} for name in ids)
