"""The call log as the judge reads it."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from console.simulator import client
from tests.simulator.aws import PRODUCTION, assume, find_instance, make_client


def test_a_call_is_written_down_whole(endpoint: str) -> None:
    session = assume(endpoint, PRODUCTION)
    ec2 = make_client(endpoint, "ec2", session)
    bodies: list[str] = []
    ec2.meta.events.register("before-send.ec2", lambda request, **_: bodies.append(request.body))
    found = find_instance(ec2, "batch-1")["InstanceId"]
    ec2.stop_instances(InstanceIds=[found], Force=True)
    call = client.calls(endpoint, service="ec2", operation="StopInstances")[-1]
    assert call["parameters"] == {"InstanceIds": [found], "Force": True}
    assert call["account"] == PRODUCTION
    assert call["region"] == "eu-west-1"
    assert call["principal"] == (
        f"arn:aws:sts::{PRODUCTION}:assumed-role/CountersignExecution/test"
    )
    assert call["access_key"] == session["aws_access_key_id"]
    assert call["body_sha256"] == hashlib.sha256(bodies[-1].encode()).hexdigest()
    assert call["user_agent"].startswith("Boto3/")
    assert (call["status"], call["error_code"], call["fault"]) == (200, None, None)


def test_an_error_is_written_down_with_its_code(endpoint: str) -> None:
    ssm = make_client(endpoint, "ssm")
    with pytest.raises(ClientError):
        ssm.get_parameter(Name="/nobody/put/this")
    call = client.calls(endpoint, service="ssm")[-1]
    assert (call["status"], call["error_code"]) == (400, "ParameterNotFound")
    assert call["parameters"] == {"Name": "/nobody/put/this"}


def test_after_keeps_only_later_calls(endpoint: str) -> None:
    sts = make_client(endpoint, "sts")
    sts.get_caller_identity()
    seen = client.calls(endpoint)[-1]["sequence"]
    sts.get_caller_identity()
    later = client.calls(endpoint, after=seen)
    assert [call["sequence"] for call in later] == [seen + 1]


def test_clearing_keeps_the_sequence_going(endpoint: str) -> None:
    sts = make_client(endpoint, "sts")
    sts.get_caller_identity()
    seen = client.calls(endpoint)[-1]["sequence"]
    client.clear_calls(endpoint)
    assert client.calls(endpoint) == []
    sts.get_caller_identity()
    assert client.calls(endpoint)[0]["sequence"] == seen + 1


def test_concurrent_calls_each_get_their_own_line(endpoint: str, ec2: Any) -> None:
    client.clear_calls(endpoint)

    def ask(_: int) -> int:
        answer = ec2.describe_instances(MaxResults=5)
        status: int = answer["ResponseMetadata"]["HTTPStatusCode"]
        return status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(ask, range(40)))
    calls = client.calls(endpoint, operation="DescribeInstances")
    assert statuses == [200] * 40
    assert len({call["sequence"] for call in calls}) == 40
    assert all(call["status"] == 200 for call in calls)


def test_concurrent_stops_take_effect_once(endpoint: str, ec2: Any, instance_id: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ec2.stop_instances(InstanceIds=[instance_id]), range(16)))
    calls = client.calls(endpoint, operation="StopInstances")
    assert sum(len(call["effective"]) for call in calls) == 1
    assert len(calls) == 16


def test_rest_calls_are_named_too(endpoint: str) -> None:
    make_client(endpoint, "lambda").list_functions()
    make_client(endpoint, "s3").list_buckets()
    named = [(call["service"], call["operation"]) for call in client.calls(endpoint)]
    assert named == [("lambda", "ListFunctions"), ("s3", "ListBuckets")]


def test_long_parameters_are_cut(endpoint: str) -> None:
    ssm = make_client(endpoint, "ssm")
    ssm.put_parameter(Name="/long", Value="x" * 3000, Type="String", Overwrite=True)
    kept = client.calls(endpoint, operation="PutParameter")[-1]["parameters"]["Value"]
    assert kept == "x" * 1000 + "…"


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"operaton": "StopInstances"}, "There is no filter 'operaton'"),
        ({"after": "yesterday"}, "after must be a sequence number, not 'yesterday'"),
    ],
)
def test_a_wrong_filter_is_answered_with_a_sentence(
    endpoint: str, filters: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        client.calls(endpoint, **filters)


def test_what_was_taken_has_changed_something(endpoint: str, ec2: Any, instance_id: str) -> None:
    tags = {"Resources": [instance_id], "Tags": [{"Key": "a", "Value": "b"}]}
    ec2.create_tags(**tags)
    ec2.describe_tags()
    ec2.stop_instances(InstanceIds=[instance_id])
    ec2.stop_instances(InstanceIds=[instance_id])
    with pytest.raises(ClientError):
        ec2.delete_snapshot(SnapshotId="snap-0123456789abcdef0")
    calls = client.calls(endpoint, service="ec2")
    changed = [(call["operation"], call["changed"]) for call in calls[-5:]]
    assert changed == [
        ("CreateTags", True),
        ("DescribeTags", False),
        ("StopInstances", True),
        ("StopInstances", False),
        ("DeleteSnapshot", False),
    ]


def test_a_repeated_token_changes_nothing(endpoint: str, ec2: Any) -> None:
    request = {"AvailabilityZone": "eu-west-1a", "Size": 1, "ClientToken": "changes-once"}
    ec2.create_volume(**request)
    ec2.create_volume(**request)
    calls = client.calls(endpoint, operation="CreateVolume")
    assert [call["changed"] for call in calls] == [True, False]


@pytest.mark.parametrize("kind", ["reset_after", "error_after", "reset_before", "throttle"])
def test_a_lost_answer_hides_no_change(endpoint: str, kind: str) -> None:
    sns = make_client(endpoint, "sns", assume(endpoint, PRODUCTION))
    topic = "arn:aws:sns:eu-west-1:111122223333:Automation-approvals"
    client.faults(endpoint, {"kind": kind, "operation": "Publish"})
    with pytest.raises((ClientError, ConnectionClosedError)):
        sns.publish(TopicArn=topic, Message="hello")
    (call,) = client.calls(endpoint, operation="Publish")
    assert (call["fault"], call["changed"]) == (kind, kind.endswith("after"))


def test_what_a_webhook_is_sent_is_a_call(endpoint: str) -> None:
    headers = {"Host": "hooks.example.com", "Idempotency-Key": "one"}
    order = Request(f"{endpoint}/sim/webhooks/chat", b"hi", headers, method="POST")  # noqa: S310 - ours
    with urlopen(order, timeout=10) as answer:  # noqa: S310 - the same
        assert answer.status == 200
    (call,) = client.calls(endpoint, service="webhook")
    assert (call["operation"], call["parameters"]) == ("Post", {"Name": "chat"})
    assert (call["client_token"], call["status"], call["changed"]) == ("one", 200, True)
    assert call["body_sha256"] == hashlib.sha256(b"hi").hexdigest()


def test_a_browser_posts_to_no_webhook(endpoint: str) -> None:
    headers = {"Origin": "https://example.com"}
    order = Request(f"{endpoint}/sim/webhooks/chat", b"hi", headers, method="POST")  # noqa: S310 - ours
    with pytest.raises(HTTPError, match="405"):
        urlopen(order, timeout=10)  # noqa: S310 - the same
    assert client.calls(endpoint, service="webhook") == []
