"""Reads that lag: they show the account as it was before the last changes."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from console.simulator import client
from console.simulator.answers import Answer
from console.simulator.calls import Call, CallLog
from console.simulator.lag import MOST_COPIES, Past
from tests.simulator import stacks
from tests.simulator.aws import (
    PRODUCTION,
    STAGING,
    assume,
    describe,
    make_client,
    wait_for_state,
)
from tests.simulator.shells import wait_until

LAG = {"kind": "lag", "service": "ec2", "operation": "DescribeInstances", "seconds": 60}


def order(endpoint: str, **more: Any) -> None:
    client.faults(endpoint, {**LAG, **more})


def state(ec2: Any, instance_id: str) -> str:
    return str(describe(ec2, instance_id)["State"]["Name"])


def images(ec2: Any, name: str) -> list[str]:
    found = ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": [name]}])
    return [image["ImageId"] for image in found["Images"]]


def test_a_stop_is_not_seen_yet(endpoint: str, ec2: Any, instance_id: str) -> None:
    order(endpoint, times=2)
    ec2.stop_instances(InstanceIds=[instance_id])
    assert [state(ec2, instance_id) for _ in range(2)] == ["running", "running"]
    assert state(ec2, instance_id) in ("stopping", "stopped")
    reads = client.calls(endpoint, operation="DescribeInstances")
    assert [call["fault"] for call in reads[-3:]] == ["lag", "lag", None]
    assert [call["status"] for call in reads[-3:]] == [200, 200, 200]


def test_a_lag_changes_nothing(endpoint: str, ec2: Any, instance_id: str) -> None:
    order(endpoint)
    ec2.stop_instances(InstanceIds=[instance_id])
    assert state(ec2, instance_id) == "running"
    assert "LaunchTime" in wait_for_state(ec2, instance_id, "stopped")
    (stop,) = client.calls(endpoint, operation="StopInstances")
    assert stop["effective"] == [instance_id]


def test_an_image_is_not_found_yet(endpoint: str, ec2: Any, instance_id: str) -> None:
    order(endpoint, operation="DescribeImages")
    made = ec2.create_image(InstanceId=instance_id, Name="late", NoReboot=True)["ImageId"]
    assert [images(ec2, "late") for _ in range(2)] == [[], [made]]


def test_a_stack_is_not_there_yet(endpoint: str) -> None:
    cloudformation = make_client(endpoint, "cloudformation", assume(endpoint, PRODUCTION))
    order(endpoint, service="cloudformation", operation="DescribeStacks")
    stack = stacks.create(cloudformation, "late", stacks.queue("late"))
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="late")
    assert stacks.wait(cloudformation, stack)["StackStatus"] == "CREATE_COMPLETE"


def test_it_shows_what_is_older_than_its_seconds(endpoint: str, ec2: Any, instance_id: str) -> None:
    order(endpoint, seconds=0.5, times=10_000)
    changed = time.monotonic()
    tag(ec2, instance_id, "old")
    wait_until(lambda: age(ec2, instance_id) == "old", "the tag is shown")
    assert time.monotonic() - changed >= 0.5


def test_it_shows_no_more_than_so_many_changes_late(
    endpoint: str, ec2: Any, instance_id: str
) -> None:
    order(endpoint)
    for number in range(MOST_COPIES + 3):
        tag(ec2, instance_id, str(number))
    assert [age(ec2, instance_id) for _ in range(2)] == ["2", str(MOST_COPIES + 2)]


def test_where_nothing_has_changed_it_shows_what_is(
    endpoint: str, ec2: Any, instance_id: str
) -> None:
    tag(ec2, instance_id, "old")
    order(endpoint)
    assert age(ec2, instance_id) == "old"
    (read,) = client.calls(endpoint, fault="lag")
    assert read["status"] == 200
    assert client.faults(endpoint) == []


def test_a_session_may_be_newer_than_what_it_is_shown(
    endpoint: str, ec2: Any, instance_id: str
) -> None:
    order(endpoint, times=2)
    tag(ec2, instance_id, "new")
    late = make_client(endpoint, "ec2", assume(endpoint, PRODUCTION))
    assert age(late, instance_id) == ""
    elsewhere = make_client(endpoint, "ec2", assume(endpoint, STAGING))
    with pytest.raises(ClientError, match="InvalidInstanceID"):
        describe(elsewhere, instance_id)


def test_a_lag_of_everything_strikes_reads_alone(endpoint: str, ec2: Any, instance_id: str) -> None:
    client.faults(endpoint, {"kind": "lag", "seconds": 60})
    tag(ec2, instance_id, "new")
    assume(endpoint, PRODUCTION)
    assert len(client.faults(endpoint)) == 1
    assert [age(ec2, instance_id) for _ in range(2)] == ["", "new"]


def test_a_connection_is_dropped_although_there_are_copies(
    endpoint: str, ec2: Any, instance_id: str
) -> None:
    drop = {"kind": "reset_after", "operation": "CreateTags"}
    client.faults(endpoint, LAG, drop)
    with pytest.raises(ConnectionClosedError):
        tag(ec2, instance_id, "new")
    assert [age(ec2, instance_id) for _ in range(2)] == ["", "new"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"operation": "StopInstances"}, "StopInstances is no read, and only a read can lag"),
        ({"operation": "AssumeRole"}, "AssumeRole is no read"),
        ({"operation": "GetActivityTask"}, "GetActivityTask is no read"),
        ({"seconds": -1}, "seconds must be between 0 and 3600"),
    ],
)
def test_a_wrong_order_is_refused(endpoint: str, wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        order(endpoint, **wrong)
    with pytest.raises(ValueError, match="a lag needs seconds"):
        client.faults(endpoint, {"kind": "lag"})
    assert client.faults(endpoint) == []


def test_forgotten_copies_end() -> None:
    past = Past(lambda environ, call: Answer(200, (), call.operation.encode()))
    past.keep()
    copy = past.find(60)
    assert copy is not None
    assert copy.ask({}, b"", make_call("DescribeImages")).body == b"DescribeImages"
    past.forget()
    assert past.find(60) is None
    with pytest.raises(ProcessLookupError):
        os.kill(copy.pid, 0)


def make_call(operation: str) -> Call:
    texts = ("at", "service", "account", "region", "principal", "access_key")
    facts: dict[str, Any] = dict.fromkeys((*texts, "body_sha256", "user_agent"), "")
    return CallLog().open(operation=operation, parameters={}, client_token=None, **facts)


def tag(ec2: Any, instance_id: str, value: str) -> None:
    ec2.create_tags(Resources=[instance_id], Tags=[{"Key": "Age", "Value": value}])


def age(ec2: Any, instance_id: str) -> str:
    """The value of that tag; empty if there is none."""
    tags = {each["Key"]: each["Value"] for each in describe(ec2, instance_id).get("Tags", [])}
    return str(tags.get("Age", ""))
