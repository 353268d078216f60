"""The runbooks that start, stop, restart, terminate and resize instances."""

from __future__ import annotations

import pytest

from tests.library.running import Library, Run

pytestmark = pytest.mark.stack
NOBODY = "i-0123456789abcdef0"


def test_stop_start_and_terminate(library: Library) -> None:
    instance = library.launch()
    stopped = library.run("AWS-StopEC2Instance", InstanceId=instance)
    assert stopped.steps == {"stopInstances": "Success", "forceStopInstances": "Success"}
    assert library.state(instance) == "stopped"
    started = library.run("AWS-StartEC2Instance", InstanceId=instance)
    assert started.steps == {"startInstances": "Success"}
    assert library.state(instance) == "running"
    gone = library.run("AWS-TerminateEC2Instance", InstanceId=instance)
    assert gone.steps == {"stopInstances": "Success"}
    assert library.state(instance) == "terminated"
    assert {stopped.status, started.status, gone.status} == {"Success"}


def test_restart_of_two_at_once(library: Library) -> None:
    both = [library.launch(), library.launch()]
    before = [library.instance(one)["LaunchTime"] for one in both]
    run = library.run("AWS-RestartEC2Instance", InstanceId=both)
    assert run.status == "Success"
    assert run.steps == {"stopInstances": "Success", "startInstances": "Success"}
    after = [library.instance(one) for one in both]
    assert [one["State"]["Name"] for one in after] == ["running", "running"]
    assert all(new["LaunchTime"] >= old for new, old in zip(after, before, strict=True))


def test_stop_is_forced_when_the_first_is_refused(library: Library) -> None:
    instance = library.launch()
    library.refuse("ec2", "StopInstances", "UnsupportedOperation", InstanceIds=instance)
    run = library.run("AWS-StopEC2Instance", InstanceId=instance)
    assert run.status == "Success", run
    assert run.steps == {"stopInstances": "Failed", "forceStopInstances": "Success"}
    assert library.state(instance) == "stopped"


@pytest.mark.parametrize(
    ("document", "first"),
    [
        ("AWS-StartEC2Instance", "startInstances"),
        ("AWS-RestartEC2Instance", "stopInstances"),
        ("AWS-TerminateEC2Instance", "stopInstances"),
    ],
)
def test_instance_that_is_not_there(library: Library, document: str, first: str) -> None:
    run = library.run(document, InstanceId=NOBODY)
    assert (run.status, run.steps) == ("Failed", {first: "Failed"})
    assert NOBODY in run.why


@pytest.mark.parametrize(
    ("document", "state"),
    [
        ("AWS-StopEC2InstanceWithApproval", "stopped"),
        ("AWS-StartEC2InstanceWithApproval", "running"),
        ("AWS-RestartEC2InstanceWithApproval", "running"),
        ("AWS-TerminateEC2InstanceWithApproval", "terminated"),
    ],
)
def test_with_approval(library: Library, document: str, state: str) -> None:
    instance = library.launch()
    rejected = library.decide(document, "Reject", InstanceId=instance)
    assert (rejected.status, rejected.steps) == ("Failed", {"approve": "Failed"})
    assert library.state(instance) == "running"
    approved = library.decide(document, "Approve", InstanceId=instance)
    assert approved.status == "Success", approved
    assert library.state(instance) == state


def test_resize(library: Library) -> None:
    instance = library.launch(InstanceType="t3.micro")
    run = resize(library, instance)
    assert run.status == "Success", run
    assert run.steps == {
        "assertInstanceType": "Failed",  # it has another type, so there is something to do
        "stopInstance": "Success",
        "resizeInstance": "Success",
        "wait": "Success",
        "startInstance": "Success",
    }
    found = library.instance(instance)
    assert (found["InstanceType"], found["State"]["Name"]) == ("m6i.large", "running")
    again = resize(library, instance)
    assert (again.status, again.steps) == ("Success", {"assertInstanceType": "Success"})


def test_resize_to_a_type_that_ec2_refuses(library: Library) -> None:
    instance = library.launch(InstanceType="t3.micro")
    library.refuse("ec2", "ModifyInstanceAttribute", "InvalidParameterValue", InstanceId=instance)
    run = resize(library, instance)
    assert run.status == "Failed"
    assert run.steps["resizeInstance"] == "Failed"
    assert "startInstance" not in run.steps
    assert library.state(instance) == "stopped"
    assert library.instance(instance)["InstanceType"] == "t3.micro"


def resize(library: Library, instance: str) -> Run:
    return library.run(
        "AWS-ResizeInstance", InstanceId=instance, InstanceType="m6i.large", SleepWait="PT0S"
    )
