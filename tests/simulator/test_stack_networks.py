"""Stacks with a network of their own, which goes with them, and parameters left as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulator.aws import PRODUCTION, assume, make_client
from tests.simulator.stacks import create, wait


def refer(name: str) -> dict[str, str]:
    return {"Ref": name}


NETWORK = {
    "Parameters": {"Zone": {"Type": "String", "Default": "eu-west-1a"}},
    "Resources": {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/24"}},
        "Gateway": {"Type": "AWS::EC2::InternetGateway", "Properties": {}},
        "Attachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": refer("Vpc"), "InternetGatewayId": refer("Gateway")},
        },
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": refer("Vpc"),
                "CidrBlock": "10.7.0.0/28",
                "AvailabilityZone": refer("Zone"),
            },
        },
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": refer("Vpc")}},
        "Route": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "Attachment",
            "Properties": {
                "RouteTableId": refer("Table"),
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": refer("Gateway"),
            },
        },
        "Association": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": refer("Subnet"), "RouteTableId": refer("Table")},
        },
    },
}


@pytest.fixture
def aws(endpoint: str) -> Any:
    return make_client(endpoint, "cloudformation", assume(endpoint, PRODUCTION))


def count_parts(endpoint: str) -> tuple[int, ...]:
    """How many networks, gateways, subnets and route tables the account has."""
    ec2 = make_client(endpoint, "ec2", assume(endpoint, PRODUCTION))
    return (
        len(ec2.describe_vpcs()["Vpcs"]),
        len(ec2.describe_internet_gateways()["InternetGateways"]),
        len(ec2.describe_subnets()["Subnets"]),
        len(ec2.describe_route_tables()["RouteTables"]),
    )


def test_network_goes_with_its_stack(aws: Any, endpoint: str) -> None:
    before = count_parts(endpoint)
    stack = create(aws, "network", NETWORK)
    assert wait(aws, stack)["StackStatus"] == "CREATE_COMPLETE"
    assert all(new > old for new, old in zip(count_parts(endpoint), before, strict=True))
    aws.delete_stack(StackName=stack)
    assert wait(aws, stack)["StackStatus"] == "DELETE_COMPLETE"
    assert count_parts(endpoint) == before


def test_default_counts_as_the_previous_value(aws: Any) -> None:
    wait(aws, create(aws, "unchanged", NETWORK))
    kept = [{"ParameterKey": "Zone", "UsePreviousValue": True}]
    with pytest.raises(ClientError, match="No updates are to be performed"):
        aws.update_stack(StackName="unchanged", UsePreviousTemplate=True, Parameters=kept)
    larger = json.loads(json.dumps(NETWORK))
    larger["Resources"]["Topic"] = {"Type": "AWS::SNS::Topic"}
    aws.update_stack(StackName="unchanged", TemplateBody=json.dumps(larger), Parameters=kept)
    assert wait(aws, "unchanged")["StackStatus"] == "UPDATE_COMPLETE"
