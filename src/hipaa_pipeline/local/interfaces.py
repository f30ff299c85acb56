"""Network interfaces that services put into a VPC: those of interface endpoints and of database instances.

MiniStack 1.5.33 makes none, so that every VPC looks unused, and it answers every filter with everything.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from hipaa_pipeline.local.additions import matches_filters, new_id


def place(owner: str, subnet_ids: Sequence[str], group_ids: Sequence[str], kind: str, description: str) -> list[str]:
    """Let a resource have one interface in each of these subnets, and no other; their IDs."""
    from ministack.services import ec2

    remove(owner)
    placed = []
    for subnet_id in subnet_ids:
        record = _record(owner, subnet_id, group_ids, kind, description)
        ec2._network_interfaces[record["NetworkInterfaceId"]] = record
        placed.append(record["NetworkInterfaceId"])
    return placed


def remove(owner: str) -> None:
    """Remove the interfaces of a resource."""
    from ministack.services import ec2

    for interface_id, record in ec2._network_interfaces.items():
        if record.get("_owner") == owner:
            ec2._network_interfaces.pop(interface_id)


def _record(owner: str, subnet_id: str, group_ids: Sequence[str], kind: str, description: str) -> dict[str, Any]:
    from ministack.core.responses import get_account_id
    from ministack.services import ec2

    subnet = ec2._subnets.get(subnet_id) or {}
    groups = [
        {"GroupId": each, "GroupName": ec2._security_groups.get(each, {}).get("GroupName", "")} for each in group_ids
    ]
    return {
        "NetworkInterfaceId": new_id("eni"),
        "SubnetId": subnet_id,
        "VpcId": subnet.get("VpcId"),
        "AvailabilityZone": subnet.get("AvailabilityZone"),
        "Description": description,
        "OwnerId": get_account_id(),
        "Status": "in-use",
        "PrivateIpAddress": _address(subnet),
        "InterfaceType": kind,
        "RequesterManaged": True,
        "SourceDestCheck": True,
        "MacAddress": ":".join(f"{byte:02x}" for byte in secrets.token_bytes(6)),
        "Groups": groups,
        "Attachment": {"Status": "attached", "DeleteOnTermination": False},
        "_owner": owner,
    }


def _address(subnet: Mapping[str, Any]) -> str:
    """An address of the subnet, after the four that AWS reserves."""
    import ipaddress

    network = ipaddress.ip_network(subnet.get("CidrBlock", "10.0.0.0/24"))
    return str(network[4 + secrets.randbelow(network.num_addresses - 5)])


def describe_network_interfaces(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeNetworkInterfaces, by IDs and filters."""
    from ministack.services import ec2

    wanted = request.get("NetworkInterfaceIds")
    return {
        "NetworkInterfaces": [
            record
            for interface_id, record in ec2._network_interfaces.items()
            if (not wanted or interface_id in wanted) and matches_filters(request.get("Filters"), _filters(record))
        ]
    }


def _filters(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "network-interface-id": record["NetworkInterfaceId"],
        "vpc-id": record["VpcId"],
        "subnet-id": record["SubnetId"],
        "group-id": [group["GroupId"] for group in record["Groups"]],
        "status": record["Status"],
        "interface-type": record["InterfaceType"],
        "description": record["Description"],
        "availability-zone": record["AvailabilityZone"],
    }
