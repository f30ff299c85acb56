"""What was put beside the stack's network: routes and gateways that no template of ours has.

They are no resources of the stack, so nothing lists them; they are read as the resources CloudFormation would call
them, named after what they hang on, so that the controls that forbid them find them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_pipeline.aws.live.network import route_tables
from hipaa_pipeline.aws.live.reader import Reader, all_unknown, renamed, same
from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.stack import Resource

_ROUTE = same(
    "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "GatewayId",
    "NatGatewayId", "EgressOnlyInternetGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "InstanceId",
    "NetworkInterfaceId", "CarrierGatewayId", "LocalGatewayId",
)  # fmt: skip
_OWN_ROUTES = ("local", "vpce-")
_TYPE = "AWS::EC2::Route"


def read(reader: Reader) -> list[Resource]:
    """Routes beyond the local one and those of gateway endpoints, and internet gateways on the stack's VPC."""
    return [*_routes(reader), *_gateways(reader)]


def _routes(reader: Reader) -> Iterator[Resource]:
    tables = reader.ids("AWS::EC2::RouteTable")
    if not tables:
        return
    names = {physical.id: physical.logical_id for physical in reader.physical.values()}
    try:
        found = route_tables(reader)
    except AwsError as error:
        yield unread_routes(names[tables[0]], error.reason)
        return
    for table in found:
        yield from routes_of(table, names.get(table["RouteTableId"], table["RouteTableId"]))


def routes_of(table: Mapping[str, Any], owner: str) -> Iterator[Resource]:
    """The routes of a table beyond the local one and those of gateway endpoints; `owner` is its logical ID."""
    for route in table.get("Routes", ()):
        if not str(route.get("GatewayId", "")).startswith(_OWN_ROUTES):
            properties = {"RouteTableId": {"Ref": owner}, **renamed(route, _ROUTE)}
            yield Resource(f"{owner}/{_destination(properties)}", _TYPE, properties)


def _destination(properties: Mapping[str, Any]) -> str:
    return next((str(value) for name, value in properties.items() if name.startswith("Destination")), "route")


def _gateways(reader: Reader) -> Iterator[Resource]:
    networks = reader.ids("AWS::EC2::VPC")
    if not networks:
        return
    names = {physical.id: physical.logical_id for physical in reader.physical.values()}
    filters = [{"Name": "attachment.vpc-id", "Values": networks}]
    try:
        gateways = reader.pages("ec2", "describe_internet_gateways", "InternetGateways", Filters=filters)
    except AwsError as error:
        unread = all_unknown(("VpcId", "InternetGatewayId"), error.reason)
        yield Resource(f"{names[networks[0]]}/unread", "AWS::EC2::VPCGatewayAttachment", unread)
        return
    for gateway in gateways:
        for attachment in gateway.get("Attachments", ()):
            if attachment.get("VpcId") in networks:
                properties = {"VpcId": attachment["VpcId"], "InternetGatewayId": gateway["InternetGatewayId"]}
                name = f"{names[attachment['VpcId']]}/{gateway['InternetGatewayId']}"
                yield Resource(name, "AWS::EC2::VPCGatewayAttachment", properties)


def unread_routes(owner: str, reason: str) -> Resource:
    """A place holder for routes that could not be read: the controls on routes say that they do not know."""
    return Resource(f"{owner}/unread", _TYPE, all_unknown(("RouteTableId", *_ROUTE), reason))
