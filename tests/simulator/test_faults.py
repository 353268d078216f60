"""Each kind of fault, as a real boto3 client meets it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from console.simulator import client
from tests.simulator.aws import (
    DEADLINE,
    PRODUCTION,
    STAGING,
    assume,
    describe,
    make_client,
    wait_for_state,
)

STOP = {"service": "ec2", "operation": "StopInstances"}


def last_stop(endpoint: str) -> dict[str, Any]:
    return client.calls(endpoint, operation="StopInstances")[-1]


def wait_for_effect(endpoint: str) -> dict[str, Any]:
    """The last StopInstances once it has changed something."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if (call := last_stop(endpoint))["effective"]:
            return call
    raise AssertionError("StopInstances never took effect")


def test_throttle_strikes_as_often_as_ordered(endpoint: str, ec2: Any, instance_id: str) -> None:
    client.faults(endpoint, {**STOP, "kind": "throttle", "times": 2})
    for _ in range(2):
        with pytest.raises(ClientError, match="RequestLimitExceeded") as refusal:
            ec2.stop_instances(InstanceIds=[instance_id])
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert last_stop(endpoint)["effective"] == []
    ec2.stop_instances(InstanceIds=[instance_id])
    assert last_stop(endpoint)["effective"] == [instance_id]


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("ssm", "describe_parameters", "ThrottlingException"),
        ("iam", "list_roles", "Throttling"),
        ("s3", "list_buckets", "SlowDown"),
        ("lambda", "list_functions", "ThrottlingException"),
    ],
)
def test_throttle_speaks_the_protocol(endpoint: str, service: str, method: str, code: str) -> None:
    client.faults(endpoint, {"service": service, "kind": "throttle"})
    with pytest.raises(ClientError) as refusal:
        getattr(make_client(endpoint, service), method)()
    assert refusal.value.response["Error"]["Code"] == code


def test_error_says_what_was_ordered(endpoint: str, ec2: Any, instance_id: str) -> None:
    order = {"code": "UnauthorizedOperation", "message": "Not you & not <now>.", "status": 403}
    client.faults(endpoint, {**STOP, "kind": "error", **order})
    with pytest.raises(ClientError) as refusal:
        ec2.stop_instances(InstanceIds=[instance_id])
    error = refusal.value.response["Error"]
    assert (error["Code"], error["Message"]) == (order["code"], order["message"])
    call = last_stop(endpoint)
    assert (call["status"], call["error_code"]) == (403, "UnauthorizedOperation")
    assert (call["fault"], call["effective"]) == ("error", [])


def test_reset_before_has_no_effect(endpoint: str, ec2: Any, instance_id: str) -> None:
    client.faults(endpoint, {**STOP, "kind": "reset_before"})
    with pytest.raises(ConnectionClosedError):
        ec2.stop_instances(InstanceIds=[instance_id])
    assert describe(ec2, instance_id)["State"]["Name"] == "running"
    call = last_stop(endpoint)
    assert (call["fault"], call["status"], call["effective"]) == ("reset_before", None, [])


def test_reset_after_has_its_effect(endpoint: str, ec2: Any, instance_id: str) -> None:
    client.faults(endpoint, {**STOP, "kind": "reset_after"})
    with pytest.raises(ConnectionClosedError):
        ec2.stop_instances(InstanceIds=[instance_id])
    call = last_stop(endpoint)
    assert (call["status"], call["effective"]) == (None, [instance_id])
    wait_for_state(ec2, instance_id, "stopped")


def test_error_after_has_its_effect(endpoint: str, ec2: Any, instance_id: str) -> None:
    client.faults(endpoint, {**STOP, "kind": "error_after"})
    with pytest.raises(ClientError, match="InternalError") as refusal:
        ec2.stop_instances(InstanceIds=[instance_id])
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert last_stop(endpoint)["effective"] == [instance_id]


def impatient(endpoint: str) -> Any:
    return make_client(endpoint, "ec2", assume(endpoint, PRODUCTION), read_timeout=0.3)


def test_delay_holds_the_answer_after_the_effect(endpoint: str, ec2: Any, instance_id: str) -> None:
    client.faults(endpoint, {**STOP, "kind": "delay", "seconds": 0.3})
    before = time.monotonic()
    ec2.stop_instances(InstanceIds=[instance_id])
    assert time.monotonic() - before >= 0.3
    assert last_stop(endpoint)["status"] == 200


