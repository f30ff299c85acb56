"""Where the stack would be: the zones of its subnets, and whether they have what is put into them.

A new VPC takes the first zones of `Fn::GetAZs`, and not every zone has every instance class and endpoint service:
EC2 and RDS say so when the VPC, the key and the log groups are there already.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hipaa_pipeline.evaluation.intrinsics import availability_zones as presumed_zones
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.database import Change, change_of, existing_with, fitting
from hipaa_pipeline.preflight.existing import Existing, replaced
from hipaa_pipeline.preflight.facts import Facts, Problem, Read, together
from hipaa_pipeline.preflight.resource_types import is_true
from hipaa_pipeline.preflight.subject import Subject, passed_or_failed, warning
from hipaa_pipeline.stack import Resource, Stack

CONTROL = "availability_zones"
AVAILABLE, CONSTRAINED = "available", "constrained"

_ZONES = aws.DESCRIBE_AVAILABILITY_ZONES(Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}])
_DEFAULT_SUBNETS = aws.DESCRIBE_SUBNETS(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
_ELSEWHERE = "hand in a VPC with subnets in other zones (ExistingVpcId, ExistingPrivateSubnetIds)"


def get_azs(zones: Sequence[Any], subnets: Sequence[Any]) -> tuple[str, ...]:
    """What `Fn::GetAZs` returns: the zones with a default subnet, or all where none has one, in alphabetical order.

    `zones` and `subnets` are items of DescribeAvailabilityZones and DescribeSubnets. AWS documents the order and, in
    the same place, that it is not guaranteed.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html
    """
    names = sorted(zone["ZoneName"] for zone in zones)
    with_default = {subnet["AvailabilityZone"] for subnet in subnets if subnet.get("DefaultForAz")}
    return tuple(name for name in names if name in with_default) or tuple(names)


@dataclasses.dataclass(frozen=True)
class _Places:
    """What tells a subnet's zone: the wanted stack, the deployed one, what is replaced of it, and what AWS says."""

    stack: Stack
    existing: Existing
    replaced: frozenset[str]
    facts: Facts

    @property
    def chosen(self) -> tuple[str, ...]:
        """What `Fn::GetAZs` returns."""
        return get_azs(self.facts(_ZONES), self.facts(_DEFAULT_SUBNETS))

    def is_there(self, resource: Resource) -> bool:
        """Whether the deployment keeps the resource that the stack has."""
        return resource.logical_id in self.existing.physical_ids and resource.logical_id not in self.replaced


def availability_zones(subject: Subject, facts: Facts) -> list[Finding]:
    """The zones that new databases and endpoints are put into have what these need."""
    stack = subject.stack
    # Asked together, even what turns out not to be needed since the subnets are there.
    existing, _ = together(lambda: existing_with(stack, facts), lambda: facts.each(*_reads(stack)))
    places = _Places(stack, existing, replaced(stack, existing), facts)
    placed = [*stack.of_type("AWS::RDS::DBInstance"), *_interface_endpoints(stack)]
    unclear = {each.logical_id: reason for each in placed if (reason := existing.change_unknown(each.logical_id))}
    databases = [each for each in stack.of_type("AWS::RDS::DBInstance") if each.logical_id not in unclear]
    endpoints = [each for each in _interface_endpoints(stack) if each.logical_id not in unclear]
    changes = [change_of(each, stack, existing, facts) for each in databases]
    findings = [
        *(_subnet(each, places) for each in stack.of_type("AWS::EC2::Subnet") if not places.is_there(each)),
        *(finding for change in changes if change.is_placed for finding in _database(change, places)),
        *(_endpoint(each, places) for each in endpoints if _is_placed(each, places)),
        *(Finding(control=CONTROL, status=Status.UNKNOWN, resource=name, reason=why) for name, why in unclear.items()),
    ]
    nothing = Finding(control=CONTROL, status=Status.NOT_APPLICABLE, reason="nothing new is put into a zone")
    return findings or [nothing]


def _reads(stack: Stack) -> list[Read]:
    zones = [_ZONES, _DEFAULT_SUBNETS] if stack.of_type("AWS::EC2::Subnet") else [aws.DESCRIBE_SUBNETS()]
    return [*zones, *([_services(stack)] if _interface_endpoints(stack) else [])]


def _interface_endpoints(stack: Stack) -> list[Resource]:
    return [each for each in stack.of_type("AWS::EC2::VPCEndpoint") if each.get("VpcEndpointType") == "Interface"]


def _is_placed(endpoint: Resource, places: _Places) -> bool:
    old = places.existing.old(endpoint.logical_id)
    return not places.is_there(endpoint) or old is None or old.get("SubnetIds") != endpoint.get("SubnetIds")


