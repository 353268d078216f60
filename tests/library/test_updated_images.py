"""The runbooks that make an AMI of another one with its software updated."""

from __future__ import annotations

from typing import Any

import pytest

from tests.library.running import Library

pytestmark = pytest.mark.stack
SCRIPTS = """
mkdir -p /opt/update
printf '#!/bin/sh\\nyum list >/opt/update/before\\n' >/opt/update/pre
printf '#!/bin/sh\\nyum list >/opt/update/after\\n' >/opt/update/post
"""
LINUX_STEPS = [
    "launchInstance", "updateOSSoftware", "stopInstance", "createImage", "terminateInstance",
]  # fmt: skip
WINDOWS_STEPS = [
    "launchInstance", "runPreUpdateScript", "updateEC2Config", "updateSSMAgent",
    "updateAWSPVDriver", "updateAwsEnaNetworkDriver", "installWindowsUpdates",
    "runPostUpdateScript", "runSysprepGeneralize", "stopInstance", "createImage",
    "TerminateInstance",
]  # fmt: skip


@pytest.fixture(scope="module")
def source(library: Library) -> str:
    """An AMI with scripts of its own on it."""
    instance = library.launch()
    library.shell(instance, SCRIPTS)
    return library.run("AWS-CreateImage", InstanceId=instance).output("createImage", "ImageId")


def read_packages(text: str) -> dict[str, str]:
    """Versions by name."""
    return dict(line.split() for line in text.splitlines())


def test_linux_with_scripts_and_some_packages(library: Library, source: str) -> None:
    run = library.run(
        "AWS-UpdateLinuxAmi",
        SourceAmiId=source,
        IncludePackages="openssl,curl, kernel",
        ExcludePackages="kernel",
        PreUpdateScript="file:///opt/update/pre",
        PostUpdateScript="file:///opt/update/post",
    )
    assert (run.status, list(run.steps)) == ("Success", LINUX_STEPS), run
    (image,) = run.outputs["createImage.ImageId"]
    name = str(library.image(image)["Name"])
    assert name.startswith(f"UpdateLinuxAmi_from_{source}_on_20")
    assert library.state(run.output("launchInstance", "InstanceIds")) == "terminated"
    copy = library.launch(image)
    before = read_packages(library.shell(copy, "cat /opt/update/before"))
    after = read_packages(library.shell(copy, "cat /opt/update/after"))
    assert {name for name in after if after[name] != before[name]} == {"openssl", "curl"}


def test_linux_with_all_packages(library: Library, source: str) -> None:
    run = library.run("AWS-UpdateLinuxAmi", SourceAmiId=source, TargetAmiName=f"all-{source}")
    assert run.status == "Success", run
    (image,) = run.outputs["createImage.ImageId"]
    assert library.image(image)["Name"] == f"all-{source}"
    packages = read_packages(library.shell(library.launch(image), "yum list"))
    assert set(packages.values()) == {"1.1"}


def test_linux_keeps_the_instance_of_a_script_that_fails(library: Library, source: str) -> None:
    run = library.run(
        "AWS-UpdateLinuxAmi", SourceAmiId=source, PreUpdateScript="https://example.com/none.sh"
    )
    assert run.status == "Failed"
    assert run.steps == {"launchInstance": "Success", "updateOSSoftware": "Failed"}
    assert "https://example.com/none.sh" in run.why
    assert library.state(run.output("launchInstance", "InstanceIds")) == "running"
    (placeholder,) = run.outputs["createImage.ImageId"]
    assert placeholder.startswith("No output available yet")


def test_image_that_is_not_there(library: Library) -> None:
    nothing = "ami-0123456789abcdef0"
    library.refuse("ec2", "RunInstances", "InvalidAMIID.NotFound", times=3, ImageId=nothing)
    run = library.run("AWS-UpdateLinuxAmi", SourceAmiId=nothing)
    assert (run.status, run.steps) == ("Failed", {"launchInstance": "Failed"})


@pytest.mark.parametrize("value", ["x'; reboot; '", "$(reboot)", "a`b`"])
def test_nothing_slips_into_the_shell(library: Library, value: str) -> None:
    ssm = library.olivia
    for name in ("PreUpdateScript", "PostUpdateScript", "IncludePackages", "ExcludePackages"):
        with pytest.raises(ssm.exceptions.InvalidAutomationExecutionParametersException):
            library.start("AWS-UpdateLinuxAmi", SourceAmiId="ami-1", **{name: value})


def test_windows(library: Library) -> None:
    source = library.windows()
    run = library.run(
        "AWS-UpdateWindowsAmi",
        SourceAmiId=source,
        PreUpdateScript="Write-Host before",
        IncludeKbs="KB9876543",
        Categories="SecurityUpdates",
    )
    assert (run.status, list(run.steps)) == ("Success", WINDOWS_STEPS), run
    (image,) = run.outputs["createImage.ImageId"]
    assert library.image(image)["Platform"] == "windows"
    instance = run.output("launchInstance", "InstanceIds")
    assert library.state(instance) == "terminated"
    sent = {one["DocumentName"]: one.get("Parameters", {}) for one in commands(library, instance)}
    assert sent["AWS-InstallWindowsUpdates"]["IncludeKbs"] == ["KB9876543"]
    assert sent["AWS-InstallWindowsUpdates"]["Categories"] == ["SecurityUpdates"]
    assert "AWSEC2-RunSysprep" in sent
    again = library.run("AWS-UpdateWindowsAmi", SourceAmiId=source, PostUpdateScript="exit 3")
    assert again.status == "Failed"
    assert list(again.steps) == WINDOWS_STEPS[:8]
    assert "ResponseCode=[3]" in again.why


def commands(library: Library, instance: str) -> list[dict[str, Any]]:
    """What was sent to it."""
    found: list[dict[str, Any]] = library.aws("ssm").list_commands(InstanceId=instance)["Commands"]
    return found
