"""What a VPC must be like to carry the pipeline: one list of requirements, for one handed in and for candidates."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.existing import Existing, replaced
from hipaa_pipeline.preflight.facts import Facts, Problem, Read, together
from hipaa_pipeline.stack import Resource, Stack

MIN_ZONES = 2
# Addresses a database takes over its life: standby, and a second one of each while it is modified or replaced.
DATABASE_ADDRESSES = 4
# Private DNS names of endpoints and of the database need both attributes: rule, and EC2's name of the attribute.
_DNS = {"dns_support": "enableDnsSupport", "dns_hostnames": "enableDnsHostnames"}


@dataclasses.dataclass(frozen=True)
class Needs:
    """What a deployment adds to the VPC.

    `interfaces` has, for each interface endpoint, the subnets in which it has an address already; `databases` are new
    ones, `private_dns_services` the services of new endpoints, which get private DNS names.
    """

    interfaces: tuple[frozenset[str], ...]
    databases: int
    private_dns_services: frozenset[str]

    def addresses(self, subnet_id: str) -> int:
        """How many addresses of a subnet it takes."""
        new = sum(subnet_id not in placed for placed in self.interfaces)
        return new + DATABASE_ADDRESSES * self.databases


@dataclasses.dataclass(frozen=True)
class Requirement:
    """One requirement of a VPC and whether it holds; None when AWS did not tell, and `reason` says why."""

    rule: str
    held: bool | None
    expected: str
    actual: str
    remedy: str = ""
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Network:
    """Everything the account's Region has by way of networks; one read each, shared by all questions."""

    vpcs: Sequence[Any]
    subnets: Sequence[Any]
    route_tables: Sequence[Any]
    endpoints: Sequence[Any]


def read_network(facts: Facts) -> Network:
    """The networks of the Region. Raises Unanswered when one of the four lists is refused."""
    return Network(
        *together(
            lambda: facts(aws.DESCRIBE_VPCS()),
            lambda: facts(aws.DESCRIBE_SUBNETS()),
            lambda: facts(aws.DESCRIBE_ROUTE_TABLES()),
            lambda: facts(aws.DESCRIBE_VPC_ENDPOINTS()),
        )
    )


def needs_of(stack: Stack, existing: Existing) -> Needs:
    """What the deployment adds: nothing for what the stack has already and this update does not replace."""
    kept = existing.physical_ids.keys() - replaced(stack, existing)
    interfaces = [
        resource
        for resource in stack.of_type("AWS::EC2::VPCEndpoint")
        if resource.get("VpcEndpointType") == "Interface"
    ]
    databases = {resource.logical_id for resource in stack.of_type("AWS::RDS::DBInstance")}
    return Needs(
        tuple(_placed(each, existing) if each.logical_id in kept else frozenset() for each in interfaces),
        len(databases - kept),
        frozenset(_service(each) for each in interfaces if each.logical_id not in kept),
    )


def _placed(endpoint: Resource, existing: Existing) -> frozenset[str]:
    """The subnets of an endpoint as it is deployed; where that is not known, it is taken to be unchanged."""
    subnets = (existing.old(endpoint.logical_id) or endpoint).get("SubnetIds")
    return frozenset(each for each in subnets if isinstance(each, str)) if isinstance(subnets, list) else frozenset()


def _service(endpoint: Resource) -> str:
    return str(endpoint.get("ServiceName"))


def requirements(
    vpc_id: str, subnet_ids: Iterable[str], network: Network, needs: Needs, facts: Facts
) -> list[Requirement]:
    """Every requirement, of a VPC that exists and of the subnets chosen in it."""
    chosen = [subnet for subnet in network.subnets if subnet["SubnetId"] in set(subnet_ids)]
    return [
        _all_found(vpc_id, list(subnet_ids), chosen),
        *_dns(vpc_id, facts),
        _zones(chosen),
        _addresses(chosen, needs),
        _private(chosen, network),
        _endpoints(vpc_id, network, needs),
    ]


def _all_found(vpc_id: str, subnet_ids: list[str], chosen: list[Any]) -> Requirement:
    strangers = [subnet["SubnetId"] for subnet in chosen if subnet["VpcId"] != vpc_id]
    missing = sorted(set(subnet_ids) - {subnet["SubnetId"] for subnet in chosen})
    actual = [f"{subnet} does not exist" for subnet in missing] + [f"{subnet} is elsewhere" for subnet in strangers]
    return Requirement(
        "subnets", not actual, f"subnets of {vpc_id}", ", ".join(actual) or "all in it", "hand in subnets of this VPC"
    )


