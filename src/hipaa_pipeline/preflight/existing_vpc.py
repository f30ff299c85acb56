"""The VPC handed in is suitable; and whether the address range of a new one overlaps with others."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.existing import existing_stack
from hipaa_pipeline.preflight.facts import Facts, together
from hipaa_pipeline.preflight.subject import Subject, literals, parameter_of, passed_or_failed, warning
from hipaa_pipeline.preflight.vpc import Requirement, dns_reads, needs_of, read_network, requirements
from hipaa_pipeline.stack import Stack

CONTROL = "existing_vpc"
OVERLAP = "cidr_overlap"

_VPC_IDS = {
    ("AWS::EC2::FlowLog", "ResourceId"): "vpc",
    ("AWS::EC2::SecurityGroup", "VpcId"): "vpc",
    ("AWS::EC2::VPCEndpoint", "VpcId"): "vpc",
}
_SUBNET_IDS = {
    ("AWS::EC2::VPCEndpoint", "SubnetIds"): "subnet",
    ("AWS::RDS::DBSubnetGroup", "SubnetIds"): "subnet",
}


def vpc_handed_in(stack: Stack) -> str:
    """The ID of the existing VPC that the stack uses; empty when it creates its own."""
    return next((value for _, value, _ in literals(stack, _VPC_IDS)), "")


def subnets_handed_in(stack: Stack) -> list[str]:
    """The IDs of the existing subnets that the stack uses, each once."""
    return list(dict.fromkeys(value for _, value, _ in literals(stack, _SUBNET_IDS)))


def existing_vpc(subject: Subject, facts: Facts) -> list[Finding]:
    """The VPC and the subnets handed in exist and meet every requirement."""
    stack = subject.stack
    vpc_id = vpc_handed_in(stack)
    if not vpc_id:
        return [Finding(control=CONTROL, status=Status.NOT_APPLICABLE, reason="the stack creates its own VPC")]
    # The attributes are asked for at once, even of a VPC that is not found: so nothing waits for CloudFormation twice.
    network, existing, _ = together(
        lambda: read_network(facts),
        lambda: existing_stack(stack, facts),
        lambda: facts.each(*dns_reads(vpc_id)),
    )
    if all(vpc["VpcId"] != vpc_id for vpc in network.vpcs):
        return [
            Finding(
                control=CONTROL,
                rule="exists",
                status=Status.FAIL,
                resource=vpc_id,
                expected=f"a VPC of account {stack.account_id} in {stack.region}",
                actual="not found",
                remedy=f"set {parameter_of(stack, vpc_id) or 'the parameter'} to a VPC of this account and Region",
            )
        ]
    met = requirements(vpc_id, subnets_handed_in(stack), network, needs_of(stack, existing), facts)
    return [_finding(vpc_id, requirement) for requirement in met]


def _finding(vpc_id: str, requirement: Requirement) -> Finding:
    return Finding(
        control=CONTROL,
        rule=requirement.rule,
        status=passed_or_failed(requirement.held),
        resource=vpc_id,
        expected=requirement.expected,
        actual=requirement.actual,
        remedy="" if requirement.held else requirement.remedy,
        reason=requirement.reason,
    )


def cidr_overlap(subject: Subject, facts: Facts) -> list[Finding]:
    """The range of a new VPC is not used elsewhere: overlapping is legal until somebody wants to peer, so a warning."""
    stack = subject.stack
    own = [resource for resource in stack.of_type("AWS::EC2::VPC") if isinstance(resource.get("CidrBlock"), str)]
    if not own:
        return [Finding(control=OVERLAP, status=Status.NOT_APPLICABLE, reason="no VPC is created")]
    existing, vpcs, peerings = together(
        lambda: existing_stack(stack, facts),
        lambda: facts(aws.DESCRIBE_VPCS()),
        lambda: facts(aws.DESCRIBE_PEERINGS()),
    )
    new = [resource for resource in own if resource.logical_id not in existing.physical_ids]
    if not new:
        return [Finding(control=OVERLAP, status=Status.NOT_APPLICABLE, reason="the VPC exists already")]
    taken = [*_vpc_ranges(vpcs), *_peering_ranges(peerings)]
    return [_overlap(resource.logical_id, str(resource.get("CidrBlock")), taken, stack) for resource in new]


def _vpc_ranges(vpcs: list[Any]) -> Iterator[tuple[str, str]]:
    for vpc in vpcs:
        ranges = [each["CidrBlock"] for each in vpc.get("CidrBlockAssociationSet", [])] or [vpc["CidrBlock"]]
        yield from ((vpc["VpcId"], each) for each in ranges)


def _peering_ranges(peerings: list[Any]) -> Iterator[tuple[str, str]]:
    """Ranges on the far side of a peering: they may belong to other accounts, so no VPC of this one shows them."""
    for peering in peerings:
        for side in ("AccepterVpcInfo", "RequesterVpcInfo"):
            for each in peering.get(side, {}).get("CidrBlockSet", []):
                yield peering["VpcPeeringConnectionId"], each["CidrBlock"]


def _overlap(logical_id: str, cidr: str, taken: list[tuple[str, str]], stack: Stack) -> Finding:
    own = ipaddress.ip_network(cidr)
    clashes = [f"{name} ({other})" for name, other in taken if own.overlaps(ipaddress.ip_network(other))]
    expected = f"{cidr} overlaps with nothing"
    if not clashes:
        return Finding(control=OVERLAP, status=Status.PASS, resource=logical_id, expected=expected, actual="free")
    return warning(
        OVERLAP,
        f"overlaps with {', '.join(clashes)}: allowed, but the two can never be peered",
        resource=logical_id,
        expected=expected,
        actual=", ".join(clashes),
        remedy=f"set {parameter_of(stack, cidr) or 'CidrBlock'} to a free range",
    )
