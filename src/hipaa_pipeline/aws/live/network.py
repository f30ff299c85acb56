"""VPC, subnets, route tables, flow logs and endpoints, read back from EC2.

All resources of a type are described by one call with a filter on their IDs, which answers with those that are left
when one of them is gone, where a list of IDs would fail as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.aws.live.reader import (
    Part,
    Physical,
    Reader,
    ResourceReader,
    document,
    only,
    renamed,
    same,
    tags,
    without_empty,
)


def described(reader: Reader, type_: str, operation: str, key: str, filter_name: str) -> list[Any]:
    """The descriptions of all the stack's resources of one EC2 type, by one call."""
    filters = [{"Name": filter_name, "Values": reader.ids(type_)}]
    argument = "Filter" if operation == "describe_flow_logs" else "Filters"
    return reader.pages("ec2", operation, key, **{argument: filters})


def vpc(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    """The description of one VPC. Raises MissingError."""
    return only(described(reader, physical.type, "describe_vpcs", "Vpcs", "vpc-id"), "VpcId", physical.id)


def flow_log(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    """The description of one flow log, delivery status included. Raises MissingError."""
    found = described(reader, physical.type, "describe_flow_logs", "FlowLogs", "flow-log-id")
    return only(found, "FlowLogId", physical.id)


def endpoint(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    """The description of one VPC endpoint. Raises MissingError."""
    found = described(reader, physical.type, "describe_vpc_endpoints", "VpcEndpoints", "vpc-endpoint-id")
    return only(found, "VpcEndpointId", physical.id)


def _vpc(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = vpc(reader, physical)
    return {**renamed(found, same("CidrBlock", "InstanceTenancy")), "Tags": tags(found.get("Tags", ()))}


def _vpc_attribute(ours: str, theirs: str) -> Part:
    def read(reader: Reader, physical: Physical) -> Mapping[str, Any]:
        answer = reader.call("ec2", "describe_vpc_attribute", VpcId=physical.id, Attribute=theirs)
        return {ours: answer[ours]["Value"]}

    return Part((ours,), read)


_SUBNET = same("VpcId", "CidrBlock", "AvailabilityZone", "MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation")


def _subnet(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = only(described(reader, physical.type, "describe_subnets", "Subnets", "subnet-id"), "SubnetId", physical.id)
    return {**renamed(found, _SUBNET), "Tags": tags(found.get("Tags", ()))}


def route_tables(reader: Reader) -> list[Any]:
    """The stack's route tables, routes and associations included."""
    return described(reader, "AWS::EC2::RouteTable", "describe_route_tables", "RouteTables", "route-table-id")


def _route_table(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = only(route_tables(reader), "RouteTableId", physical.id)
    return {"VpcId": found["VpcId"], "Tags": tags(found.get("Tags", ()))}


def _association(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    filters = [{"Name": "association.route-table-association-id", "Values": reader.ids(physical.type)}]
    tables = reader.pages("ec2", "describe_route_tables", "RouteTables", Filters=filters)
    associations = [association for table in tables for association in table.get("Associations", ())]
    return renamed(
        only(associations, "RouteTableAssociationId", physical.id), same("RouteTableId", "SubnetId", "GatewayId")
    )


_FLOW_LOG = {
    **same("ResourceId", "TrafficType", "LogDestinationType", "LogDestination", "LogGroupName", "LogFormat"),
    **same("DeliverLogsPermissionArn", "DeliverCrossAccountRole", "MaxAggregationInterval"),
}
_RESOURCE_TYPES = {"vpc": "VPC", "subnet": "Subnet", "eni": "NetworkInterface", "tgw": "TransitGateway"}


def _flow_log(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = flow_log(reader, physical)
    prefix = str(found.get("ResourceId", "")).split("-", 1)[0]
    return without_empty(
        {
            **renamed(found, _FLOW_LOG),
            "ResourceType": _RESOURCE_TYPES.get(prefix),
            "Tags": tags(found.get("Tags", ())),
        }
    )


_ENDPOINT = same("VpcId", "ServiceName", "VpcEndpointType", "PrivateDnsEnabled", "RouteTableIds", "SubnetIds")


def _endpoint(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = endpoint(reader, physical)
    return without_empty(
        {
            **renamed(found, _ENDPOINT),
            "PolicyDocument": document(found.get("PolicyDocument")),
            "SecurityGroupIds": [group["GroupId"] for group in found.get("Groups", ())],
            "Tags": tags(found.get("Tags", ())),
        }
    )


def _id(name: str) -> Callable[[Reader, Physical], Mapping[str, Any]]:
    return lambda _reader, physical: {name: physical.id}


READERS = {
    "AWS::EC2::VPC": ResourceReader(
        (
            Part(("CidrBlock", "InstanceTenancy", "Tags"), _vpc),
            _vpc_attribute("EnableDnsSupport", "enableDnsSupport"),
            _vpc_attribute("EnableDnsHostnames", "enableDnsHostnames"),
        ),
        _id("VpcId"),
        lambda reader, physical: {"CidrBlock": vpc(reader, physical)["CidrBlock"]},
    ),
    "AWS::EC2::Subnet": ResourceReader((Part((*_SUBNET, "Tags"), _subnet),), _id("SubnetId")),
    "AWS::EC2::RouteTable": ResourceReader((Part(("VpcId", "Tags"), _route_table),), _id("RouteTableId")),
    "AWS::EC2::SubnetRouteTableAssociation": ResourceReader(
        (Part(("RouteTableId", "SubnetId"), _association),), _id("Id")
    ),
    "AWS::EC2::FlowLog": ResourceReader((Part((*_FLOW_LOG, "ResourceType", "Tags"), _flow_log),), _id("Id")),
    "AWS::EC2::VPCEndpoint": ResourceReader(
        (Part((*_ENDPOINT, "PolicyDocument", "SecurityGroupIds", "Tags"), _endpoint),), _id("Id")
    ),
}