def dns_reads(vpc_id: str) -> list[Read]:
    """The reads of the VPC's DNS attributes."""
    return [aws.DESCRIBE_VPC_ATTRIBUTE(VpcId=vpc_id, Attribute=attribute) for attribute in _DNS.values()]


def _dns(vpc_id: str, facts: Facts) -> list[Requirement]:
    found = []
    for (rule, attribute), answer in zip(_DNS.items(), facts.each(*dns_reads(vpc_id)), strict=True):
        name = attribute[0].upper() + attribute[1:]
        problem = isinstance(answer, Problem)
        held = None if problem else bool(answer[name]["Value"])
        option = "--enable-dns-support" if rule == "dns_support" else "--enable-dns-hostnames"
        remedy = f"aws ec2 modify-vpc-attribute --vpc-id {vpc_id} {option}"
        found.append(Requirement(rule, held, f"{name} is on", _on(held), remedy, answer.reason if problem else ""))
    return found


def _on(held: bool | None) -> str:
    return {None: "not known", True: "on", False: "off"}[held]


def _zones(chosen: list[Any]) -> Requirement:
    zones = sorted({subnet["AvailabilityZone"] for subnet in chosen})
    return Requirement(
        "zones",
        len(zones) >= MIN_ZONES,
        f"subnets in {MIN_ZONES} zones or more",
        ", ".join(zones) or "none",
        "hand in one private subnet in each of two zones",
    )


def _addresses(chosen: list[Any], needs: Needs) -> Requirement:
    counts = [(subnet["AvailableIpAddressCount"], needs.addresses(subnet["SubnetId"])) for subnet in chosen]
    free, wanted = min(counts, key=lambda count: count[0] - count[1], default=(0, needs.addresses("")))
    return Requirement(
        "addresses",
        free >= wanted,
        f"{wanted} free addresses in each subnet",
        f"{free} in the fullest",
        "hand in larger subnets, or set CreateVpcEndpoints to false",
    )


def _private(chosen: list[Any], network: Network) -> Requirement:
    public = sorted(subnet["SubnetId"] for subnet in chosen if is_public(subnet, network))
    return Requirement(
        "private",
        not public,
        "no route to an internet gateway, no public addresses",
        f"public: {', '.join(public)}" if public else "private",
        "hand in private subnets",
    )


def _endpoints(vpc_id: str, network: Network, needs: Needs) -> Requirement:
    """Two endpoints of one service cannot both own its private DNS name in a VPC; one that is there already does."""
    taken = sorted(
        endpoint["ServiceName"]
        for endpoint in network.endpoints
        if endpoint["VpcId"] == vpc_id
        and endpoint.get("PrivateDnsEnabled")
        and endpoint["ServiceName"] in needs.private_dns_services
    )
    return Requirement(
        "endpoints",
        not taken,
        "no endpoints of the same services with private DNS",
        ", ".join(name.rsplit(".", 1)[-1] for name in taken) or "none",
        "set CreateVpcEndpoints to false and ExistingEndpointSecurityGroupId to the group of those endpoints",
    )


def is_public(subnet: Any, network: Network) -> bool:
    """Whether a subnet gives out public addresses or has a route to an internet gateway (or an egress-only one)."""
    if subnet.get("MapPublicIpOnLaunch") or subnet.get("AssignIpv6AddressOnCreation"):
        return True
    table = route_table(subnet, network.route_tables)
    return any(_to_internet_gateway(route) for route in (table or {}).get("Routes", []))


def _to_internet_gateway(route: Any) -> bool:
    return str(route.get("GatewayId", "")).startswith("igw-") or bool(route.get("EgressOnlyInternetGatewayId"))


def route_table(subnet: Any, tables: Iterable[Any]) -> Any | None:
    """The table of the subnet's own association, else the main table of its VPC; None where neither is shown."""
    main = None
    for table in tables:
        if table["VpcId"] != subnet["VpcId"]:
            continue
        for association in table.get("Associations", []):
            if association.get("SubnetId") == subnet["SubnetId"]:
                return table
            if association.get("Main"):
                main = table
    return main


def private_subnets(vpc_id: str, network: Network) -> list[str]:
    """One private subnet per zone of a VPC, the one with the most free addresses, in the order of the zones."""
    best: dict[str, Any] = {}
    for subnet in network.subnets:
        if subnet["VpcId"] != vpc_id or is_public(subnet, network):
            continue
        zone = subnet["AvailabilityZone"]
        if zone not in best or subnet["AvailableIpAddressCount"] > best[zone]["AvailableIpAddressCount"]:
            best[zone] = subnet
    return [best[zone]["SubnetId"] for zone in sorted(best)]
