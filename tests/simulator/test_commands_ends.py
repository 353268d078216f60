"""How commands end early or never begin: time-outs, cancelling, instances that are not there."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulator.aws import find_instance, wait_for_state
from tests.simulator.shells import Shells, wait_until

# Its child has left its session, and writes for as long as it lives.
FOR_EVER = (
    "setsid sh -c 'while true; do date +%s.%N >/beat; sleep 0.02; done' >/dev/null 2>&1 &",
    "sleep 600",
)


def beat(shells: Shells, instance_id: str) -> str:
    return str(shells.run(instance_id, "cat /beat")["StandardOutputContent"])


def test_execution_timeout_kills_the_whole_tree(shells: Shells, machine: str) -> None:
    answer = shells.run(machine, *FOR_EVER, parameters={"executionTimeout": ["1"]})
    assert (answer["Status"], answer["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")
    assert answer["ResponseCode"] == 137
    last = beat(shells, machine)
    assert last
    assert beat(shells, machine) == last


def test_cancel_kills_the_whole_tree(shells: Shells, machine: str) -> None:
    command_id = shells.send(machine, *FOR_EVER)
    wait_until(lambda: beat(shells, machine), "it runs")
    assert shells.command(command_id)["Status"] == "InProgress"
    shells.ssm.cancel_command(CommandId=command_id)
    assert shells.command(command_id)["Status"] in ("Cancelling", "Cancelled")
    answer = shells.wait(command_id, machine)
    assert (answer["Status"], answer["StatusDetails"]) == ("Cancelled", "Cancelled")
    assert shells.wait_for(command_id)["Status"] == "Cancelled"
    last = beat(shells, machine)
    assert beat(shells, machine) == last


def test_cancel_what_has_ended_changes_nothing(shells: Shells, machine: str) -> None:
    command_id = shells.send(machine, "true")
    shells.wait(command_id, machine)
    shells.ssm.cancel_command(CommandId=command_id)
    assert shells.command(command_id)["Status"] == "Success"


def test_cancel_on_one_of_two(shells: Shells, ec2: Any) -> None:
    first, second = (find_instance(ec2, f"orders-db-{n}")["InstanceId"] for n in (1, 2))
    command_id = shells.send([first, second], "until [ -e /go ]; do sleep 0.05; done")
    shells.ssm.cancel_command(CommandId=command_id, InstanceIds=[first])
    assert shells.wait(command_id, first)["Status"] == "Cancelled"
    shells.run(second, "touch /go")
    assert shells.wait(command_id, second)["Status"] == "Success"
    with pytest.raises(ClientError, match="InvalidInstanceId"):
        shells.ssm.cancel_command(CommandId=command_id, InstanceIds=["i-00000000000000000"])


def test_a_stopped_instance_gets_nothing_in_time(shells: Shells, ec2: Any) -> None:
    stopped = find_instance(ec2, "batch-1")["InstanceId"]
    assert shells.ping(stopped) == "ConnectionLost"
    command_id = shells.send(stopped, "true", TimeoutSeconds=30)
    assert shells.command(command_id)["Status"] == "Pending"
    command = shells.wait_for(command_id)
    assert (command["Status"], command["StatusDetails"]) == ("TimedOut", "DeliveryTimedOut")
    assert command["DeliveryTimedOutCount"] == 1
    answer = shells.wait(command_id, stopped)
    assert (answer["ResponseCode"], answer["ExecutionStartDateTime"]) == (-1, "")


def test_a_command_waits_for_its_instance(shells: Shells, ec2: Any, machine: str) -> None:
    ec2.stop_instances(InstanceIds=[machine])
    wait_for_state(ec2, machine, "stopped")
    command_id = shells.send(machine, "echo late")
    ec2.start_instances(InstanceIds=[machine])
    assert shells.wait(command_id, machine)["StandardOutputContent"] == "late\n"


def test_a_command_that_waits_can_be_cancelled(shells: Shells, ec2: Any) -> None:
    stopped = find_instance(ec2, "batch-1")["InstanceId"]
    command_id = shells.send(stopped, "true")
    shells.ssm.cancel_command(CommandId=command_id)
    assert shells.wait(command_id, stopped)["Status"] == "Cancelled"


def test_an_instance_that_is_terminated_cannot_be_reached(
    shells: Shells, ec2: Any, machine: str
) -> None:
    ec2.stop_instances(InstanceIds=[machine])
    wait_for_state(ec2, machine, "stopped")
    command_id = shells.send(machine, "true")
    ec2.terminate_instances(InstanceIds=[machine])
    answer = shells.wait(command_id, machine)
    assert (answer["Status"], answer["StatusDetails"]) == ("Failed", "Undeliverable")
    with pytest.raises(ClientError, match="InvalidInstanceId"):
        shells.send(machine, "true")


def test_stopping_the_instance_ends_what_runs_there(shells: Shells, ec2: Any, machine: str) -> None:
    command_id = shells.send(machine, *FOR_EVER)
    wait_until(lambda: shells.command(command_id)["Status"] == "InProgress", "it runs")
    ec2.stop_instances(InstanceIds=[machine])
    answer = shells.wait(command_id, machine)
    assert answer["Status"] == "Failed"
    assert "went away" in answer["StandardErrorContent"]


def test_registration_follows_the_instance(shells: Shells, ec2: Any) -> None:
    answer = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    launched = answer["Instances"][0]["InstanceId"]
    assert shells.ping(launched) == ""
    with pytest.raises(ClientError, match="InvalidInstanceId"):
        shells.send(launched, "true")
    shells.wait_online(launched)
    ec2.stop_instances(InstanceIds=[launched])
    assert shells.ping(launched) == "ConnectionLost"
    wait_for_state(ec2, launched, "stopped")
    assert shells.ping(launched) == "ConnectionLost"
    ec2.start_instances(InstanceIds=[launched])
    shells.wait_online(launched)
    ec2.terminate_instances(InstanceIds=[launched])
    assert shells.ping(launched) == ""


def test_information_on_instances(shells: Shells, ec2: Any) -> None:
    web = find_instance(ec2, "web-1")
    filters = [
        {"Key": "tag:service", "Values": ["web"]},
        {"Key": "PingStatus", "Values": ["Online"]},
    ]
    found = shells.ssm.describe_instance_information(Filters=filters)["InstanceInformationList"]
    mine = next(each for each in found if each["InstanceId"] == web["InstanceId"])
    assert (mine["PlatformType"], mine["ResourceType"]) == ("Linux", "EC2Instance")
    assert mine["IPAddress"] == web["PrivateIpAddress"]
    old = [{"key": "PlatformTypes", "valueSet": ["Windows"]}]
    answer = shells.ssm.describe_instance_information(InstanceInformationFilterList=old)
    assert web["InstanceId"] not in {e["InstanceId"] for e in answer["InstanceInformationList"]}
    with pytest.raises(ClientError, match="InvalidFilterKey"):
        shells.ssm.describe_instance_information(Filters=[{"Key": "Colour", "Values": ["red"]}])


def test_too_many_errors_end_the_rest(shells: Shells, ec2: Any) -> None:
    ids = [find_instance(ec2, f"web-{n}")["InstanceId"] for n in (1, 2, 3)]
    command_id = shells.send(ids, "exit 1", MaxConcurrency="1", MaxErrors="1")
    command = shells.wait_for(command_id)
    assert (command["Status"], command["ErrorCount"]) == ("Failed", 2)
    details = [each["StatusDetails"] for each in shells.invocations(command_id).values()]
    assert sorted(details) == ["Failed", "Failed", "Terminated"]


def test_few_errors_leave_it_incomplete(shells: Shells, ec2: Any) -> None:
    ids = [find_instance(ec2, f"web-{n}")["InstanceId"] for n in (1, 2)]
    shells.run(ids[0], "touch /fails")
    command_id = shells.send(ids, "[ ! -e /fails ]", MaxErrors="50%")
    assert shells.wait_for(command_id)["StatusDetails"] == "Incomplete"
    shells.run(ids[0], "rm /fails")


def test_what_shuts_its_instance_down(shells: Shells, ec2: Any, machine: str) -> None:
    answer = shells.run(machine, "shutdown -h now", "echo done")
    assert answer["Status"] == "Success"
    assert answer["StandardOutputContent"].endswith("done\n")
    stopped = wait_for_state(ec2, machine, "stopped")
    assert stopped["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_what_reboots_its_instance(shells: Shells, ec2: Any, machine: str) -> None:
    shells.run(machine, "touch /before", "reboot")
    shells.wait_online(machine)
    assert shells.run(machine, "ls /before")["Status"] == "Success"
    assert wait_for_state(ec2, machine, "running")
