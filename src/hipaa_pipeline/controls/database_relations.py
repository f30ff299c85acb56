"""What a database refers to: its parameter group, logs, monitoring role, subnets and security groups."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.controls.check import (
    Check,
    Judge,
    Severity,
    Verdict,
    expect,
    failed,
    listed,
    mapping,
    not_applicable,
    passed,
    problems_or_pass,
    undetermined,
    unread,
    verdict,
    when,
)
from hipaa_pipeline.controls.policy import text_of
from hipaa_pipeline.controls.postgresql import PARAMETER_GROUP
from hipaa_pipeline.controls.rds import INSTANCE, engine_of, major_version, of_cluster
from hipaa_pipeline.controls.relations import (
    admits_service,
    handed_in,
    managed_policies,
    own_security_groups,
    referring,
    related,
)
from hipaa_pipeline.stack import Resource, Stack, as_number, is_unknown

SUBNET_GROUP = "AWS::RDS::DBSubnetGroup"
LOG_GROUP = "AWS::Logs::LogGroup"
MONITORING_SERVICE = "monitoring.rds.amazonaws.com"
MONITORING_POLICY = "AmazonRDSEnhancedMonitoringRole"
PORTS = {"postgres": 5432, "mysql": 3306, "mariadb": 3306, "sqlserver": 1433, "oracle": 1521}


def _not_postgresql(resource: Resource, stack: Stack) -> str:
    """Why a question about PostgreSQL is not asked."""
    return of_cluster(resource, stack) or ("" if engine_of(resource) == "postgres" else "the engine is not PostgreSQL")


def _own_parameter_group(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    name = resource.properties.get("DBParameterGroupName")
    expected = "a parameter group of this stack"
    if isinstance(name, str) and name.startswith("default."):
        yield failed("DBParameterGroupName", expected, name)
        return
    yield from related("DBParameterGroupName", (PARAMETER_GROUP,), expected, _family_fits)(resource, stack)


def _family_fits(group: Resource, resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    family, major = group.properties.get("Family"), major_version(resource)
    expected = f"a parameter group of family postgres{major}"
    if is_unknown(family) or is_unknown(resource.properties.get("EngineVersion")):
        yield undetermined("DBParameterGroupName", expected, {"Unknown": "the family or the version is not known"})
    else:
        yield verdict(
            major is None or family == f"postgres{major}",
            "DBParameterGroupName",
            expected,
            f"{group.logical_id} of family {family}",
        )


def log_groups(resource: Resource, stack: Stack) -> Iterator[tuple[str, str, Resource | None]]:
    """Each exported log with the name its group must have, and the group of the stack that has it."""
    identifier = text_of(resource.properties.get("DBInstanceIdentifier"))
    for log in map(text_of, listed(resource.properties.get("EnableCloudwatchLogsExports"))):
        name = f"/aws/rds/instance/{identifier or 'DBInstanceIdentifier'}/{log}"
        named = (group for group in stack.of_type(LOG_GROUP) if group.properties.get("LogGroupName") == name)
        yield log, name, next(named, None)


def unknown_log_name(resource: Resource, stack: Stack) -> Mapping[str, Any] | None:
    """A name that could not be determined, and on which it depends whether the log groups are there."""
    groups = (group.properties.get("LogGroupName") for group in stack.of_type(LOG_GROUP))
    return next(filter(is_unknown, (resource.properties.get("DBInstanceIdentifier"), *groups)), None)


def _has_log_groups(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    path, expected = "EnableCloudwatchLogsExports", "a log group of this stack for each exported log"
    value = resource.properties.get(path)
    if is_unknown(value):
        yield undetermined(path, expected, value)
        return
    missing = [name for _, name, group in log_groups(resource, stack) if group is None]
    doubtful = unknown_log_name(resource, stack)
    if missing and doubtful:
        yield undetermined(path, expected, doubtful)
        return
    problems = (failed(path, expected, f"no log group named {name}") for name in missing)
    yield from problems_or_pass(problems, path, expected, value)


def _waits_for_log_groups(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    waits, expected = resource.attributes.get("DependsOn"), "the log groups, so that RDS does not create them itself"
    if is_unknown(waits):
        yield undetermined("DependsOn", expected, waits)
        return
    groups = [group.logical_id for _, _, group in log_groups(resource, stack) if group is not None]
    missing = sorted(set(groups) - set(map(str, listed(waits))))
    yield verdict(not missing, "DependsOn", expected, f"without {', '.join(missing)}" if missing else waits)


def _monitoring_role_works(role: Resource, _resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    path = "MonitoringRoleArn"
    expected = f"a role that {MONITORING_SERVICE} may assume, with {MONITORING_POLICY}"
    if not admits_service(role, MONITORING_SERVICE):
        yield failed(path, expected, f"{role.logical_id} does not trust {MONITORING_SERVICE}")
    elif MONITORING_POLICY not in managed_policies(role):
        yield failed(path, expected, f"{role.logical_id} lacks {MONITORING_POLICY}")
    else:
        yield passed(path, expected, role.logical_id)


def _unmonitored(resource: Resource, _stack: Stack) -> str:
    return "" if resource.properties.get("MonitoringRoleArn") else "no monitoring role is named"


def _subnets(group: Resource, stack: Stack) -> list[tuple[int, Any, Resource | None]]:
    values = listed(group.properties.get("SubnetIds"))
    return [(index, value, stack.target(value)) for index, value in enumerate(values)]


def _subnets_handed_in(subnet_ids: list[Any]) -> Verdict:
    """No template says what existing subnets are like; in a live stack those in use are resources too."""
    reason = "they are handed in by their identifiers: preflight looks at them, and verify at those in use"
    return not_applicable(reason, "SubnetIds", subnet_ids)


def _two_zones(group: Resource, stack: Stack) -> Iterator[Verdict]:
    subnets, expected = _subnets(group, stack), "subnets in two zones or more"
    zones = [subnet.properties.get("AvailabilityZone") for _, _, subnet in subnets if subnet is not None]
    unclear = unread(group.properties.get("SubnetIds"), *zones)
    if unclear is not None:
        yield undetermined("SubnetIds", expected, unclear)
    elif len(zones) < len(subnets):
        yield _subnets_handed_in([value for _, value, subnet in subnets if subnet is None])
    elif None in zones and len(subnets) > 1:
        yield not_applicable("AWS chooses the zones of these subnets", "SubnetIds")
    else:
        yield verdict(len({text_of(zone) for zone in zones}) > 1, "SubnetIds", expected, [text_of(z) for z in zones])


def _routes_of(subnet: Resource, stack: Stack) -> Iterator[Resource]:
    """The routes of the tables that a subnet is associated with."""
    for association in referring(stack, "AWS::EC2::SubnetRouteTableAssociation", "SubnetId", subnet):
        table = stack.target(association.properties.get("RouteTableId"))
        if table is not None:
            yield from referring(stack, "AWS::EC2::Route", "RouteTableId", table)


def _internet_gateway(route: Resource, stack: Stack) -> bool:
    gateway = route.properties.get("GatewayId")
    target = stack.target(gateway)
    is_gateway = target.type == "AWS::EC2::InternetGateway" if target else text_of(gateway).startswith("igw-")
    return is_gateway or route.properties.get("EgressOnlyInternetGatewayId") is not None


def _nat_gateway(route: Resource, _stack: Stack) -> bool:
    return any(route.properties.get(name) is not None for name in ("NatGatewayId", "InstanceId"))


def _owners_way_out(group: Resource, stack: Stack) -> str:
    """Preflight accepts subnets with a NAT; whoever made them decides what leaves them."""
    handed = any(subnet.handed_in for _, _, subnet in _subnets(group, stack) if subnet is not None)
    return "the subnets are handed in: a NAT is their owner's choice" if handed else ""


def _no_route(leads: Callable[[Resource, Stack], bool], what: str) -> Judge:
    def judge(group: Resource, stack: Stack) -> Iterator[Verdict]:
        expected = f"subnets without a route to {what}"
        subnets = _subnets(group, stack)
        known = [(index, subnet) for index, _, subnet in subnets if subnet is not None]
        foreign = [value for _, value, subnet in subnets if subnet is None and not is_unknown(value)]
        if foreign:
            yield _subnets_handed_in(foreign)
        if not subnets or len(foreign) < len(subnets):
            unclear = (undetermined("SubnetIds", expected, mark) for mark in _unread_routing(group, stack))
            problems = itertools.chain(unclear, _routes_that(known, stack, leads, expected))
            yield from problems_or_pass(problems, "SubnetIds", expected, [subnet.logical_id for _, subnet in known])

    return judge


def _unread_routing(group: Resource, stack: Stack) -> Iterator[Mapping[str, Any]]:
    """The mark of what hides which routes the subnets have, where something does."""
    associations = stack.of_type("AWS::EC2::SubnetRouteTableAssociation")
    tables = [each.properties.get("RouteTableId") for each in (*associations, *stack.of_type("AWS::EC2::Route"))]
    mark = unread(
        group.properties.get("SubnetIds"), *(each.properties.get("SubnetId") for each in associations), tables
    )
    if mark is not None:
        yield mark


def _routes_that(
    subnets: list[tuple[int, Resource]], stack: Stack, leads: Callable[[Resource, Stack], bool], expected: str
) -> Iterator[Verdict]:
    for index, subnet in subnets:
        for route in _routes_of(subnet, stack):
            unclear = unread(route.properties)
            if leads(route, stack) and unclear is None:
                yield failed(f"SubnetIds[{index}]", expected, f"{route.logical_id} in {subnet.logical_id}")
            elif unclear is not None:
                yield undetermined(f"SubnetIds[{index}]", expected, unclear)


def ingress_rules(group: Resource, stack: Stack) -> Iterator[tuple[Resource, str, Any]]:
    """The inbound rules of a security group: its own and those attached to it, each with its owner and place."""
    for index, rule in enumerate(listed(group.properties.get("SecurityGroupIngress"))):
        yield group, f"SecurityGroupIngress[{index}]", rule
    for rule in referring(stack, "AWS::EC2::SecurityGroupIngress", "GroupId", group):
        yield rule, "", rule.properties


def _only_from_groups(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    port = as_number(resource.properties.get("Port")) or PORTS.get(engine_of(resource))
    groups = listed(resource.properties.get("VPCSecurityGroups"))
    expected = f"TCP port {port} from security groups only"
    own = [group for group in map(stack.target, groups) if group is not None]
    unclear = [undetermined("VPCSecurityGroups", expected, value) for value in groups if is_unknown(value)]
    if groups and not own and not unclear:
        yield handed_in("VPCSecurityGroups", groups)
        return
    rules = [place for group in own for place in ingress_rules(group, stack)]
    judged = (_judged(owner, path, rule, port, expected) for owner, path, rule in rules)
    problems = [*unclear, *(problem for problem in judged if problem is not None)]
    yield from problems_or_pass(problems, "VPCSecurityGroups", expected, f"{len(rules)} rules, all so")


def _judged(owner: Resource, path: str, raw: Any, port: Any, expected: str) -> Verdict | None:
    rule = mapping(raw)
    unclear = unread(raw)
    if unclear is not None:
        return undetermined(path, expected, unclear, owner.logical_id)
    one_port = as_number(rule.get("FromPort")) == as_number(rule.get("ToPort")) == port
    if not one_port or text_of(rule.get("IpProtocol")) not in ("tcp", "6"):
        place = f"{path}.FromPort".lstrip(".")
        return failed(place, expected, _shown(rule), owner.logical_id)
    if not rule.get("SourceSecurityGroupId"):
        source = next((name for name in ("CidrIp", "CidrIpv6", "SourcePrefixListId") if rule.get(name)), "CidrIp")
        return failed(f"{path}.{source}".lstrip("."), expected, _shown(rule), owner.logical_id)
    return None


def _shown(rule: Any) -> str:
    source = next((text_of(value) for name, value in rule.items() if name.startswith(("Cidr", "Source"))), "anywhere")
    ports = f"{text_of(rule.get('FromPort')) or 'all'}-{text_of(rule.get('ToPort')) or 'all'}"
    return f"{text_of(rule.get('IpProtocol')) or 'all'} {ports} from {source}"


_AVAILABLE = ("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)")
_REACH = (
    "164.308(a)(3)(i)",
    "164.308(a)(3)(ii)(B)",
    "164.308(a)(4)(i)",
    "164.308(a)(4)(ii)(B)",
    "164.308(a)(4)(ii)(C)",
    "164.312(a)(1)",
    "164.312(e)(1)",
)

CHECKS = (
    Check(
        slug="rds_parameter_group",
        service="RDS",
        severity=Severity.HIGH,
        title="The database uses a parameter group of its own, of its engine's version",
        remedy="Set DBParameterGroupName to an AWS::RDS::DBParameterGroup of the stack, of the engine's family.",
        citations=("164.312(b)", "164.312(e)(1)", "164.312(e)(2)(ii)"),
        types=(INSTANCE,),
        judge=when(_not_postgresql, _own_parameter_group),
    ),
    Check(
        slug="rds_log_groups",
        service="RDS",
        severity=Severity.HIGH,
        title="Every exported log has a log group of the stack",
        remedy="Create AWS::Logs::LogGroup /aws/rds/instance/IDENTIFIER/LOG: RDS's own has neither key nor retention.",
        citations=("164.312(a)(2)(iv)", "164.312(b)"),
        types=(INSTANCE,),
        judge=when(of_cluster, _has_log_groups),
    ),
    Check(
        slug="rds_log_groups_first",
        service="RDS",
        severity=Severity.MEDIUM,
        title="The log groups exist before the database writes to them",
        remedy="Name the log groups in the database's DependsOn.",
        citations=("164.312(a)(2)(iv)", "164.312(b)"),
        types=(INSTANCE,),
        judge=when(of_cluster, _waits_for_log_groups),
    ),
    Check(
        slug="rds_monitoring_role",
        service="RDS",
        severity=Severity.LOW,
        title="The monitoring role works",
        remedy=f"Let {MONITORING_SERVICE} assume the role and attach {MONITORING_POLICY}.",
        citations=("164.312(b)",),
        types=(INSTANCE,),
        judge=when(_unmonitored, related("MonitoringRoleArn", ("AWS::IAM::Role",), "a role", _monitoring_role_works)),
    ),
    Check(
        slug="rds_subnet_group",
        service="RDS",
        severity=Severity.HIGH,
        title="The database lies in chosen subnets, not in the default VPC",
        remedy="Set DBSubnetGroupName.",
        citations=("164.312(e)(1)",),
        types=(INSTANCE,),
        judge=when(of_cluster, expect("DBSubnetGroupName", lambda name: name not in ("", "default"), "a subnet group")),
    ),
    Check(
        slug="rds_subnet_zones",
        service="RDS",
        severity=Severity.MEDIUM,
        title="The database can move to another zone",
        remedy="Name subnets of two zones or more in SubnetIds.",
        citations=_AVAILABLE,
        types=(SUBNET_GROUP,),
        judge=_two_zones,
    ),
    Check(
        slug="rds_subnets_private",
        service="RDS",
        severity=Severity.CRITICAL,
        title="No internet gateway leads to the database's subnets",
        remedy="Remove the route, or choose subnets without one.",
        citations=("164.312(a)(1)", "164.312(e)(1)"),
        types=(SUBNET_GROUP,),
        judge=_no_route(_internet_gateway, "an internet gateway"),
    ),
    Check(
        slug="rds_subnets_no_way_out",
        service="RDS",
        severity=Severity.LOW,
        title="No NAT leads out of the database's subnets",
        remedy="Reach AWS services through VPC endpoints, or keep the database in subnets of its own.",
        citations=("164.312(e)(1)",),
        types=(SUBNET_GROUP,),
        judge=when(_owners_way_out, _no_route(_nat_gateway, "a NAT gateway or instance")),
    ),
    Check(
        slug="rds_security_group",
        service="RDS",
        severity=Severity.HIGH,
        title="The database has security groups of its own, not the VPC's default one",
        remedy="Name the database's groups in VPCSecurityGroups.",
        citations=_REACH,
        types=(INSTANCE,),
        judge=when(of_cluster, own_security_groups("VPCSecurityGroups")),
    ),
    Check(
        slug="rds_ingress",
        service="RDS",
        severity=Severity.HIGH,
        title="Only named workloads reach the database, on its port only",
        remedy="Allow the database's port from SourceSecurityGroupId, never from an address range.",
        citations=("164.308(a)(1)(ii)(B)", *_REACH),
        types=(INSTANCE,),
        judge=when(of_cluster, _only_from_groups),
    ),
)
