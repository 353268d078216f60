"""The runbooks for RDS, SNS and the IAM role of an instance."""

from __future__ import annotations

import uuid

import pytest

from tests.library.running import Library
from tests.stack.session import TOPIC

pytestmark = pytest.mark.stack


@pytest.fixture
def database(library: Library) -> str:
    """A DB instance that is available."""
    name = f"db-{uuid.uuid4().hex[:8]}"
    rds = library.aws("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="postgres",
        AllocatedStorage=20, MasterUsername="owner", MasterUserPassword=uuid.uuid4().hex,
    )  # fmt: skip
    library.wait_for(lambda: database_status(library, name) == "available", f"{name} is made")
    return name


def database_status(library: Library, name: str) -> str:
    found = library.aws("rds").describe_db_instances(DBInstanceIdentifier=name)
    return str(found["DBInstances"][0]["DBInstanceStatus"])


def test_database_is_stopped_and_started(library: Library, database: str) -> None:
    run = library.run("AWS-StopRdsInstance", InstanceId=database)
    assert run.status == "Success", run
    jumped = {"AssertNotStopped": "Failed", "StopInstance": "Success", "CheckStop": "Success"}
    assert run.steps == jumped
    assert database_status(library, database) == "stopped"
    run = library.run("AWS-StopRdsInstance", InstanceId=database)
    assert run.steps == {"AssertNotStopped": "Success", "CheckStop": "Success"}
    assert run.status == "Success"
    run = library.run("AWS-StartRdsInstance", InstanceId=database)
    assert list(run.steps) == ["AssertNotStartingOrAvailable", "StartInstance", "CheckStart"]
    assert run.status == "Success"
    assert database_status(library, database) == "available"


@pytest.mark.parametrize("verb", ["Stop", "Start"])
def test_database_that_is_not_there(library: Library, verb: str) -> None:
    run = library.run(f"AWS-{verb}RdsInstance", InstanceId="nothing")
    assert (run.status, list(run.steps.values())) == ("Failed", ["Failed", "Failed"])
    assert f"Step {verb}Instance failed" in run.why


def test_message_is_published(library: Library) -> None:
    message = f"released {uuid.uuid4()}"
    run = library.run("AWS-PublishSNSNotification", TopicArn=TOPIC, Message=message)
    assert (run.status, list(run.steps.values())) == ("Success", ["Success"])
    assert message in library.messages()
    run = library.run("AWS-PublishSNSNotification", TopicArn=f"{TOPIC}-not", Message="hello")
    assert run.status == "Failed"


def test_role_is_given_to_an_instance(library: Library) -> None:
    instance, role = library.launch(), library.make_role("ec2")
    run = library.run("AWS-AttachIAMToInstance", InstanceId=instance, RoleName=role)
    assert run.status == "Success", run
    assert list(run.steps)[-4:] == [
        "CreateInstanceProfileForRole", "AddRoleToInstanceProfile", "GetInstanceProfile",
        "AttachIAMProfileToInstanceWithRetry",
    ]  # fmt: skip
    arn = profile(library, instance)
    assert run.outputs["GetInstanceProfile.InstanceProfileArn"] == [arn]
    assert run.outputs["GetInstanceProfile.InstanceProfileName"] == [role]
    assert arn.endswith(f":instance-profile/{role}")


def test_role_is_replaced_if_it_may_be(library: Library) -> None:
    instance, old, new = library.launch(), library.make_role("ec2"), library.make_role("ec2")
    for role in (old, new):
        profile_of(library, role)
    assert attach(library, instance, old) == "Success"
    assert attach(library, instance, new, ForceReplace="false") == "Failed"
    assert profile(library, instance).endswith(f"/{old}-profile")
    run = library.run("AWS-AttachIAMToInstance", InstanceId=instance, RoleName=new)
    assert run.status == "Success", run
    assert "DisassociateIamInstanceProfile" in run.steps
    assert list(run.steps)[-1] == "AttachIAMProfileToInstance"
    assert profile(library, instance).endswith(f"/{new}-profile")
    assert run.outputs["ListInstanceProfilesForRole.InstanceProfileName"] == [f"{new}-profile"]


def attach(library: Library, instance: str, role: str, **more: str) -> str:
    run = library.run("AWS-AttachIAMToInstance", InstanceId=instance, RoleName=role, **more)
    return run.status


def profile(library: Library, instance: str) -> str:
    """The ARN of the profile that an instance has."""
    return str(library.instance(instance)["IamInstanceProfile"]["Arn"])


def profile_of(library: Library, role: str) -> None:
    """Make one with the role in it."""
    iam = library.aws("iam")
    iam.create_instance_profile(InstanceProfileName=f"{role}-profile")
    iam.add_role_to_instance_profile(InstanceProfileName=f"{role}-profile", RoleName=role)
