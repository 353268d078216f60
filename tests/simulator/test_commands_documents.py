"""Command documents: those of AWS by name, the account's own, and Windows, where nothing runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from console.simulator.commands.documents import load_predefined
from tests.simulator.aws import wait_for_state
from tests.simulator.shells import Shells
from tests.simulator.test_commands_images import make_image

GREET = {
    "schemaVersion": "2.2",
    "description": "Greets.",
    "parameters": {
        "name": {"type": "String", "default": "world", "allowedPattern": "^[a-z]+$"},
        "more": {"type": "StringList", "default": []},
    },
    "mainSteps": [
        {
            "name": "greet",
            "action": "aws:runShellScript",
            "inputs": {"runCommand": ["echo hello {{ name }}", "{{ more }}"]},
        }
    ],
}


@pytest.fixture
def windows(shells: Shells, ec2: Any) -> str:
    """A running Windows instance that is online."""
    filters = [{"Name": "platform", "Values": ["windows"]}]
    image = ec2.describe_images(Filters=filters)["Images"][0]["ImageId"]
    answer = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)
    return shells.wait_online(answer["Instances"][0]["InstanceId"])


def run(shells: Shells, instance_id: str, document: str, **parameters: str) -> dict[str, Any]:
    """The invocation with its plugins, in the end."""
    answer = shells.ssm.send_command(
        DocumentName=document,
        InstanceIds=[instance_id],
        Parameters={name: [value] for name, value in parameters.items()},
    )
    command_id = answer["Command"]["CommandId"]
    shells.wait(command_id, instance_id)
    return shells.invocations(command_id)[instance_id]


def run_powershell(shells: Shells, instance_id: str, *lines: str) -> dict[str, Any]:
    return shells.run(instance_id, *lines, DocumentName="AWS-RunPowerShellScript")


def test_every_predefined_document_is_read() -> None:
    known = load_predefined()
    assert {"AWS-RunShellScript", "AWS-RunPatchBaseline", "AWSEC2-RunSysprep"} <= known.keys()
    assert all(document.content["description"] for document in known.values())


def test_packages_are_kept_book_of(shells: Shells, machine: str) -> None:
    answer = shells.run(machine, "yum -y update --exclude=kernel*,openssl", "yum install -y nginx")
    assert "Complete!" in answer["StandardOutputContent"]
    log = shells.run(machine, "cat /var/log/packages.log")["StandardOutputContent"]
    assert "yum update glibc 1.1" in log
    assert "yum exclude kernel 1.0" in log
    assert "yum exclude openssl 1.0" in log
    assert "yum install nginx 1.1" in log
    book = shells.run(machine, "cat /var/lib/packages/installed")["StandardOutputContent"]
    assert {"kernel 1.0", "openssl 1.0", "glibc 1.1", "nginx 1.1"} <= set(book.splitlines())


def test_apt_and_unknown_packages(shells: Shells, machine: str) -> None:
    answer = shells.run(
        machine, "apt-get update", "apt-get -y upgrade bash", "apt-get check-update"
    )
    assert answer["ResponseCode"] == 100
    assert "  bash  1.1" in answer["StandardOutputContent"]
    assert "kernel 1.0" in answer["StandardOutputContent"]
    answer = shells.run(machine, "dnf install -y no-such-package")
    assert (answer["ResponseCode"], answer["Status"]) == (1, "Failed")


def test_there_is_no_network(shells: Shells, machine: str) -> None:
    answer = shells.run(machine, "curl -fsS https://example.com/install.sh")
    assert answer["ResponseCode"] == 6
    answer = shells.run(machine, "exec 3<>/dev/tcp/127.0.0.1/80")
    assert answer["Status"] == "Failed"


def test_patch_baseline_skips_the_other_platform(shells: Shells, machine: str) -> None:
    found = run(shells, machine, "AWS-RunPatchBaseline", Operation="Install")
    assert found["Status"] == "Success"
    windows, linux = found["CommandPlugins"]
    assert (windows["Name"], windows["Status"]) == ("PatchWindows", "Success")
    assert "incompatible platform" in windows["Output"]
    assert "operation Install" in linux["Output"]
    shells.wait_online(machine)  # it rebooted
    found = run(shells, machine, "AWS-RunPatchBaseline", Operation="Scan")
    assert "0 updates are missing" in found["CommandPlugins"][1]["Output"]


def test_packages_of_aws(shells: Shells, machine: str) -> None:
    run(shells, machine, "AWS-UpdateSSMAgent")
    package = {"action": "Install", "name": "AmazonCloudWatchAgent", "version": "1.2"}
    found = run(shells, machine, "AWS-ConfigureAWSPackage", **package)
    assert found["CommandPlugins"][0]["Name"] == "configurePackage"
    answer = shells.run(machine, "cd /var/lib/amazon/ssm/packages; grep -r .")
    lines = set(answer["StandardOutputContent"].splitlines())
    assert lines == {"amazon-ssm-agent:latest", "AmazonCloudWatchAgent:1.2"}
    with pytest.raises(ClientError, match="InvalidParameters"):
        run(shells, machine, "AWS-ConfigureAWSPackage", action="Install", name="a'; reboot; '")


def test_own_documents(shells: Shells, machine: str) -> None:
    shells.ssm.create_document(Name="Greet", DocumentType="Command", Content=json.dumps(GREET))
    answer = shells.ssm.send_command(
        DocumentName="Greet",
        InstanceIds=[machine],
        Parameters={"name": ["ann"], "more": ["echo one", "echo two"]},
    )
    ended = shells.wait(answer["Command"]["CommandId"], machine)
    assert ended["StandardOutputContent"] == "hello ann\none\ntwo\n"
    assert ended["PluginName"] == "greet"
    with pytest.raises(ClientError, match="InvalidParameters"):
        run(shells, machine, "Greet", name="Ann")


@pytest.mark.parametrize(
    "content",
    [
        {"schemaVersion": "0.3", "mainSteps": [{"name": "a", "action": "aws:sleep"}]},
        {"schemaVersion": "2.2", "mainSteps": []},
        {"schemaVersion": "2.2", "mainSteps": [{"action": "aws:runShellScript"}]},
        {"schemaVersion": "2.2", "mainSteps": "none"},
    ],
)
def test_documents_that_cannot_be_sent(
    shells: Shells, machine: str, content: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    name = f"Bad-{request.node.callspec.indices['content']}"
    shells.ssm.create_document(Name=name, DocumentType="Command", Content=json.dumps(content))
    with pytest.raises(ClientError, match=f"InvalidDocument.*{name}"):
        run(shells, machine, name)


def test_a_plugin_we_lack_fails_with_a_reason(shells: Shells, machine: str) -> None:
    steps = [
        {"name": "docker", "action": "aws:runDockerAction", "inputs": {"onFailure": "exit"}},
        {"name": "never", "action": "aws:runShellScript", "inputs": {"runCommand": ["true"]}},
    ]
    content = json.dumps({"schemaVersion": "2.2", "mainSteps": steps})
    shells.ssm.create_document(Name="Docker", DocumentType="Command", Content=content)
    found = run(shells, machine, "Docker")
    docker, never = found["CommandPlugins"]
    assert (found["Status"], never["Status"]) == ("Failed", "Failed")
    assert "no plugin aws:runDockerAction" in docker["Output"]


def test_powershell_is_kept_and_not_run(shells: Shells, windows: str) -> None:
    first = run_powershell(shells, windows, "Get-Service", "'$(reboot)'")
    assert first["Status"] == "Success"
    assert "PowerShell is not run. The script is kept; 0 came" in first["StandardOutputContent"]
    failed = run_powershell(shells, windows, "if ($x) {", "  exit 1", "}", "exit 7")
    assert (failed["Status"], failed["ResponseCode"]) == ("Failed", 7)


def test_a_shell_script_does_not_fit_windows(shells: Shells, windows: str) -> None:
    answer = shells.run(windows, "true")
    assert (answer["Status"], answer["StatusDetails"]) == ("Failed", "InvalidPlatform")


def test_sysprep_shuts_down_and_the_image_has_the_marks(
    shells: Shells, ec2: Any, windows: str
) -> None:
    run_powershell(shells, windows, "Install-WindowsUpdate -KB 5000802")
    assert (
        run(shells, windows, "AWS-InstallWindowsUpdates", Action="Install")["Status"] == "Success"
    )
    assert run(shells, windows, "AWSEC2-RunSysprep")["Status"] == "Success"
    wait_for_state(ec2, windows, "stopped")
    answer = ec2.run_instances(ImageId=make_image(ec2, windows, "windows"), MinCount=1, MaxCount=1)
    copy = shells.wait_online(answer["Instances"][0]["InstanceId"])
    said = run_powershell(shells, copy, "Get-Date")["StandardOutputContent"]
    assert "3 came before it" in said
