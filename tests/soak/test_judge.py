"""The judge sees what the account has seen: a second effect, and calls that no run announced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import HTTPClientError

from console.simulator import client
from executions import calls
from tests.simulator.aws import PRODUCTION, make_client
from tests.soak import promises
from tests.soak.judge import Judge
from tests.soak.promises import Arrival, Deed
from tests.stack.session import TOPIC

RUN = "0f8fad5b-d9cb-469f-a165-70867728950e"
REQUEST = {"TopicArn": TOPIC, "Message": f"{RUN} news"}
ANNOUNCED = {(RUN, calls.fingerprint(REQUEST))}


@pytest.fixture
def judge() -> Iterator[Judge]:
    """Of an account of its own."""
    with client.started("--no-fleet", "--time-scale", "0.02") as endpoint:
        yield Judge(endpoint, seed=1)


def service(judge: Judge, name: str) -> Any:
    """As the engine calls it for the run."""
    answer = make_client(judge.endpoint, "sts").assume_role(
        RoleArn=f"arn:aws:iam::{PRODUCTION}:role/CountersignExecution",
        RoleSessionName=f"Automation-{RUN}",
    )
    keys = answer["Credentials"]
    session = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    return make_client(judge.endpoint, name, session)


def test_a_call_that_was_sent_again_after_its_effect(judge: Judge) -> None:
    sns = service(judge, "sns")
    client.faults(judge.endpoint, {"kind": "reset_after", "operation": "Publish"})
    with pytest.raises(HTTPClientError):
        sns.publish(**REQUEST)
    deed = Deed(RUN, "news", f"{RUN} news", "Success")
    judge.read()
    assert list(promises.doubled([deed], judge.effects())) == []
    sns.publish(**REQUEST)
    judge.end()
    assert judge.struck == {"reset_after": 1}
    problems = list(promises.doubled([deed], judge.effects()))
    assert problems == [f"{deed} took effect 2 times in 1 attempts"]


def test_a_call_is_compared_with_its_announcement(judge: Judge) -> None:
    service(judge, "sns").publish(**REQUEST)
    service(judge, "ec2").describe_instances()  # only reads
    judge.read()
    (arrival,) = judge.arrivals()
    assert arrival == Arrival(RUN, "sns:Publish", calls.fingerprint(REQUEST))
    assert list(promises.unannounced([arrival], ANNOUNCED)) == []
    service(judge, "sns").publish(**{**REQUEST, "Message": "something else"})
    judge.read()
    assert len(list(promises.unannounced(judge.arrivals(), ANNOUNCED))) == 1


def test_volumes_and_instances_are_effects(judge: Judge) -> None:
    ec2 = service(judge, "ec2")
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "run", "Value": RUN}]}]
    volume = {"AvailabilityZone": "eu-west-1a", "Size": 1, "TagSpecifications": tags}
    ec2.create_volume(ClientToken="one", **volume)
    ec2.create_volume(ClientToken="one", **volume)
    instance = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
    ec2.get_waiter("instance_running").wait(
        InstanceIds=[instance["InstanceId"]], WaiterConfig={"Delay": 0.1}
    )
    for _ in range(2):
        ec2.stop_instances(InstanceIds=[instance["InstanceId"]])
    judge.read()
    once = {
        f"{RUN} {operation}": 1 for operation in ("CreateVolume", "RunInstances", "StopInstances")
    }
    assert judge.effects() == once
