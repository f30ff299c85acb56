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
    "RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "GatewayId",
    "NatGatewayId", "EgressOnlyInternetGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "InstanceId",
    "NetworkInterfaceId", "CarrierGatewayId", "LocalGatewayId",
)  # fmt: skip
_OWN_ROUTES = ("local", "vpce-")


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
        yield _unread("AWS::EC2::Route", names[tables[0]], tuple(_ROUTE), error)
        return
    for table in found:
        for route in table.get("Routes", ()):
            if not str(route.get("GatewayId", "")).startswith(_OWN_ROUTES):
                properties = renamed({**route, "RouteTableId": table["RouteTableId"]}, _ROUTE)
                owner = names.get(table["RouteTableId"], table["RouteTableId"])
                yield Resource(f"{owner}/{_destination(properties)}", "AWS::EC2::Route", properties)


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
        yield _unread("AWS::EC2::VPCGatewayAttachment", names[networks[0]], ("VpcId", "InternetGatewayId"), error)
        return
    for gateway in gateways:
        for attachment in gateway.get("Attachments", ()):
            if attachment.get("VpcId") in networks:
                properties = {"VpcId": attachment["VpcId"], "InternetGatewayId": gateway["InternetGatewayId"]}
                name = f"{names[attachment['VpcId']]}/{gateway['InternetGatewayId']}"
                yield Resource(name, "AWS::EC2::VPCGatewayAttachment", properties)


def _unread(type_: str, owner: str, names: tuple[str, ...], error: AwsError) -> Resource:
    """A place holder that makes the controls on this type say that they do not know."""
    return Resource(f"{owner}/unread", type_, all_unknown(names, f"{error.action}: {error.code or error.kind}"))
