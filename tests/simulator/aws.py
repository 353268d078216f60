"""Real boto3 clients for the simulated account, and what tests ask them most."""

from __future__ import annotations

import time
from typing import Any

import boto3
from botocore.config import Config

PRODUCTION = "111122223333"
STAGING = "444455556666"
DEADLINE = 15.0  # seconds any state may take to come; at time scale 0.02 it takes 0.2


def make_client(
    endpoint: str, service: str, session: dict[str, str] | None = None, **options: Any
) -> Any:
    """A boto3 client that never retries; `session` is what assume() returned."""
    credentials = session or {"aws_access_key_id": "sim", "aws_secret_access_key": "sim"}
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=options.pop("read_timeout", 20),
    )
    settings: dict[str, Any] = {"region_name": "eu-west-1", **credentials, **options}
    return boto3.client(service, endpoint_url=endpoint, config=config, **settings)  # type: ignore[call-overload] # the service is only known when it runs


def assume(endpoint: str, account: str, role: str = "CountersignExecution", **extra: Any) -> Any:
    """Credentials of a session named `test` in the role, as boto3.client() takes them."""
    sts = make_client(endpoint, "sts")
    answer = sts.assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName="test", **extra
    )
    keys = answer["Credentials"]
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def find_instance(ec2: Any, name: str) -> dict[str, Any]:
    """The instance with this Name tag."""
    filters = [{"Name": "tag:Name", "Values": [name]}]
    reservations = ec2.describe_instances(Filters=filters)["Reservations"]
    instance: dict[str, Any] = reservations[0]["Instances"][0]
    return instance


def describe(ec2: Any, instance_id: str) -> dict[str, Any]:
    answer = ec2.describe_instances(InstanceIds=[instance_id])
    instance: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
    return instance


def wait_for_state(ec2: Any, instance_id: str, state: str) -> dict[str, Any]:
    """Ask until the instance is in `state`; asking is all the pause there is."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        instance = describe(ec2, instance_id)
        if instance["State"]["Name"] == state:
            return instance
    raise AssertionError(f"{instance_id} is {instance['State']['Name']}, never became {state}")
