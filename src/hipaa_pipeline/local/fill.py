"""An account in use: VPCs and roles of other teams, made inside the process, since a thousand calls would take seconds.

Each VPC could serve as an existing one: two private subnets in two zones, DNS on, no way to the internet. The first
three roles could be handed in: they trust RDS's monitoring, VPC flow logs and AWS Backup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.local.quotas import Quotas

SERVICE_ROLES = {
    "shared-rds-monitoring": "monitoring.rds.amazonaws.com",
    "shared-vpc-flow-logs": "vpc-flow-logs.amazonaws.com",
    "shared-backup": "backup.amazonaws.com",
}


def fill(quotas: Quotas, usage: Mapping[str, int]) -> dict[str, int]:
    """Make resources until the usage of each quota named is the number given; the usage afterwards.

    Raises LookupError for a quota that this cannot use up.
    """
    makers: dict[str, Callable[[int], None]] = {"vpc/L-F678F1CE": _make_vpc, "iam/L-FE177D64": _make_role}
    reached = {}
    for key, wanted in usage.items():
        make = makers.get(key)
        quota = quotas.find(*key.split("/", 1)) if make else None
        if make is None or quota is None:
            raise LookupError(f"no way to use up {key}; known: {', '.join(makers)}")
        for number in range(quota.usage({}), wanted):
            make(number)
        reached[key] = quota.usage({})
    return reached


def _make(resource_type: str, properties: dict[str, Any]) -> str:
    """A resource as a stack would make it, but past its quota and outside any stack."""
    from ministack.services.cloudformation import provisioners

    own = {
        "AWS::EC2::VPC": provisioners._ec2_vpc_create,
        "AWS::EC2::Subnet": provisioners._ec2_subnet_create,
        "AWS::EC2::RouteTable": provisioners._ec2_rtb_create,
        "AWS::EC2::SubnetRouteTableAssociation": provisioners._ec2_subnet_rtb_assoc_create,
        "AWS::IAM::Role": provisioners._iam_role_create,
    }
    physical_id, _attributes = own[resource_type]("", properties, "")
    return str(physical_id)


def _make_vpc(number: int) -> None:
    from ministack.core.responses import get_region

    from hipaa_pipeline.local import ec2

    switches = {"EnableDnsSupport": True, "EnableDnsHostnames": True}
    named = [{"Key": "Name", "Value": f"shared-{number}"}]
    vpc = _make("AWS::EC2::VPC", {"CidrBlock": f"10.{100 + number % 100}.0.0/16", **switches, "Tags": named})
    routes = _make("AWS::EC2::RouteTable", {"VpcId": vpc})
    for position, zone in enumerate("ab"):
        cidr = f"10.{100 + number % 100}.{position}.0/24"
        place = {"AvailabilityZone": f"{get_region()}{zone}", "CidrBlock": cidr}
        subnet = _make("AWS::EC2::Subnet", {"VpcId": vpc, **place, "Tags": named})
        _make("AWS::EC2::SubnetRouteTableAssociation", {"RouteTableId": routes, "SubnetId": subnet})
    ec2.complete_default_groups()


def _make_role(number: int) -> None:
    from ministack.services import iam

    name, service = next(
        ((name, service) for name, service in SERVICE_ROLES.items() if name not in iam._roles),
        (f"team-role-{number:04}", "lambda.amazonaws.com"),
    )
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    _make(
        "AWS::IAM::Role",
        {"RoleName": name, "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}},
    )
