"""The network that the stack uses and did not create: a VPC handed in, its subnets, and the route tables that apply.

Which ones they are is told by the database's subnet group and the endpoints as they run, not by the template. They are
read as the resources they would be in a stack, under their own IDs, so that the controls ask of them what they ask of a
network that the stack creates.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_pipeline.aws.live import routing
from hipaa_pipeline.aws.live.database import subnet_groups
from hipaa_pipeline.aws.live.network import described
from hipaa_pipeline.aws.live.reader import Physical, Reader
from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.preflight.vpc import route_table
from hipaa_pipeline.stack import Resource, unknown

_VPC, _SUBNET = "AWS::EC2::VPC", "AWS::EC2::Subnet"
_ENDPOINT = "AWS::EC2::VPCEndpoint"


@dataclasses.dataclass(frozen=True)
class Network:
    """The VPCs and subnets in use that are none of the stack's, to be read by `reader`; and the VPC of each subnet."""

    reader: Reader
    vpc_of: Mapping[str, str]


def network(reader: Reader) -> Network:
    """What the stack uses and did not create; nothing where it uses its own. Raises AwsError."""
    vpc_of = dict(_places(reader))
    own = set(reader.ids(_VPC, _SUBNET))
    used = [(_VPC, set(vpc_of.values())), (_SUBNET, set(vpc_of))]
    foreign = [Physical(each, type_, each) for type_, ids in used for each in sorted(ids - own)]
    return Network(Reader(reader.session, reader.description, {one.id: one for one in foreign}), vpc_of)


def _places(reader: Reader) -> Iterator[tuple[str, str]]:
    """Each subnet that the database or an endpoint lies in, with its VPC."""
    for name in reader.ids("AWS::RDS::DBSubnetGroup"):
        for group in subnet_groups(reader, name):
            yield from ((subnet["SubnetIdentifier"], group["VpcId"]) for subnet in group["Subnets"])
    if reader.ids(_ENDPOINT):
        for endpoint in described(reader, _ENDPOINT, "describe_vpc_endpoints", "VpcEndpoints", "vpc-endpoint-id"):
            yield from ((subnet, endpoint["VpcId"]) for subnet in endpoint.get("SubnetIds", ()))


def unread(reader: Reader, reason: str) -> list[Resource]:
    """Place holders for the network of a stack that has none of its own, when it could not be told which it uses."""
    missing = [] if reader.ids(_VPC) else [_VPC, _SUBNET]
    return [Resource(f"{type_.rpartition(':')[2]}/unread", type_, unknown(reason)) for type_ in missing]


def routes(found: Network) -> list[Resource]:
    """The route table that applies to each subnet (its own, else the main one of its VPC) with the table's routes."""
    subnets = found.reader.ids(_SUBNET)
    if not subnets:
        return []
    vpcs = sorted({found.vpc_of[subnet] for subnet in subnets})
    filters = [{"Name": "vpc-id", "Values": vpcs}]
    try:
        tables = found.reader.pages("ec2", "describe_route_tables", "RouteTables", Filters=filters)
    except AwsError as error:
        return [routing.unread_routes(vpcs[0], error.reason)]
    applied = {each: route_table({"SubnetId": each, "VpcId": found.vpc_of[each]}, tables) for each in subnets}
    distinct = {table["RouteTableId"]: table for table in applied.values() if table}
    return [
        *(_association(subnet, table) for subnet, table in applied.items()),
        *(Resource(name, "AWS::EC2::RouteTable", {"VpcId": table["VpcId"]}) for name, table in distinct.items()),
        *(route for name, table in distinct.items() for route in routing.routes_of(table, name)),
    ]


def _association(subnet: str, table: Mapping[str, Any] | None) -> Resource:
    if table is None:  # who shares a VPC of another account may not see its main table
        return routing.unread_routes(subnet, f"EC2 shows no route table of {subnet}")
    properties = {"SubnetId": {"Ref": subnet}, "RouteTableId": {"Ref": table["RouteTableId"]}}
    return Resource(f"{subnet}/{table['RouteTableId']}", "AWS::EC2::SubnetRouteTableAssociation", properties)
