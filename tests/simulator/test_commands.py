"""Run Command by boto3: a shell on an instance, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from console.simulator import client
from tests.simulator.aws import PRODUCTION, STAGING, assume, find_instance, make_client
from tests.simulator.shells import SHELL, Shells


def test_a_script_runs_as_root_on_its_instance(shells: Shells, machine: str) -> None:
    answer = shells.run(machine, "id -u", "pwd", "hostname", "echo no >&2")
    assert (answer["Status"], answer["StatusDetails"]) == ("Success", "Success")
    assert (answer["ResponseCode"], answer["PluginName"]) == (0, "aws:runShellScript")
    user, folder, host = answer["StandardOutputContent"].split()
    assert (user, folder, host[:3]) == ("0", "/root", "ip-")
    assert answer["StandardErrorContent"] == "no\n"
    assert answer["ExecutionEndDateTime"] >= answer["ExecutionStartDateTime"] > "20"


def test_a_failing_script_says_its_exit_code(shells: Shells, machine: str) -> None:
    answer = shells.run(machine, "echo before", "exit 3")
    assert (answer["Status"], answer["StatusDetails"]) == ("Failed", "Failed")
    assert (answer["ResponseCode"], answer["StandardOutputContent"]) == (3, "before\n")
    assert answer["StandardErrorContent"] == "failed to run commands: exit status 3"


def test_the_last_command_decides(shells: Shells, machine: str) -> None:
    assert shells.run(machine, "false", "true")["Status"] == "Success"
    assert shells.run(machine, "set -e", "false", "true")["Status"] == "Failed"


def test_a_shebang_chooses_the_shell(shells: Shells, machine: str) -> None:
    answer = shells.run(machine, "#!/usr/bin/awk -f", 'BEGIN {print "awk"}')
    assert answer["StandardOutputContent"] == "awk\n"


def test_working_directory(shells: Shells, machine: str) -> None:
    answer = shells.run(machine, "pwd", parameters={"workingDirectory": ["/var/log"]})
    assert answer["StandardOutputContent"] == "/var/log\n"
    answer = shells.run(machine, "pwd", parameters={"workingDirectory": ["/nowhere"]})
    assert (answer["Status"], answer["ResponseCode"]) == ("Failed", 1)
    assert "/nowhere: No such file or directory" in answer["StandardErrorContent"]


def test_files_stay_between_commands(shells: Shells, machine: str) -> None:
    shells.run(machine, "echo kept > /marker", "echo 'echo tool' > /usr/local/bin/tool")
    shells.run(machine, "chmod +x /usr/local/bin/tool")
    answer = shells.run(machine, "cat /marker", "tool")
    assert answer["StandardOutputContent"] == "kept\ntool\n"


def test_each_instance_has_files_of_its_own(shells: Shells, ec2: Any) -> None:
    first, second = (find_instance(ec2, f"web-{n}")["InstanceId"] for n in (1, 2))
    shells.run(first, "echo mine > /whose")
    assert shells.run(second, "cat /whose")["Status"] == "Failed"


def test_several_instances(shells: Shells, ec2: Any) -> None:
    ids = [find_instance(ec2, f"orders-api-{n}")["InstanceId"] for n in (1, 2)]
    command_id = shells.send([*ids, ids[0]], "hostname")
    command = shells.wait_for(command_id)
    assert (command["Status"], command["TargetCount"], command["CompletedCount"]) == (
        "Success", 2, 2,
    )  # fmt: skip
    found = shells.invocations(command_id)
    assert set(found) == set(ids)
    assert len({each["CommandPlugins"][0]["Output"] for each in found.values()}) == 2
    assert {each["InstanceName"] for each in found.values()} == {"orders-api-1", "orders-api-2"}


def test_targets_by_tag(shells: Shells, endpoint: str, ec2: Any) -> None:
    targets = [
        {"Key": "tag:service", "Values": ["payments", "search"]},
        {"Key": "tag:env", "Values": ["production"]},
    ]
    command_id = shells.send([], "echo paid", Targets=targets)
    assert shells.wait_for(command_id)["Status"] == "Success"
    ids = {find_instance(ec2, f"payments-{n}")["InstanceId"] for n in (1, 2)}
    assert set(shells.invocations(command_id)) == ids
    call = client.calls(endpoint, operation="SendCommand")[-1]
    assert set(call["effective"]) == ids


def test_a_tag_that_nothing_has(shells: Shells) -> None:
    command_id = shells.send([], "true", Targets=[{"Key": "tag:service", "Values": ["none"]}])
    command = shells.command(command_id)
    assert (command["StatusDetails"], command["TargetCount"]) == ("NoInstancesInTag", 0)


def test_long_output_is_cut_as_by_aws(shells: Shells, machine: str) -> None:
    lines = "for i in $(seq 1 3000); do echo 0123456789; done"
    command_id = shells.send(machine, lines, f"{{ {lines}; }} >&2")
    answer = shells.wait(command_id, machine)
    assert len(answer["StandardOutputContent"]) == 24_000
    assert len(answer["StandardErrorContent"]) == 8_000
    output = shells.invocations(command_id)[machine]["CommandPlugins"][0]["Output"]
    assert len(output) == 2_500
    assert output.endswith("---Output truncated---")


def test_details_hold_both_streams(shells: Shells, machine: str) -> None:
    command_id = shells.send(machine, "echo out", "echo err >&2", "exit 2")
    shells.wait(command_id, machine)
    plugin = shells.invocations(command_id)[machine]["CommandPlugins"][0]
    assert plugin["Output"] == (
        "out\n\n----------ERROR-------\nerr\nfailed to run commands: exit status 2"
    )
    assert (plugin["Name"], plugin["ResponseCode"]) == ("aws:runShellScript", 2)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"InstanceIds": ["i-00000000000000000"]}, "InvalidInstanceId"),
        ({"DocumentName": "No-Such-Document"}, "InvalidDocument"),
        ({"Parameters": {"commands": ["true"], "colour": ["red"]}}, "InvalidParameters"),
        ({"Parameters": {}}, "InvalidParameters"),
        ({"Parameters": {"commands": ["true"], "executionTimeout": ["soon"]}}, "InvalidParameters"),
        ({"Targets": [{"Key": "tag:a", "Values": ["b"]}]}, "ValidationException"),
        ({"InstanceIds": []}, "ValidationException"),
        ({"TimeoutSeconds": 2_592_001}, "ValidationException"),
        ({"MaxErrors": "10%0"}, "ValidationException"),
    ],
)
def test_refusals(
    shells: Shells, machine: str, endpoint: str, change: dict[str, Any], code: str
) -> None:
    request: dict[str, Any] = {"DocumentName": SHELL, "InstanceIds": [machine]}
    request |= {"Parameters": {"commands": ["true"]}, **change}
    with pytest.raises(ClientError, match=code) as refusal:
        shells.ssm.send_command(**request)
    assert refusal.value.response["Error"]["Code"] == code
    call = client.calls(endpoint, operation="SendCommand")[-1]
    assert (call["error_code"], call["effective"]) == (code, [])


def test_commands_belong_to_their_account(shells: Shells, machine: str, endpoint: str) -> None:
    command_id = shells.send(machine, "true")
    other = make_client(endpoint, "ssm", assume(endpoint, STAGING))
    assert other.list_commands(CommandId=command_id)["Commands"] == []
    with pytest.raises(other.exceptions.InvalidCommandId):
        other.cancel_command(CommandId=command_id)
    with pytest.raises(ClientError, match="InvalidInstanceId"):
        Shells(other).send(machine, "true")


def test_lists_are_filtered_and_paged(shells: Shells, machine: str) -> None:
    mine = {shells.send(machine, "true", Comment=f"number {n}") for n in range(3)}
    since = (datetime.now(UTC) - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    filters = [{"key": "InvokedAfter", "value": since}]
    pages = shells.ssm.get_paginator("list_commands").paginate(
        InstanceId=machine, Filters=filters, PaginationConfig={"PageSize": 2}
    )
    found = [[each["CommandId"] for each in page["Commands"]] for page in pages]
    assert [len(page) for page in found] == [2, 1]
    assert {each for page in found for each in page} == mine
    later = [{"key": "InvokedAfter", "value": "2999-01-01T00:00:00Z"}]
    assert shells.ssm.list_commands(Filters=later)["Commands"] == []


def test_faults_strike_commands_too(shells: Shells, machine: str, endpoint: str) -> None:
    client.faults(endpoint, {"kind": "throttle", "operation": "SendCommand"})
    with pytest.raises(ClientError, match="ThrottlingException"):
        shells.send(machine, "true")
    assert shells.ssm.list_commands(InstanceId=machine)["Commands"] == []


def test_a_session_nobody_issued_sends_nothing(endpoint: str, machine: str) -> None:
    session = {**assume(endpoint, PRODUCTION), "aws_access_key_id": "ASIA0000000000000000"}
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        Shells(make_client(endpoint, "ssm", session)).send(machine, "true")
