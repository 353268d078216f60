"""The policies that a new installation begins with: what four kinds of people usually may."""

from __future__ import annotations

from typing import Any, Final

from console.iam.models import Policy

READ: Final = [
    "ssm:GetAutomationExecution",
    "ssm:DescribeAutomationExecutions",
    "ssm:DescribeAutomationStepExecutions",
    "ssm:GetDocument",
    "ssm:DescribeDocument",
    "ssm:ListDocuments",
    "ssm:ListDocumentVersions",
    "ssm:DescribeDocumentPermission",
    "ssm:ListTagsForResource",
    "ssm:GetServiceSetting",
    "ssm:GetExecutionPreview",
    "ec2:DescribeInstances",
]
PRESETS: Final[dict[str, list[str]]] = {
    "CountersignViewer": READ,
    "CountersignApprover": [*READ, "ssm:SendAutomationSignal"],
    "CountersignOperator": [
        *READ,
        "ssm:StartAutomationExecution",
        "ssm:StopAutomationExecution",
        "ssm:SendAutomationSignal",
        "ssm:AddTagsToResource",
        "ssm:RemoveTagsFromResource",
        "iam:PassRole",
    ],
    "CountersignAdministrator": ["*"],
}


def document(actions: list[str]) -> dict[str, Any]:
    """A policy that allows these actions on everything."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
    }


def install() -> dict[str, Policy]:
    """Put the presets in place; one that an administrator has changed is left as it is."""
    return {
        name: Policy.objects.get_or_create(name=name, defaults={"document": document(actions)})[0]
        for name, actions in PRESETS.items()
    }
