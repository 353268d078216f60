"""A script with boto3 against the simulated account, with the step's own role."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from pytest_django import Settings

from console.simulator import client
from executions import aws, scripts

SOURCE = """
import boto3
from botocore.exceptions import ClientError

def main(events, context):
    ec2, sts = boto3.client("ec2"), boto3.client("sts")
    names = [tag["Value"] for page in ec2.get_paginator("describe_instances").paginate()
             for reservation in page["Reservations"] for instance in reservation["Instances"]
             for tag in instance.get("Tags", []) if tag["Key"] == "Name"]
    arn = sts.get_caller_identity()["Arn"]
    return {"arn": arn, "count": len(names), "region": ec2.meta.region_name}
"""
IDENTITY = aws.Identity(
    "111122223333",
    "arn:aws:iam::111122223333:role/CountersignExecution",
    "Automation-00000000-0000-0000-0000-000000000001",
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with client.started("--time-scale", "0.02") as started:
        yield started


@pytest.fixture
def _worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials of a worker in ./run."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")
    # One that has not looked for credentials yet, and that nobody uses afterwards.
    monkeypatch.setattr("executions.aws.client.core", botocore.session.Session())


@pytest.mark.usefixtures("_worker")
def test_boto3_works_unmodified(endpoint: str, settings: Settings, tmp_path: Path) -> None:
    settings.AWS_ENDPOINT_URL = endpoint
    settings.SCRIPT_SPOOL = tmp_path / "spool"
    scripts.place()
    request = {
        "Token": "token",
        "Step": "look",
        "Language": "python",
        "Runtime": "python3.11",
        "Script": SOURCE,
        "Handler": "main",
        "InputPayload": {},
    }
    terms = scripts.Terms(None, threading.Event())
    answer = scripts.run(IDENTITY, "eu-west-1", request, terms)
    assert (answer["Status"], answer["Message"]) == ("Success", "")
    payload = answer["Payload"]
    session = (
        "assumed-role/CountersignExecution/Automation-00000000-0000-0000-0000-000000000001-look"
    )
    assert payload["arn"] == f"arn:aws:sts::111122223333:{session}"
    assert payload["region"] == "eu-west-1"
    assert payload["count"] > 0