def test_a_delayed_answer_comes_too_late_for_the_impatient(endpoint: str, instance_id: str) -> None:
    client.faults(endpoint, {**STOP, "kind": "delay", "seconds": 5})
    with pytest.raises(ReadTimeoutError):
        impatient(endpoint).stop_instances(InstanceIds=[instance_id])
    call = wait_for_effect(endpoint)
    assert (call["status"], call["effective"]) == (None, [instance_id])


def test_delay_before_takes_effect_after_the_client_left(endpoint: str, instance_id: str) -> None:
    client.faults(endpoint, {**STOP, "kind": "delay_before", "seconds": 2})
    with pytest.raises(ReadTimeoutError):
        impatient(endpoint).stop_instances(InstanceIds=[instance_id])
    assert last_stop(endpoint)["effective"] == []
    assert wait_for_effect(endpoint)["effective"] == [instance_id]


def test_hang_never_answers_and_never_acts(endpoint: str, ec2: Any, instance_id: str) -> None:
    client.faults(endpoint, {**STOP, "kind": "hang"})
    with pytest.raises(ReadTimeoutError):
        impatient(endpoint).stop_instances(InstanceIds=[instance_id])
    assert describe(ec2, instance_id)["State"]["Name"] == "running"
    call = last_stop(endpoint)
    assert (call["fault"], call["status"], call["effective"]) == ("hang", None, [])


def test_a_hang_ends_after_its_seconds(endpoint: str, ec2: Any, instance_id: str) -> None:
    client.faults(endpoint, {**STOP, "kind": "hang", "seconds": 0.1})
    with pytest.raises(ConnectionClosedError):
        ec2.stop_instances(InstanceIds=[instance_id])


def test_match_chooses_the_instance(endpoint: str, ec2: Any, instance_id: str) -> None:
    order = {**STOP, "kind": "throttle", "match": {"InstanceIds": "i-somebody-else"}}
    client.faults(endpoint, order)
    ec2.stop_instances(InstanceIds=[instance_id])
    assert len(client.faults(endpoint)) == 1
    client.clear_faults(endpoint)
    client.faults(endpoint, {**order, "match": {"InstanceIds": instance_id}})
    with pytest.raises(ClientError, match="RequestLimitExceeded"):
        ec2.stop_instances(InstanceIds=[instance_id])


def test_match_chooses_the_account(endpoint: str, ec2: Any) -> None:
    client.faults(endpoint, {"service": "ec2", "kind": "throttle", "match": {"account": STAGING}})
    ec2.describe_instances(MaxResults=5)
    staging = make_client(endpoint, "ec2", assume(endpoint, STAGING))
    with pytest.raises(ClientError, match="RequestLimitExceeded"):
        staging.describe_instances(MaxResults=5)


def test_waiting_faults_can_be_seen_and_cleared(endpoint: str) -> None:
    client.faults(endpoint, {**STOP, "kind": "throttle", "times": 3}, {"kind": "hang"})
    assert [(fault["kind"], fault["times"]) for fault in client.faults(endpoint)] == [
        ("throttle", 3),
        ("hang", 1),
    ]
    client.clear_faults(endpoint)
    assert client.faults(endpoint) == []


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ({"kind": "explode"}, "Fault 1: kind must be one of delay, delay_before, error"),
        ({}, "Fault 1: kind must be one of"),
        ({"kind": "hang", "when": "now"}, "Fault 1 has no field 'when'"),
        ({"kind": "throttle", "times": 0}, "times must be 1 or more"),
        ({"kind": "throttle", "times": True}, "times must be int"),
        ({"kind": "delay"}, "a delay needs seconds"),
        ({"kind": "delay", "seconds": 1e9}, "seconds must be between 0 and 3600"),
        ({"kind": "error", "status": 200}, "status must be an HTTP error"),
        ({"kind": "error", "match": []}, "match must be dict"),
    ],
)
def test_a_wrong_order_is_refused_with_a_sentence(
    endpoint: str, order: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        client.faults(endpoint, order)
    assert client.faults(endpoint) == []


def test_one_wrong_order_refuses_them_all(endpoint: str) -> None:
    with pytest.raises(ValueError, match="Fault 2"):
        client.faults(endpoint, {"kind": "hang"}, {"kind": "explode"})
    assert client.faults(endpoint) == []