def _subnet(subnet: Resource, places: _Places) -> Finding:
    """A new subnet has a zone, and one that is open to new resources."""
    zone = _future_zone(subnet, places)
    if zone is None:
        remedy = (
            "aws ec2 create-default-subnet --availability-zone ZONE (Fn::GetAZs counts only zones with a default "
            f"subnet, as long as there is any); or {_ELSEWHERE}"
        )
        return _finding(subnet, "zone", False, "a zone for each subnet", ", ".join(places.chosen), remedy)
    state = next((each["State"] for each in places.facts(_ZONES) if each["ZoneName"] == zone), "no such zone")
    if state == CONSTRAINED:
        reason = f"{zone} is constrained: AWS may refuse new resources there"
        return warning(CONTROL, reason, rule="zone", resource=subnet.logical_id, actual=zone, remedy=_ELSEWHERE)
    return _finding(subnet, "zone", state == AVAILABLE, "a zone that is available", f"{zone} ({state})")


def _future_zone(subnet: Resource, places: _Places) -> str | None:
    """The zone of a subnet to be created; None where `Fn::GetAZs` returns too few.

    The resolved stack holds presumed names in the place of those that `Fn::GetAZs` returns, so their position counts.
    """
    name = str(subnet.get("AvailabilityZone"))
    presumed = presumed_zones(["", places.stack.region])
    if name not in presumed:
        return name
    position = presumed.index(name)
    return places.chosen[position] if position < len(places.chosen) else None


def _zones_of(subnet_ids: Any, places: _Places) -> list[str]:
    """The zones of subnets by ID or reference, each once; empty where one of them is not known."""
    zones = [_zone_of(each, places) for each in subnet_ids] if isinstance(subnet_ids, list | tuple) else []
    known = [zone for zone in zones if zone is not None]
    return sorted(set(known)) if len(known) == len(zones) else []


def _zone_of(subnet_id: Any, places: _Places) -> str | None:
    subnet = places.stack.target(subnet_id)
    if subnet is not None and not places.is_there(subnet):
        return _future_zone(subnet, places)
    wanted = places.existing.physical_ids[subnet.logical_id] if subnet else subnet_id
    subnets = places.facts(aws.DESCRIBE_SUBNETS())
    return next((str(each["AvailabilityZone"]) for each in subnets if each["SubnetId"] == wanted), None)


def _database(change: Change, places: _Places) -> Iterator[Finding]:
    """The class is offered in a zone of the subnet group, for Multi-AZ in two. What else lacks, `database` tells."""
    options = fitting(change, places.facts)
    if options:
        group = places.stack.target(change.instance.get("DBSubnetGroupName"))
        zones = _zones_of(group.get("SubnetIds"), places) if group else []
        offered = {zone["Name"] for option in options for zone in option.get("AvailabilityZones", [])}
        needed = 2 if is_true(change.instance.get("MultiAZ")) else 1
        held = len(offered.intersection(zones)) >= needed if zones and offered else None
        expected = f"{change.wanted} in {needed} of {', '.join(zones)}"
        yield _finding(
            change.instance, "database_zones", held, expected, sorted(offered), f"choose another class, or {_ELSEWHERE}"
        )


def _services(stack: Stack) -> Read:
    """One read for the services of all interface endpoints; a filter, since a name AWS does not know were an error."""
    names = sorted({str(endpoint.get("ServiceName")) for endpoint in _interface_endpoints(stack)})
    return aws.DESCRIBE_ENDPOINT_SERVICES(Filters=[{"Name": "service-name", "Values": names}])


def _endpoint(endpoint: Resource, places: _Places) -> Finding:
    """The endpoint's service is there, in every zone that the endpoint is put into."""
    answer, name = places.facts.each(_services(places.stack))[0], str(endpoint.get("ServiceName"))
    if isinstance(answer, Problem):
        return dataclasses.replace(
            _finding(endpoint, "endpoint_zones", None), reason=answer.reason, remedy=answer.remedy
        )
    services = [each for each in answer if each["ServiceName"] == name and _is_interface(each)]
    if not services:
        remedy = "set CreateVpcEndpoints to false, or choose another Region"
        return _finding(endpoint, "endpoint_service", False, f"the service {name}", "no such service here", remedy)
    zones = _zones_of(endpoint.get("SubnetIds"), places)
    served = {zone for service in services for zone in service.get("AvailabilityZones", [])}
    held = served.issuperset(zones) if zones and served else None
    remedy = f"set CreateVpcEndpoints to false, or {_ELSEWHERE}"
    return _finding(endpoint, "endpoint_zones", held, f"{name} in {', '.join(zones)}", sorted(served), remedy)


def _is_interface(service: Mapping[str, Any]) -> bool:
    return any(each["ServiceType"] == "Interface" for each in service["ServiceType"])


def _finding(
    resource: Resource, rule: str, held: bool | None, expected: str = "", actual: Any = "", remedy: str = _ELSEWHERE
) -> Finding:
    return Finding(
        control=CONTROL,
        rule=rule,
        status=passed_or_failed(held),
        resource=resource.logical_id,
        expected=expected,
        actual=actual if isinstance(actual, str) else ", ".join(actual),
        reason="the zones of the subnets, or of what is put into them, are not known" if held is None else "",
        remedy=remedy if held is False else "",
    )
