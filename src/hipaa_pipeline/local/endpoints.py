"""VPC endpoints, with their network interfaces.

MiniStack 1.5.33 loses an endpoint's security groups, private DNS and policy, gives it no network interface, answers
every filter with everything, and does not know the service of Kinesis Data Streams by its name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.local import ec2_tags, interfaces
from hipaa_pipeline.local.additions import Additions, Properties, boolean, matches_filters
from hipaa_pipeline.local.wire import ApiError

# The kinds of endpoint services, and the services of each.
SERVICES = {
    "Gateway": "dynamodb s3",
    "Interface": "backup kinesis-streams kms lambda logs monitoring rds secretsmanager sns sqs ssm sts",
}
FULL_ACCESS = {"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={
            "ec2.CreateVpcEndpoint": create_vpc_endpoint,
            "ec2.ModifyVpcEndpoint": modify_vpc_endpoint,
            "ec2.DeleteVpcEndpoints": delete_vpc_endpoints,
            "ec2.DescribeVpcEndpoints": describe_vpc_endpoints,
            "ec2.DescribeVpcEndpointServices": describe_endpoint_services,
            "ec2.DescribeNetworkInterfaces": interfaces.describe_network_interfaces,
        },
        completions={"AWS::EC2::VPCEndpoint": _complete_endpoint},
        deletions={"AWS::EC2::VPCEndpoint": _delete_endpoint},
    )


def _ec2() -> Any:
    from ministack.services import ec2

    return ec2


def create_vpc_endpoint(request: dict[str, Any]) -> dict[str, Any]:
    """CreateVpcEndpoint, with everything the request says kept."""
    from ministack.services.cloudformation import provisioners

    properties = {**request, "Tags": ec2_tags.requested(request, "vpc-endpoint")}
    endpoint_id, attributes = provisioners._ec2_vpc_endpoint_create("", properties, "")
    _complete_endpoint(endpoint_id, properties, attributes)
    return {"VpcEndpoint": _endpoint(_ec2()._vpc_endpoints[endpoint_id])}


def _complete_endpoint(endpoint_id: str, properties: Properties, attributes: dict[str, Any]) -> None:
    """The policy as text, and the default that AWS puts where none is given."""
    endpoint = _ec2()._vpc_endpoints[endpoint_id]
    policy = properties.get("PolicyDocument") or FULL_ACCESS
    endpoint["PolicyDocument"] = policy if isinstance(policy, str) else json.dumps(policy)
    endpoint["PrivateDnsEnabled"] = boolean(properties.get("PrivateDnsEnabled", False))
    if endpoint["VpcEndpointType"] == "Interface":
        _place_interfaces(endpoint)
        attributes["NetworkInterfaceIds"] = endpoint["NetworkInterfaceIds"]


def _place_interfaces(endpoint: dict[str, Any]) -> None:
    endpoint_id = endpoint["VpcEndpointId"]
    endpoint["NetworkInterfaceIds"] = interfaces.place(
        endpoint_id,
        endpoint["SubnetIds"],
        endpoint["SecurityGroupIds"],
        "vpc_endpoint",
        f"VPC Endpoint Interface {endpoint_id}",
    )
    endpoint["DnsEntries"] = [{"DnsName": f"{endpoint_id}.{endpoint['ServiceName']}", "HostedZoneId": "Z0LOCAL"}]


def _delete_endpoint(endpoint_id: str, _properties: Properties, delete: Callable[[], None]) -> None:
    interfaces.remove(endpoint_id)
    delete()


def delete_vpc_endpoints(request: dict[str, Any]) -> dict[str, Any]:
    """DeleteVpcEndpoints; one that does not exist is reported, not an error."""
    missing = [each for each in request["VpcEndpointIds"] if each not in _ec2()._vpc_endpoints]
    for endpoint_id in request["VpcEndpointIds"]:
        interfaces.remove(endpoint_id)
        _ec2()._vpc_endpoints.pop(endpoint_id, None)
        _ec2()._tags.pop(endpoint_id, None)
    reason = {"Code": "InvalidVpcEndpoint.NotFound", "Message": "The Vpc Endpoint Id does not exist"}
    return {"Unsuccessful": [{"ResourceId": each, "Error": reason} for each in missing]}


def modify_vpc_endpoint(request: dict[str, Any]) -> dict[str, Any]:
    """ModifyVpcEndpoint: sets are added to and removed from, policy and private DNS replaced."""
    endpoint = _ec2()._vpc_endpoints.get(request["VpcEndpointId"])
    if endpoint is None:
        raise ApiError(
            "InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{request['VpcEndpointId']}' does not exist"
        )
    for member in ("RouteTableIds", "SubnetIds", "SecurityGroupIds"):
        kept = [each for each in endpoint[member] if each not in (request.get(f"Remove{member}") or ())]
        endpoint[member] = kept + [each for each in request.get(f"Add{member}") or () if each not in kept]
    if request.get("ResetPolicy"):
        endpoint["PolicyDocument"] = json.dumps(FULL_ACCESS)
    for member in ("PolicyDocument", "PrivateDnsEnabled"):
        if member in request:
            endpoint[member] = request[member]
    if endpoint["VpcEndpointType"] == "Interface":
        _place_interfaces(endpoint)
    return {"Return": True}


def describe_vpc_endpoints(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeVpcEndpoints, by IDs and filters. Raises ApiError for an ID that does not exist."""
    store = _ec2()._vpc_endpoints
    for endpoint_id in request.get("VpcEndpointIds") or ():
        if endpoint_id not in store:
            raise ApiError("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{endpoint_id}' does not exist")
    wanted = request.get("VpcEndpointIds")
    endpoints = [_endpoint(record) for record in store.values()]
    return {
        "VpcEndpoints": [
            endpoint
            for endpoint in endpoints
            if (not wanted or endpoint["VpcEndpointId"] in wanted)
            and matches_filters(request.get("Filters"), _endpoint_filters(endpoint))
        ]
    }


def describe_endpoint_services(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeVpcEndpointServices, by filters: services that a private network of this kind uses, in every zone."""
    from ministack.core.responses import get_region

    named = {
        f"com.amazonaws.{get_region()}.{service}": kind for kind, names in SERVICES.items() for service in names.split()
    }
    found = [
        {
            "ServiceName": name,
            "ServiceType": [{"ServiceType": kind}],
            "ServiceRegion": get_region(),
            "AvailabilityZones": [f"{get_region()}{letter}" for letter in "abc"],
            "Owner": "amazon",
            "VpcEndpointPolicySupported": True,
        }
        for name, kind in sorted(named.items())
        if matches_filters(request.get("Filters"), {"service-name": name, "service-type": kind})
    ]
    return {"ServiceNames": [each["ServiceName"] for each in found], "ServiceDetails": found}


def _endpoint(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as the API shows it: groups with their names."""
    groups = _ec2()._security_groups
    named = [
        {"GroupId": group_id, "GroupName": groups.get(group_id, {}).get("GroupName", "")}
        for group_id in record.get("SecurityGroupIds", ())
    ]
    return {**record, "Groups": named, "IpAddressType": "ipv4", "Tags": ec2_tags.tags(record["VpcEndpointId"])}


def _endpoint_filters(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "service-name": endpoint["ServiceName"],
        "vpc-id": endpoint["VpcId"],
        "vpc-endpoint-id": endpoint["VpcEndpointId"],
        "vpc-endpoint-state": endpoint["State"],
        "vpc-endpoint-type": endpoint["VpcEndpointType"],
    } | ec2_tags.filters(endpoint["Tags"])
