"""The two long runbooks, rescue and patching with rollback. All their runs go on at once."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest

from tests.library.running import REGION, Library, Run

pytestmark = pytest.mark.stack
PATCH, RESCUE = "AWS-PatchInstanceWithRollback", "AWSSupport-ExecuteEC2Rescue"
WORKFLOW = "AWSSupport-StartEC2RescueWorkflow"
BUCKET = "patch-reports"
OLD, NEW = {"1.0"}, {"1.1"}
BAD_SCRIPT = "echo tried >$EC2RESCUE_OFFLINE_SYSTEM_ROOT/etc/tried; exit 7"
DEPLOYED = ["createDocumentStack", "IdentifyRootVolume", "PrePatchSnapshot"]
RESTORED = ["RestoreFromSnapshot", "DeleteSnapshot", "deleteCloudFormationTemplate"]


@dataclass
class Case:
    """An instance and a run on it."""

    library: Library
    document: str
    parameters: dict[str, str] = field(default_factory=dict)
    before: str = "true"  # a script that the instance runs first
    image: str = ""
    instance: str = ""
    volume: str = ""
    id: str = ""

    def begin(self) -> None:
        """Launch, prepare, start."""
        self.instance = self.library.launch(self.image)
        if not self.image:
            self.library.shell(self.instance, self.before)
        self.volume = self.library.root_volume(self.instance)
        name = "UnreachableInstanceId" if self.document == RESCUE else "InstanceId"
        self.id = self.library.start(self.document, **{name: self.instance}, **self.parameters)

    @cached_property
    def run(self) -> Run:
        """The run, once it has ended."""
        return self.library.end(self.id)

    def packages(self) -> set[str]:
        """The versions of what is installed on the instance now."""
        lines = self.library.shell(self.instance, "yum list").splitlines()
        return {line.split()[1] for line in lines}


@pytest.fixture(scope="module")
def cases(library: Library) -> dict[str, Case]:
    """Everything that takes long, begun."""
    where = {"LocationConstraint": REGION}
    library.aws("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    script = base64.b64encode(BAD_SCRIPT.encode()).decode()
    made = {
        "patched": Case(library, PATCH, {"ReportS3Bucket": BUCKET}, "yum list"),
        "missing": Case(
            library, PATCH, {}, "mkdir -p /etc/dnf; echo exclude=kernel >/etc/dnf/dnf.conf"
        ),
        "broken": Case(library, PATCH, {}, "yum list; echo >/var/log/amazon"),
        "cancelled": Case(library, PATCH, {}, "yum list"),
        "linux": Case(library, RESCUE, {}, "echo mine >/etc/mark"),
        "windows": Case(
            library, RESCUE, {"SubnetId": "SelectedInstanceSubnet"}, image=library.windows()
        ),
        "bad script": Case(
            library, WORKFLOW, {"OfflineScript": script, "CreatePostEC2RescueBackup": "True"}
        ),
    }
    for case in made.values():
        case.begin()
    return made


def test_cancelled_run_takes_its_functions_away(cases: dict[str, Case]) -> None:
    case = cases["cancelled"]
    run = case.library.cancel(case.id, "SleepThruInstallation")
    assert run.status == "Cancelled", run
    assert run.steps["SleepThruInstallation"] == "Cancelled"
    assert list(run.steps)[-1] == "deleteCloudFormationTemplate"
    assert run.steps["deleteCloudFormationTemplate"] == "Success"
    assert case.library.left_behind(run) == []
    kept = snapshots(case.library, run)  # for whoever wants to go back by hand
    assert [one["VolumeId"] for one in kept] == [case.volume]


def test_instance_is_patched(cases: dict[str, Case]) -> None:
    case = cases["patched"]
    run, library = case.run, case.library
    assert run.status == "Success", run
    assert list(run.steps) == [
        *DEPLOYED, "installMissingUpdates", "SleepThruInstallation", "CheckCompliance",
        "SaveComplianceReportToS3", "ReportSuccessOrFailure", "DeleteSnapshot",
        "deleteCloudFormationTemplate",
    ]  # fmt: skip
    assert case.packages() == NEW
    assert run.outputs["IdentifyRootVolume.Payload"] == [case.volume]
    assert library.root_volume(case.instance) == case.volume
    report = json.loads(run.outputs["CheckCompliance.Payload"][0])
    assert (report["Status"], report["MissingCount"]) == ("COMPLIANT", 0)
    key = f"{case.instance}/{run.id}.json"
    assert run.outputs["SaveComplianceReportToS3.Payload"] == [f"s3://{BUCKET}/{key}"]
    saved = library.aws("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert json.loads(saved) == report
    assert library.left_behind(run) == []
    assert snapshots(library, run) == []


@pytest.mark.parametrize(
    ("name", "failed"), [("missing", "ReportSuccessOrFailure"), ("broken", "installMissingUpdates")]
)
def test_instance_is_rolled_back(cases: dict[str, Case], name: str, failed: str) -> None:
    case = cases[name]
    run, library = case.run, case.library
    assert run.status == "Failed", run
    assert run.steps[failed] == "Failed"
    assert f"Step {failed} failed" in run.why
    assert list(run.steps)[-3:] == RESTORED
    assert {run.steps[step] for step in RESTORED} == {"Success"}
    restored = library.root_volume(case.instance)
    assert restored != case.volume
    payload = json.loads(run.outputs["RestoreFromSnapshot.Payload"][0])
    assert (payload["VolumeId"], payload["ReplacedVolumeId"]) == (restored, case.volume)
    assert case.packages() == OLD  # what the patches had changed is as it was
    old = library.aws("ec2").describe_volumes(VolumeIds=[case.volume])["Volumes"][0]
    assert old["State"] == "available"
    assert old["Tags"] == [{"Key": "ReplacedBy", "Value": restored}]
    assert library.left_behind(run) == []
    assert snapshots(library, run) == []


def test_instance_with_linux_is_rescued(cases: dict[str, Case]) -> None:
    case = cases["linux"]
    run, library = case.run, case.library
    assert run.status == "Success", run
    assert list(run.steps) == [
        "assertInstanceIsWindows", "runEC2RescueForLinux", "getLinuxBackupAmi",
        "getEC2RescueForLinuxResult",
    ]  # fmt: skip
    assert "fstabfailures" in run.outputs["getEC2RescueForLinuxResult.Output"][0]
    assert run.outputs["getWindowsBackupAmi.ImageId"][0].startswith("No output available yet")
    assert library.root_volume(case.instance) == case.volume
    assert library.shell(case.instance, "cat /etc/mark") == "mine\n"
    assert "ec2rl run --remediate" in library.shell(case.instance, "cat /var/log/ec2rl.log")
    (backup,) = run.outputs["getLinuxBackupAmi.ImageId"]
    copy = library.launch(backup)
    assert library.shell(copy, "cat /etc/mark; ls /var/log") == "mine\n"  # made before the tool ran
    assert library.left_behind(library.child(run)) == []
    networks = library.aws("ec2").describe_vpcs()["Vpcs"]
    assert [one["IsDefault"] for one in networks] == [True]


def test_instance_with_windows_is_rescued(cases: dict[str, Case]) -> None:
    case = cases["windows"]
    run, library = case.run, case.library
    assert run.status == "Success", run
    assert list(run.steps) == [
        "assertInstanceIsWindows", "runEC2RescueForWindows", "getWindowsBackupAmi",
        "getEC2RescueForWindowsResult",
    ]  # fmt: skip
    assert "Simulated" in run.outputs["getEC2RescueForWindowsResult.Output"][0]
    (backup,) = run.outputs["getWindowsBackupAmi.ImageId"]
    assert library.image(backup)["Platform"] == "windows"
    assert library.state(case.instance) == "running"
    assert library.root_volume(case.instance) == case.volume
    assert library.left_behind(library.child(run)) == []


def test_script_that_fails_costs_the_instance_nothing(cases: dict[str, Case]) -> None:
    case = cases["bad script"]
    run, library = case.run, case.library
    assert run.status == "Failed", run
    assert [step for step, status in run.steps.items() if status == "Failed"] == [
        "runScriptForLinux"
    ]
    assert list(run.steps)[-1] == "deleteEC2RescueStack"
    assert "ResponseCode=[7]" in run.why
    assert library.state(case.instance) == "running"
    assert library.root_volume(case.instance) == case.volume
    assert library.shell(case.instance, "cat /etc/tried") == "tried\n"
    (backup,) = run.outputs["postScriptBackup.ImageId"]
    assert library.image(backup)["Name"] == f"AWSSupport-EC2Rescue-post-{run.id}"
    found = library.instance(case.instance)["BlockDeviceMappings"]
    assert [one["Ebs"]["DeleteOnTermination"] for one in found] == [True]
    assert library.left_behind(run) == []


def test_instance_that_is_not_there(library: Library) -> None:
    run = library.run(RESCUE, UnreachableInstanceId="i-0123456789abcdef0")
    assert run.status == "Failed"
    assert run.steps["runEC2RescueForLinux"] == "Failed"
    assert "i-0123456789abcdef0" in run.why


def snapshots(library: Library, run: Run) -> list[dict[str, Any]]:
    """Those that a run has made to go back to."""
    found = library.aws("ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"]
    return [one for one in found if run.id in one["Description"]]
