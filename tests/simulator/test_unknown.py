"""What the simulated account does not have is an AWS error botocore can read."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from console.simulator import client
from tests.simulator.aws import make_client


@pytest.mark.parametrize(
    ("service", "method", "arguments", "code"),
    [
        ("ssm", "get_inventory", {}, "UnknownOperationException"),  # JSON
        ("ec2", "describe_capacity_blocks", {}, "InvalidAction"),  # EC2 query
        ("elbv2", "describe_trust_stores", {}, "InvalidAction"),  # query
        (
            "resource-groups",
            "list_group_resources",
            {"Group": "g"},
            "UnknownOperationException",
        ),  # REST-JSON, no route
        ("route53", "list_cidr_collections", {}, "InvalidAction"),  # REST-XML
        ("gamelift", "list_fleets", {}, "UnknownOperationException"),  # no such service
    ],
)
def test_an_operation_moto_lacks(
    endpoint: str, service: str, method: str, arguments: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(make_client(endpoint, service), method)(**arguments)
    error = refusal.value.response["Error"]
    assert error["Code"] == code
    assert error["Message"].startswith(f"The simulated account does not have {service}:")
    call = client.calls(endpoint)[-1]
    assert (call["service"], call["error_code"]) == (service, code)


def test_a_filter_moto_lacks_is_named(endpoint: str) -> None:
    ec2 = make_client(endpoint, "ec2")
    ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)
    filters = [{"Name": "hibernation-options.configured", "Values": ["true"]}]
    with pytest.raises(ClientError, match=r"'hibernation-options\.configured'") as refusal:
        ec2.describe_instances(Filters=filters)
    assert refusal.value.response["Error"]["Code"] == "InvalidAction"


def test_a_defect_of_moto_is_an_internal_failure(endpoint: str) -> None:
    cloudformation = make_client(endpoint, "cloudformation")
    with pytest.raises(ClientError, match="InternalFailure") as refusal:
        cloudformation.delete_change_set(ChangeSetName="nobodys", StackName="nobodys")
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


@pytest.mark.parametrize(
    ("service", "method", "arguments", "code"),
    [
        ("lambda", "get_function", {"FunctionName": "nobody"}, "ResourceNotFoundException"),
        ("s3", "get_object", {"Bucket": "nobody", "Key": "a/b"}, "NoSuchBucket"),
        ("s3", "head_bucket", {"Bucket": "nobody"}, "404"),
        ("iam", "get_role", {"RoleName": "Nobody"}, "NoSuchEntity"),
        ("route53", "get_hosted_zone", {"Id": "Z0000000NOBODY"}, "NoSuchHostedZone"),
        ("sns", "get_topic_attributes", {"TopicArn": "arn:aws:sns:eu-west-1:1:n"}, "NotFound"),
    ],
)
def test_a_missing_thing_is_still_simply_missing(
    endpoint: str, service: str, method: str, arguments: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(make_client(endpoint, service), method)(**arguments)
    assert refusal.value.response["Error"]["Code"] == code
