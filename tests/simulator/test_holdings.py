"""What else the accounts hold: a database, a group, topics and their messages, templates."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from console.simulator import client
from tests.simulator.aws import DEADLINE, PRODUCTION, STAGING, assume, make_client

DATABASE = "orders-history"
GROUP = "search-us"


@pytest.fixture
def rds(endpoint: str) -> Any:
    return make_client(endpoint, "rds", assume(endpoint, PRODUCTION))


@pytest.fixture
def groups(endpoint: str) -> Any:
    session = assume(endpoint, PRODUCTION)
    return make_client(endpoint, "autoscaling", session, region_name="us-east-1")


def wait(rds: Any, name: str, status: str) -> None:
    """Ask until the database is in `status`."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        if found["DBInstanceStatus"] == status:
            return
    raise AssertionError(f"{name} is {found['DBInstanceStatus']}, never became {status}")


def test_a_database_stops_and_starts(rds: Any) -> None:
    stopping = rds.stop_db_instance(DBInstanceIdentifier=DATABASE)["DBInstance"]
    assert stopping["DBInstanceStatus"] == "stopping"
    wait(rds, DATABASE, "stopped")
    starting = rds.start_db_instance(DBInstanceIdentifier=DATABASE)["DBInstance"]
    assert starting["DBInstanceStatus"] == "starting"
    wait(rds, DATABASE, "available")


def test_a_database_on_the_way_takes_no_order(frozen: str) -> None:
    rds = make_client(frozen, "rds", assume(frozen, PRODUCTION))
    rds.stop_db_instance(DBInstanceIdentifier=DATABASE)
    found = rds.describe_db_instances(DBInstanceIdentifier=DATABASE)["DBInstances"][0]
    assert found["DBInstanceStatus"] == "stopping"
    for order in (rds.stop_db_instance, rds.start_db_instance):
        with pytest.raises(ClientError, match="InvalidDBInstanceState"):
            order(DBInstanceIdentifier=DATABASE)


def test_a_new_database_is_created_first(rds: Any) -> None:
    facts = {"DBInstanceClass": "db.t4g.micro", "Engine": "postgres", "AllocatedStorage": 20}
    made = rds.create_db_instance(
        DBInstanceIdentifier="fresh", MasterUsername="a", MasterUserPassword="b" * 12, **facts
    )
    assert made["DBInstance"]["DBInstanceStatus"] == "creating"
    wait(rds, "fresh", "available")


def test_instances_of_a_group_go_to_standby_and_back(groups: Any) -> None:
    def look() -> tuple[int, list[str]]:
        found = groups.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
        group = found["AutoScalingGroups"][0]
        states = sorted(each["LifecycleState"] for each in group["Instances"])
        return group["DesiredCapacity"], states

    assert look() == (2, ["InService", "InService"])
    found = groups.describe_auto_scaling_instances()["AutoScalingInstances"]
    one = {"InstanceIds": [found[0]["InstanceId"]], "AutoScalingGroupName": GROUP}
    groups.enter_standby(**one, ShouldDecrementDesiredCapacity=True)
    assert look() == (1, ["InService", "Standby"])
    groups.exit_standby(**one)
    assert look() == (2, ["InService", "InService"])


def test_what_is_published_can_be_read(endpoint: str) -> None:
    sns = make_client(endpoint, "sns", assume(endpoint, STAGING))
    arn = f"arn:aws:sns:eu-west-1:{STAGING}:Automation-approvals"
    sns.publish(TopicArn=arn, Subject="Ready", Message="m" * 5000)
    found = client.messages(endpoint)[-1]
    assert (found["topic"], found["subject"], found["message"]) == (arn, "Ready", "m" * 5000)


def test_there_are_templates_to_make_stacks_from(endpoint: str) -> None:
    s3 = make_client(endpoint, "s3", assume(endpoint, PRODUCTION))
    found = s3.list_objects_v2(Bucket="example-production-templates")["Contents"]
    assert [each["Key"] for each in found] == ["work-queue-patient.json", "work-queue.json"]


def test_without_a_fleet_there_is_nothing() -> None:
    with client.started("--no-fleet") as endpoint:
        session = assume(endpoint, PRODUCTION)
        rds = make_client(endpoint, "rds", session)
        assert rds.describe_db_instances()["DBInstances"] == []
        stacks = make_client(endpoint, "cloudformation", session).describe_stacks()["Stacks"]
        assert stacks == []
