"""Security groups: nothing is open to the world, and outbound traffic is named too."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.controls.check import (
    Check,
    Judge,
    Severity,
    Verdict,
    failed,
    listed,
    mapping,
    passed,
    problems_or_pass,
    undetermined,
    unread,
)
from hipaa_pipeline.controls.policy import text_of
from hipaa_pipeline.controls.relations import referring
from hipaa_pipeline.stack import Resource, Stack, as_number, is_unknown

GROUP = "AWS::EC2::SecurityGroup"
INGRESS = "AWS::EC2::SecurityGroupIngress"
EGRESS = "AWS::EC2::SecurityGroupEgress"
_ALL_PORTS = 65535


def _rules(resource: Resource, inline: str) -> list[tuple[str, Any]]:
    """The rules of a group under `inline`, or the one rule that the resource itself is; each with its place."""
    if resource.type != GROUP:
        return [("", resource.properties)]
    found = listed(resource.properties.get(inline))
    return [(f"{inline}[{index}].", rule) for index, rule in enumerate(found)]


def _is_world(address: Any) -> bool:
    """Whether an address range is the whole internet, or so much of it that it is nearly that."""
    try:
        network = ipaddress.ip_network(text_of(address), strict=False)
    except ValueError:
        return False
    return network.prefixlen == 0 or (network.prefixlen < 8 and network.is_global)


def _each_rule(
    inline: str, expected: str, fault: Callable[[Mapping[str, Any]], tuple[str, Any] | None], *reads: str
) -> Judge:
    """No rule has a fault; `fault` returns the property and its value, `reads` are the properties it looks at."""

    def judge(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
        rules = _rules(resource, inline)
        problems = (problem for place, rule in rules for problem in _problems(place, rule, expected, fault, reads))
        yield from problems_or_pass(problems, inline if resource.type == GROUP else "", expected, f"{len(rules)} rules")

    return judge


def _problems(
    place: str,
    rule: Any,
    expected: str,
    fault: Callable[[Mapping[str, Any]], tuple[str, Any] | None],
    reads: tuple[str, ...],
) -> Iterator[Verdict]:
    found = fault(mapping(rule))
    unclear = rule if is_unknown(rule) else unread(*(mapping(rule).get(name) for name in reads))
    if found is not None:
        yield failed(f"{place}{found[0]}", expected, found[1])
    elif unclear is not None:
        yield undetermined(place.rstrip("."), expected, unclear)


def _world(rule: Mapping[str, Any]) -> tuple[str, Any] | None:
    open_ranges = ((name, rule.get(name)) for name in ("CidrIp", "CidrIpv6") if _is_world(rule.get(name)))
    return next(open_ranges, None)


def _all_ports(rule: Mapping[str, Any]) -> tuple[str, Any] | None:
    protocol = text_of(rule.get("IpProtocol"))
    if protocol == "-1":
        return "IpProtocol", "-1: every protocol and port"
    first, last = as_number(rule.get("FromPort")), as_number(rule.get("ToPort"))
    if protocol in ("tcp", "udp", "6", "17") and first is not None and last is not None:
        return ("FromPort", f"{first}-{last}") if last - first >= _ALL_PORTS - 1 else None
    return None


def _egress_named(group: Resource, stack: Stack) -> Iterator[Verdict]:
    rules, expected = group.properties.get("SecurityGroupEgress"), "one rule or more"
    attached = referring(stack, EGRESS, "GroupId", group)
    if is_unknown(rules):
        yield undetermined("SecurityGroupEgress", expected, rules)
    elif listed(rules) or attached:
        yield passed("SecurityGroupEgress", expected, f"{len(listed(rules)) + len(attached)} rules")
    else:
        yield failed("SecurityGroupEgress", expected, "not set: everything is allowed out")


_REACH = (
    "164.308(a)(3)(i)",
    "164.308(a)(3)(ii)(B)",
    "164.308(a)(4)(i)",
    "164.308(a)(4)(ii)(B)",
    "164.308(a)(4)(ii)(C)",
    "164.312(a)(1)",
    "164.312(e)(1)",
)
_NOT_WORLD = "no address range of the whole internet"
_RANGES = ("CidrIp", "CidrIpv6")

CHECKS = (
    Check(
        slug="security_group_not_open",
        service="VPC",
        severity=Severity.CRITICAL,
        title="No inbound rule admits the whole internet, on any port",
        remedy="Name the source security group or the address range of those who may come in.",
        citations=("164.308(a)(1)(ii)(B)", *_REACH),
        types=(GROUP, INGRESS),
        judge=_each_rule("SecurityGroupIngress", _NOT_WORLD, _world, *_RANGES),
    ),
    Check(
        slug="security_group_ports",
        service="VPC",
        severity=Severity.HIGH,
        title="Inbound rules name their ports",
        remedy="Set IpProtocol, FromPort and ToPort to what the service behind the group listens on.",
        citations=_REACH,
        types=(GROUP, INGRESS),
        judge=_each_rule(
            "SecurityGroupIngress", "a protocol and its ports", _all_ports, "IpProtocol", "FromPort", "ToPort"
        ),
    ),
    Check(
        slug="security_group_egress_named",
        service="VPC",
        severity=Severity.MEDIUM,
        title="Outbound traffic is named: a group without outbound rules allows all of it",
        remedy="Set SecurityGroupEgress; 255.255.255.255/32 leads nowhere.",
        citations=("164.312(a)(1)", "164.312(e)(1)"),
        types=(GROUP,),
        judge=_egress_named,
    ),
    Check(
        slug="security_group_egress_not_open",
        service="VPC",
        severity=Severity.MEDIUM,
        title="No outbound rule leads to the whole internet",
        remedy="Name the destination: a security group, a prefix list or an address range.",
        citations=("164.312(e)(1)",),
        types=(GROUP, EGRESS),
        judge=_each_rule("SecurityGroupEgress", _NOT_WORLD, _world, *_RANGES),
    ),
)
