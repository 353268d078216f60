"""Who one is, what one may become, and that accounts do not see each other."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from console.simulator import client
from tests.simulator.aws import PRODUCTION, STAGING, assume, find_instance, make_client

HUB = "123456789012"


def test_any_key_is_the_hub(endpoint: str) -> None:
    identity = make_client(endpoint, "sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{HUB}:user/countersign"
    assert client.calls(endpoint)[-1]["principal"] == identity["Arn"]


@pytest.mark.parametrize("account", [PRODUCTION, STAGING])
def test_a_session_acts_in_the_account_of_its_role(endpoint: str, account: str) -> None:
    sts = make_client(endpoint, "sts", assume(endpoint, account))
    identity = sts.get_caller_identity()
    assert identity["Account"] == account
    assert identity["Arn"] == f"arn:aws:sts::{account}:assumed-role/CountersignExecution/test"
    assert client.calls(endpoint)[-1]["principal"] == identity["Arn"]


def test_source_identity_is_echoed(endpoint: str) -> None:
    answer = make_client(endpoint, "sts").assume_role(
        RoleArn=f"arn:aws:iam::{PRODUCTION}:role/CountersignExecution",
        RoleSessionName="run-1",
        SourceIdentity="olivia",
    )
    assert answer["SourceIdentity"] == "olivia"


@pytest.mark.parametrize(
    ("account", "role"),
    [
        (PRODUCTION, "NoSuchRole"),
        (PRODUCTION, "ReleaseManagers"),  # trusts its own account only
        (STAGING, "Operators"),
        ("999999999999", "CountersignExecution"),  # an account that is not there
    ],
)
def test_a_role_that_does_not_admit_the_caller_denies(
    endpoint: str, account: str, role: str
) -> None:
    with pytest.raises(ClientError) as refusal:
        assume(endpoint, account, role)
    assert refusal.value.response["Error"]["Code"] == "AccessDenied"
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert "is not authorized to perform: sts:AssumeRole on resource" in str(refusal.value)


def test_a_trust_policy_changed_takes_effect(endpoint: str) -> None:
    iam = make_client(endpoint, "iam", assume(endpoint, PRODUCTION))
    trust = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
        f'"Principal": {{"AWS": "arn:aws:iam::{HUB}:root"}},'
        '"Condition": {"StringEquals": {"sts:ExternalId": "secret-handshake"}}}]}'
    )
    iam.create_role(RoleName="Guarded", AssumeRolePolicyDocument=trust)
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(endpoint, PRODUCTION, "Guarded")
    assert assume(endpoint, PRODUCTION, "Guarded", ExternalId="secret-handshake")
    with pytest.raises(ClientError, match="sts:SetSourceIdentity"):
        assume(
            endpoint,
            PRODUCTION,
            "Guarded",
            ExternalId="secret-handshake",
            SourceIdentity="olivia",
        )


def test_a_malformed_role_arn_is_a_validation_error(endpoint: str) -> None:
    with pytest.raises(ClientError, match="ValidationError"):
        make_client(endpoint, "sts").assume_role(
            RoleArn="arn:aws:iam::nobody:role/X-and-more", RoleSessionName="test"
        )


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("ec2", "describe_instances", "AuthFailure"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("ssm", "describe_parameters", "UnrecognizedClientException"),
    ],
)
def test_a_session_nobody_issued_is_refused(
    endpoint: str, service: str, method: str, code: str
) -> None:
    stranger = {
        "aws_access_key_id": "ASIASTRANGERSTRANGER",
        "aws_secret_access_key": "sim",
        "aws_session_token": "sim",
    }
    with pytest.raises(ClientError, match=code):
        getattr(make_client(endpoint, service, stranger), method)()


def names(ec2: Any) -> set[str]:
    return {
        tag["Value"]
        for reservation in ec2.describe_instances()["Reservations"]
        for instance in reservation["Instances"]
        for tag in instance.get("Tags", [])
        if tag["Key"] == "Name"
    }


def test_accounts_and_regions_are_apart(endpoint: str) -> None:
    production, staging = assume(endpoint, PRODUCTION), assume(endpoint, STAGING)
    seen = [
        names(make_client(endpoint, "ec2", session, region_name=region))
        for session in (production, staging)
        for region in ("eu-west-1", "us-east-1")
    ]
    assert [len(found) for found in seen] == [11, 5, 5, 3]
    assert len(set.union(*seen)) == 24


def test_another_accounts_instance_is_not_found(endpoint: str, ec2: Any) -> None:
    staging = make_client(endpoint, "ec2", assume(endpoint, STAGING))
    found = find_instance(staging, "web-staging-1")["InstanceId"]
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        ec2.stop_instances(InstanceIds=[found])


def test_people_and_roles_are_there(endpoint: str) -> None:
    iam = make_client(endpoint, "iam", assume(endpoint, PRODUCTION))
    users = {user["UserName"] for user in iam.list_users()["Users"]}
    roles = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    assert users == {"olivia", "alice", "bob", "victor", "ada"}
    assert {"CountersignExecution", "ReleaseManagers"} <= roles
