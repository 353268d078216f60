"""The predefined runbooks as documents: what AWS documents of each, and what holds for all."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.simulator import templates
from executions.actions import registry
from executions.library.predefined import FOLDER
from executions.runbook.types import Runbook
from executions.runbook.validate import check

DOCS = Path(__file__).resolve().parents[2] / "docs" / "runbooks.md"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
INDEX: dict[str, dict[str, str]] = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
APPROVALS = [name for name in NAMES if name.endswith("WithApproval")]
# Parameters that are programs, which a shell is meant to run.
PROGRAMS = {"AWS-UpdateWindowsAmi": 2}
STATE = ["InstanceId", "AutomationAssumeRole"]

# AWS, "Systems Manager Automation Runbook Reference": (parameters, steps, outputs).
FACTS: dict[str, tuple[list[str], list[str], list[str]]] = {
    "AWS-StartEC2Instance": (STATE, ["startInstances"], []),
    "AWS-StopEC2Instance": (STATE, ["stopInstances", "forceStopInstances"], []),
    "AWS-RestartEC2Instance": (STATE, ["stopInstances", "startInstances"], []),
    "AWS-TerminateEC2Instance": (STATE, ["stopInstances"], []),
    "AWS-ResizeInstance": (
        ["InstanceId", "InstanceType", "SleepWait", "AutomationAssumeRole"],
        ["assertInstanceType", "stopInstance", "resizeInstance", "wait", "startInstance"],
        [],
    ),
    "AWS-CreateImage": (["InstanceId", "NoReboot", "AutomationAssumeRole"], ["createImage"], []),
    "AWS-DeleteImage": (["ImageId", "AutomationAssumeRole"], ["deleteImage"], []),
    "AWS-CreateSnapshot": (
        ["VolumeId", "Description", "AutomationAssumeRole"],
        ["createSnapshot", "verifySnapshotCompletion"],
        ["createSnapshot.Payload"],
    ),
    "AWS-CopySnapshot": (
        ["SnapshotId", "SourceRegion", "Description", "AutomationAssumeRole"],
        ["copySnapshot"],
        ["copySnapshot.SnapshotId"],
    ),
    "AWS-UpdateCloudFormationStack": (
        ["StackNameOrId", "TemplateUrl", "LambdaAssumeRole", "AutomationAssumeRole"],
        ["createDocumentStack", "updateCloudFormationTemplate", "deleteCloudFormationTemplate"],
        [],
    ),
    "AWS-DeleteCloudFormationStack": (
        ["StackNameOrId", "AutomationAssumeRole"],
        ["deleteCloudFormationStack"],
        [],
    ),
    "AWS-UpdateLinuxAmi": (
        [
            "SourceAmiId", "IamInstanceProfileName", "AutomationAssumeRole", "TargetAmiName",
            "InstanceType", "SubnetId", "SecurityGroupIds", "PreUpdateScript", "PostUpdateScript",
            "IncludePackages", "ExcludePackages", "MetadataOptions",
        ],
        ["launchInstance", "updateOSSoftware", "stopInstance", "createImage", "terminateInstance"],
        ["createImage.ImageId"],
    ),
    "AWS-UpdateWindowsAmi": (
        [
            "SourceAmiId", "IamInstanceProfileName", "AutomationAssumeRole", "TargetAmiName",
            "InstanceType", "SubnetId", "SecurityGroupIds", "PreUpdateScript", "PostUpdateScript",
            "IncludeKbs", "ExcludeKbs", "Categories", "SeverityLevels", "PublishedDateAfter",
            "PublishedDateBefore", "PublishedDaysOld", "MetadataOptions",
        ],
        [
            "launchInstance", "runPreUpdateScript", "updateEC2Config", "updateSSMAgent",
            "updateAWSPVDriver", "updateAwsEnaNetworkDriver", "installWindowsUpdates",
            "runPostUpdateScript", "runSysprepGeneralize", "stopInstance", "createImage",
            "TerminateInstance",
        ],
        ["createImage.ImageId"],
    ),
    "AWSSupport-ExecuteEC2Rescue": (
        [
            "UnreachableInstanceId", "SubnetId", "EC2RescueInstanceType", "LogDestination",
            "AutomationAssumeRole",
        ],
        [
            "assertInstanceIsWindows", "runEC2RescueForWindows", "getWindowsBackupAmi",
            "getEC2RescueForWindowsResult", "runEC2RescueForLinux", "getLinuxBackupAmi",
            "getEC2RescueForLinuxResult",
        ],
        [
            "getEC2RescueForWindowsResult.Output", "getWindowsBackupAmi.ImageId",
            "getEC2RescueForLinuxResult.Output", "getLinuxBackupAmi.ImageId",
        ],
    ),
    "AWS-AttachIAMToInstance": (
        ["InstanceId", "RoleName", "ForceReplace", "AutomationAssumeRole"],
        [
            "DescribeInstanceProfile", "CheckInstanceProfileAssociations",
            "DisassociateIamInstanceProfile", "ListInstanceProfilesForRole",
            "CheckInstanceProfileCreated", "AttachIAMProfileToInstance",
            "CreateInstanceProfileForRole", "AddRoleToInstanceProfile", "GetInstanceProfile",
            "AttachIAMProfileToInstanceWithRetry",
        ],
        [
            "AttachIAMProfileToInstanceWithRetry.AssociationId",
            "GetInstanceProfile.InstanceProfileName", "GetInstanceProfile.InstanceProfileArn",
            "AttachIAMProfileToInstance.AssociationId",
            "ListInstanceProfilesForRole.InstanceProfileName",
            "ListInstanceProfilesForRole.InstanceProfileArn",
        ],
    ),
    "AWS-PatchInstanceWithRollback": (
        ["InstanceId", "AutomationAssumeRole", "LambdaAssumeRole", "ReportS3Bucket"],
        [
            "createDocumentStack", "IdentifyRootVolume", "PrePatchSnapshot",
            "installMissingUpdates", "SleepThruInstallation", "CheckCompliance",
            "SaveComplianceReportToS3", "ReportSuccessOrFailure", "RestoreFromSnapshot",
            "DeleteSnapshot", "deleteCloudFormationTemplate",
        ],
        [
            "IdentifyRootVolume.Payload", "PrePatchSnapshot.Output",
            "SaveComplianceReportToS3.Payload", "RestoreFromSnapshot.Payload",
            "CheckCompliance.Payload",
        ],
    ),
    "AWS-StopRdsInstance": (STATE, ["AssertNotStopped", "StopInstance", "CheckStop"], []),
    "AWS-StartRdsInstance": (
        STATE, ["AssertNotStartingOrAvailable", "StartInstance", "CheckStart"], [],
    ),
    "AWS-PublishSNSNotification": (
        ["TopicArn", "Message", "AutomationAssumeRole"], ["PublishSNSNotification"], [],
    ),
}  # fmt: skip
STANDBY = ["deployChangeStateLambda", "changeState", "deleteChangeStateLambda"]
for direction in ("Enter", "Exit"):
    names = ["InstanceId", "LambdaRoleArn", "AutomationAssumeRole"]
    FACTS[f"AWS-ASG{direction}Standby"] = (names, STANDBY, [])


def text(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def read(name: str) -> Runbook:
    runbook, problems = check(text(name), registry.specs(), "YAML")
    assert runbook is not None, problems
    return runbook


def find(value: Any, key: str) -> Iterator[str]:
    """Every text under a key, at any depth."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == key and isinstance(item, str):
                yield item
            yield from find(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from find(item, key)


def test_list_is_complete() -> None:
    plain = {name for name in NAMES if name not in APPROVALS}
    assert plain == FACTS.keys() | {"AWSSupport-StartEC2RescueWorkflow"}
    assert INDEX.keys() == set(NAMES)
    assert [name.removesuffix("WithApproval") for name in APPROVALS] == [
        "AWS-DeleteCloudFormationStack", "AWS-RestartEC2Instance", "AWS-StartEC2Instance",
        "AWS-StopEC2Instance", "AWS-TerminateEC2Instance", "AWS-UpdateCloudFormationStack",
    ]  # fmt: skip


@pytest.mark.parametrize("name", FACTS)
def test_parameters_steps_and_outputs_are_those_of_aws(name: str) -> None:
    runbook = read(name)
    parameters, steps, outputs = FACTS[name]
    assert list(runbook.parameters) == parameters
    assert [step.name for step in runbook.walk()] == steps
    assert list(runbook.outputs) == outputs


@pytest.mark.parametrize("name", NAMES)
def test_text_is_sound(name: str) -> None:
    runbook, problems = check(text(name), registry.specs(), "YAML")
    assert runbook is not None
    assert len(problems) == PROGRAMS.get(name, 0), problems
    assert runbook.description
    assert all(one.description for one in runbook.parameters.values())
    assert all(step.description for step in runbook.walk())
    role = runbook.parameters["AutomationAssumeRole"]
    assert (runbook.assume_role, role.type, role.default) == (
        "{{ AutomationAssumeRole }}", "String", "",
    )  # fmt: skip


@pytest.mark.parametrize("name", APPROVALS)
def test_form_with_approval_only_asks_first(name: str) -> None:
    runbook, plain = yaml.safe_load(text(name)), yaml.safe_load(text(name[: -len("WithApproval")]))
    ask = runbook["mainSteps"].pop(0)
    assert (ask["name"], ask["action"], ask["onFailure"]) == ("approve", "aws:approve", "Abort")
    assert ask["inputs"]["Approvers"] == "{{ Approvers }}"
    assert ask["inputs"]["NotificationArn"] == "{{ SNSTopicArn }}"
    assert ask["inputs"]["MinRequiredApprovals"] == 1
    assert runbook["mainSteps"] == plain["mainSteps"]
    added = {each: runbook["parameters"].pop(each) for each in ("Approvers", "SNSTopicArn")}
    assert [one["type"] for one in added.values()] == ["StringList", "String"]
    assert not any("default" in one for one in added.values())
    assert runbook["parameters"] == plain["parameters"]
    assert INDEX[name] == INDEX[name[: -len("WithApproval")]]


def test_stacks_that_runbooks_make_are_sound() -> None:
    found = {body for name in NAMES for body in find(yaml.safe_load(text(name)), "TemplateBody")}
    assert len(found) == 5
    for body in found:
        templates.require_sound(templates.parse(body), ["CAPABILITY_IAM"])
        assert len(body.encode()) <= 51_200
        for code in find(templates.parse(body), "ZipFile"):
            compile(code, "index.py", "exec")
            assert len(code.encode()) <= 4096  # "AWS::Lambda::Function Code"


@pytest.mark.parametrize("name", NAMES)
def test_names_of_functions_are_not_too_long(name: str) -> None:
    run_id = "0" * 36
    for function in find(yaml.safe_load(text(name)), "FunctionName"):
        assert len(re.sub(r"\{\{.*?\}\}", run_id, function)) <= 64


def test_scripts_in_base64_are_those_beside_them() -> None:
    document = text("AWSSupport-ExecuteEC2Rescue")
    codes = list(find(yaml.safe_load(document), "OfflineScript"))
    shown = re.findall(r"# OfflineScript, .*\n((?:      #.*\n)+)", document)
    scripts = [
        base64.b64decode("".join(code.split())).decode(encoding)
        for code, encoding in zip(codes, ("utf-16-le", "utf-8"), strict=True)
    ]
    assert [re.sub(r"(?m)^      #(   )?", "", one) for one in shown] == scripts


@pytest.mark.parametrize("name", NAMES)
def test_manual_names_its_parameters_and_steps(name: str) -> None:
    introduction, *sections = DOCS.read_text(encoding="utf-8").split("\n## ")
    section = next(one for one in sections if f"`{name}`" in one)
    runbook = read(name)
    named = {*runbook.parameters, *(step.name for step in runbook.walk()), *runbook.outputs}
    short = {output.partition(".")[2] for output in runbook.outputs}
    texts = f"{introduction}\n{section}"
    assert {one for one in named - {*runbook.outputs} if f"`{one}`" not in texts} == set()
    assert all(one in section for one in short)
