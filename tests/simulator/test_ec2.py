"""EC2 over a real socket: what boto3 sees of instances that take their time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from console.simulator import client
from tests.simulator.aws import (
    DEADLINE,
    PRODUCTION,
    STAGING,
    assume,
    describe,
    find_instance,
    make_client,
    wait_for_state,
)


@pytest.fixture
def frozen_ec2(frozen: str) -> Any:
    return make_client(frozen, "ec2", assume(frozen, PRODUCTION))


@pytest.fixture
def frozen_staging(frozen: str) -> Any:
    return make_client(frozen, "ec2", assume(frozen, STAGING))


def last_call(endpoint: str, operation: str) -> dict[str, Any]:
    return client.calls(endpoint, service="ec2", operation=operation)[-1]


def test_stop_and_start_arrive(ec2: Any, instance_id: str) -> None:
    launched = describe(ec2, instance_id)["LaunchTime"]
    ec2.stop_instances(InstanceIds=[instance_id])
    stopped = wait_for_state(ec2, instance_id, "stopped")
    assert stopped["StateTransitionReason"].startswith("User initiated (")
    ec2.start_instances(InstanceIds=[instance_id])
    running = wait_for_state(ec2, instance_id, "running")
    assert running["LaunchTime"] >= launched
    assert running["StateTransitionReason"] == ""


def test_status_checks_come_to_ok(ec2: Any, instance_id: str) -> None:
    deadline = time.monotonic() + DEADLINE
    seen: set[str] = set()
    while "ok" not in seen and time.monotonic() < deadline:
        answer = ec2.describe_instance_status(InstanceIds=[instance_id])
        seen.add(answer["InstanceStatuses"][0]["SystemStatus"]["Status"])
    assert "ok" in seen
    assert seen <= {"initializing", "ok"}


def test_terminate_arrives(ec2: Any, instance_id: str, endpoint: str) -> None:
    answer = ec2.terminate_instances(InstanceIds=[instance_id])
    assert answer["TerminatingInstances"][0]["CurrentState"]["Name"] == "shutting-down"
    wait_for_state(ec2, instance_id, "terminated")
    again = ec2.terminate_instances(InstanceIds=[instance_id])["TerminatingInstances"][0]
    assert again["PreviousState"]["Name"] == again["CurrentState"]["Name"] == "terminated"
    assert last_call(endpoint, "TerminateInstances")["effective"] == []


def test_stopping_shows_with_its_reason(frozen_ec2: Any, frozen: str) -> None:
    found = find_instance(frozen_ec2, "web-1")["InstanceId"]
    answer = frozen_ec2.stop_instances(InstanceIds=[found])["StoppingInstances"][0]
    assert answer["PreviousState"] == {"Code": 16, "Name": "running"}
    assert answer["CurrentState"] == {"Code": 64, "Name": "stopping"}
    instance = describe(frozen_ec2, found)
    assert instance["State"]["Name"] == "stopping"
    assert instance["StateTransitionReason"].startswith("User initiated (")
    assert last_call(frozen, "StopInstances")["effective"] == [found]
    statuses = frozen_ec2.describe_instance_status(InstanceIds=[found])["InstanceStatuses"]
    assert statuses == []


def test_start_shows_pending_and_a_new_launch_time(frozen_ec2: Any) -> None:
    before = find_instance(frozen_ec2, "batch-1")
    answer = frozen_ec2.start_instances(InstanceIds=[before["InstanceId"]])["StartingInstances"][0]
    assert answer["CurrentState"]["Name"] == "pending"
    after = describe(frozen_ec2, before["InstanceId"])
    assert after["State"]["Name"] == "pending"
    assert after["LaunchTime"] > before["LaunchTime"]


def test_launched_instances_are_pending(frozen_ec2: Any) -> None:
    launched = frozen_ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    found = launched["Instances"][0]["InstanceId"]
    assert describe(frozen_ec2, found)["State"]["Name"] == "pending"
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        frozen_ec2.stop_instances(InstanceIds=[found])


def test_starting_what_is_stopping_is_refused(frozen_ec2: Any) -> None:
    found = find_instance(frozen_ec2, "web-2")["InstanceId"]
    frozen_ec2.stop_instances(InstanceIds=[found])
    with pytest.raises(ClientError, match="is not in a state from which it can be started") as e:
        frozen_ec2.start_instances(InstanceIds=[found])
    assert e.value.response["Error"]["Code"] == "IncorrectInstanceState"


def test_a_refused_request_changes_no_instance(frozen_staging: Any, frozen: str) -> None:
    running = find_instance(frozen_staging, "web-staging-1")["InstanceId"]
    doomed = find_instance(frozen_staging, "orders-api-staging-1")["InstanceId"]
    frozen_staging.terminate_instances(InstanceIds=[doomed])
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        frozen_staging.stop_instances(InstanceIds=[running, doomed])
    assert describe(frozen_staging, running)["State"]["Name"] == "running"
    assert last_call(frozen, "StopInstances")["effective"] == []


def test_stopping_the_stopped_is_a_no_op(ec2: Any, endpoint: str) -> None:
    found = find_instance(ec2, "batch-1")["InstanceId"]
    answer = ec2.stop_instances(InstanceIds=[found])["StoppingInstances"][0]
    assert answer["PreviousState"]["Name"] == answer["CurrentState"]["Name"] == "stopped"
    call = last_call(endpoint, "StopInstances")
    assert (call["status"], call["effective"]) == (200, [])


def test_starting_the_running_is_a_no_op(ec2: Any, endpoint: str) -> None:
    found = find_instance(ec2, "orders-db-1")["InstanceId"]
    answer = ec2.start_instances(InstanceIds=[found])["StartingInstances"][0]
    assert answer["CurrentState"]["Name"] == "running"
    assert last_call(endpoint, "StartInstances")["effective"] == []


def test_only_the_changed_are_effective(ec2: Any, instance_id: str, endpoint: str) -> None:
    stopped = find_instance(ec2, "batch-1")["InstanceId"]
    ec2.stop_instances(InstanceIds=[stopped, instance_id])
    assert last_call(endpoint, "StopInstances")["effective"] == [instance_id]


def test_an_unknown_instance_is_refused(ec2: Any) -> None:
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        ec2.stop_instances(InstanceIds=["i-00000000000000000"])


def test_dry_run_does_nothing(ec2: Any, endpoint: str) -> None:
    found = find_instance(ec2, "orders-db-1")["InstanceId"]
    with pytest.raises(ClientError, match="DryRunOperation"):
        ec2.stop_instances(InstanceIds=[found], DryRun=True)
    assert describe(ec2, found)["State"]["Name"] == "running"
    assert last_call(endpoint, "StopInstances")["effective"] == []


def test_stop_protection_holds(ec2: Any, instance_id: str) -> None:
    ec2.modify_instance_attribute(InstanceId=instance_id, DisableApiStop={"Value": True})
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        ec2.stop_instances(InstanceIds=[instance_id])


def test_reboot_needs_a_running_instance(ec2: Any, endpoint: str, instance_id: str) -> None:
    ec2.reboot_instances(InstanceIds=[instance_id])
    assert last_call(endpoint, "RebootInstances")["effective"] == [instance_id]
    stopped = find_instance(ec2, "batch-1")["InstanceId"]
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        ec2.reboot_instances(InstanceIds=[stopped])


def test_resize_needs_a_stopped_instance(ec2: Any, instance_id: str) -> None:
    with pytest.raises(ClientError, match="is not in the 'stopped' state"):
        ec2.modify_instance_attribute(InstanceId=instance_id, InstanceType={"Value": "m6i.xlarge"})
    ec2.stop_instances(InstanceIds=[instance_id])
    wait_for_state(ec2, instance_id, "stopped")
    ec2.modify_instance_attribute(InstanceId=instance_id, InstanceType={"Value": "m6i.xlarge"})
    assert describe(ec2, instance_id)["InstanceType"] == "m6i.xlarge"


def launch(ec2: Any, token: str, count: int = 2) -> list[str]:
    answer = ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=count, ClientToken=token
    )
    return [instance["InstanceId"] for instance in answer["Instances"]]


def test_the_same_client_token_launches_once(ec2: Any, endpoint: str) -> None:
    first = launch(ec2, "token-once")
    assert launch(ec2, "token-once") == first
    assert len(first) == 2
    calls = client.calls(endpoint, operation="RunInstances", client_token="token-once")
    assert [call["effective"] for call in calls] == [first, []]
    found = ec2.describe_instances(Filters=[{"Name": "client-token", "Values": ["token-once"]}])
    assert len(found["Reservations"][0]["Instances"]) == 2


def test_a_client_token_with_other_parameters_is_refused(ec2: Any) -> None:
    launch(ec2, "token-changed")
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        launch(ec2, "token-changed", count=1)


def test_client_tokens_belong_to_an_account_and_region(ec2: Any, endpoint: str) -> None:
    elsewhere = make_client(endpoint, "ec2", assume(endpoint, PRODUCTION), region_name="us-east-1")
    assert set(launch(ec2, "token-local")).isdisjoint(launch(elsewhere, "token-local"))


def test_dry_run_does_not_use_up_the_token(ec2: Any) -> None:
    with pytest.raises(ClientError, match="DryRunOperation"):
        ec2.run_instances(
            ImageId="ami-1", MinCount=1, MaxCount=1, ClientToken="token-dry", DryRun=True
        )
    assert len(launch(ec2, "token-dry")) == 2
