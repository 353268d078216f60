"""Parts of networks that moto makes for stacks and does not take away again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from moto.ec2.models import EC2Backend

Remove = Callable[[EC2Backend, str, Mapping[str, Any]], object]


def _detach_gateway(backend: EC2Backend, _: str, facts: Mapping[str, Any]) -> None:
    if gateway := facts.get("InternetGatewayId"):
        backend.detach_internet_gateway(gateway, facts["VpcId"])


def _disassociate(backend: EC2Backend, _: str, facts: Mapping[str, Any]) -> None:
    for association in backend.get_route_table(facts["RouteTableId"]).associations:
        if association.get("SubnetId") == facts["SubnetId"]:
            backend.disassociate_route_table(association["RouteTableAssociationId"])


# Type -> how it goes, given its backend, physical id and properties.
REMOVE: Final[dict[str, Remove]] = {
    "AWS::EC2::InternetGateway": lambda backend, name, _: backend.delete_internet_gateway(name),
    "AWS::EC2::Route": lambda backend, _, facts: backend.delete_route(
        facts["RouteTableId"], facts["DestinationCidrBlock"]
    ),
    "AWS::EC2::RouteTable": lambda backend, name, _: backend.delete_route_table(name),
    "AWS::EC2::SubnetRouteTableAssociation": _disassociate,
    "AWS::EC2::VPCGatewayAttachment": _detach_gateway,
}
