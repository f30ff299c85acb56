"""The network: its traffic is recorded, and services are reached without the internet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_pipeline.controls.check import (
    Check,
    Judge,
    Severity,
    Verdict,
    expect,
    failed,
    is_false,
    is_one_of,
    is_true,
    listed,
    mapping,
    not_applicable,
    problems_or_pass,
    undetermined,
    unread,
    verdict,
    when,
)
from hipaa_pipeline.controls.policy import ENDPOINT, Statement, text_of, undecided
from hipaa_pipeline.controls.relations import (
    admits_service,
    allows,
    handed_in,
    identity_policy,
    is_customer_key,
    log_group_arn,
    own_security_groups,
    referring,
    related,
)
from hipaa_pipeline.controls.scan import no_grant
from hipaa_pipeline.findings import Status
from hipaa_pipeline.stack import Resource, Stack, as_bool, is_unknown

VPC = "AWS::EC2::VPC"
SUBNET = "AWS::EC2::Subnet"
FLOW_LOG = "AWS::EC2::FlowLog"
VPC_ENDPOINT = "AWS::EC2::VPCEndpoint"
FLOW_LOG_SERVICE = "vpc-flow-logs.amazonaws.com"
# https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
FLOW_LOG_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams")

# The endpoint that keeps the traffic to each kind of resource off the internet.
SERVICES: Mapping[str, str] = {
    "AWS::Kinesis::Stream": "kinesis-streams",
    "AWS::KMS::Key": "kms",
    "AWS::Logs::LogGroup": "logs",
    "AWS::CloudWatch::Alarm": "monitoring",
    "AWS::IAM::Role": "sts",
}


def _has_flow_log(vpc: Resource, stack: Stack) -> Iterator[Verdict]:
    logs = referring(stack, FLOW_LOG, "ResourceId", vpc)
    yield verdict(bool(logs), "", f"an {FLOW_LOG} of the VPC", ", ".join(log.logical_id for log in logs) or None)


def _into_encrypted_group(log: Resource, stack: Stack) -> Iterator[Verdict]:
    kind = text_of(log.properties.get("LogDestinationType")) or "cloud-watch-logs"
    if kind != "cloud-watch-logs":
        yield not_applicable("the destination is no log group", "LogDestinationType", kind)
        return
    path = "LogGroupName" if log.properties.get("LogGroupName") is not None else "LogDestination"
    expected = "a log group of this stack with a customer managed key"
    yield from related(path, ("AWS::Logs::LogGroup",), expected, _encrypted)(log, stack)


def _encrypted(group: Resource, log: Resource, stack: Stack) -> Iterator[Verdict]:
    path = "LogGroupName" if log.properties.get("LogGroupName") is not None else "LogDestination"
    key = group.properties.get("KmsKeyId")
    expected = "a log group of this stack with a customer managed key"
    if is_unknown(key):
        yield undetermined(path, expected, key)
    else:
        without = f"{group.logical_id} without one"
        yield verdict(is_customer_key(key, stack), path, expected, group.logical_id if key else without)


def _flow_log_role_works(role: Resource, log: Resource, stack: Stack) -> Iterator[Verdict]:
    path, expected = "DeliverLogsPermissionArn", f"a role that {FLOW_LOG_SERVICE} may assume and that writes the log"
    if not admits_service(role, FLOW_LOG_SERVICE):
        yield failed(path, expected, f"{role.logical_id} does not trust {FLOW_LOG_SERVICE}")
        return
    group = stack.target(log.properties.get("LogGroupName")) or stack.target(log.properties.get("LogDestination"))
    if group is None:
        yield handed_in("LogGroupName", log.properties.get("LogGroupName"))
        return
    arn = log_group_arn(group, stack)
    names = (f"${{{group.logical_id}.Arn}}", f"{arn}:*", f"{arn}:log-stream:name")
    policy = list(identity_policy(role, stack))
    lacking = [action for action in FLOW_LOG_ACTIONS if not allows(policy, action, names)]
    unclear = undecided(policy)
    if lacking and unclear is not None:
        yield undetermined(path, expected, unclear)
    else:
        shown = f"{role.logical_id} without {', '.join(lacking)}" if lacking else role.logical_id
        yield verdict(not lacking, path, expected, shown)


def _not_to_logs(log: Resource, _stack: Stack) -> str:
    kind = text_of(log.properties.get("LogDestinationType")) or "cloud-watch-logs"
    return "" if kind == "cloud-watch-logs" else "the destination needs no role"


def _default_group_closed(vpc: Resource, _stack: Stack) -> Iterator[Verdict]:
    path, group = "DefaultSecurityGroup", vpc.attributes.get("DefaultSecurityGroup")
    expected = "no rules in the default security group"
    if group is None:
        yield not_applicable("no template can change the default group: deploy closes it, and verify looks at it")
        return
    rules = [mapping(group).get(name) for name in ("SecurityGroupIngress", "SecurityGroupEgress")]
    unclear = unread(group)
    if unclear is not None:
        yield undetermined(path, expected, unclear)
        return
    count = sum(len(listed(value)) for value in rules)
    if count and vpc.handed_in:  # others may live by these rules; preflight and deploy leave them alone too
        reason = "the VPC is handed in: whether its default group is closed is for its owner to say"
        yield not_applicable(reason, path, f"{count} rules")
    else:
        yield verdict(count == 0, path, expected, f"{count} rules")


def _no_public_addresses(subnet: Resource, stack: Stack) -> Iterator[Verdict]:
    first, second = "MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation"
    answers = [answer for name in (first, second) for answer in is_false(name, default=False)(subnet, stack)]
    problems = (answer for answer in answers if answer.status is not Status.PASS)
    yield from problems_or_pass(problems, first, False, answers[0].actual)


def _service(endpoint: Resource) -> str:
    """The service of an endpoint without Region and prefix: `kinesis-streams`."""
    return text_of(endpoint.properties.get("ServiceName")).rsplit(".", 1)[-1]


def _of_interfaces(judge: Judge) -> Judge:
    """Ask only of interface endpoints: those of other kinds have no address, no group and no name of their own."""

    def asked(endpoint: Resource, stack: Stack) -> Iterator[Verdict]:
        kind = endpoint.get("VpcEndpointType")
        if is_unknown(kind):
            yield undetermined("VpcEndpointType", "Interface, or another kind", kind)
        elif (text_of(kind) or "Gateway") == "Interface":
            yield from judge(endpoint, stack)
        else:
            yield not_applicable(f"it is a {text_of(kind) or 'Gateway'} endpoint")

    return asked


def _private_names(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    if resource.type == VPC:
        yield from when(_without_endpoints, _resolves_names)(resource, stack)
    else:
        yield from _of_interfaces(is_true("PrivateDnsEnabled", default=False))(resource, stack)


def _without_endpoints(vpc: Resource, stack: Stack) -> str:
    """A VPC that is handed in may have endpoints of its owner's, and the database has a name in it."""
    used = vpc.handed_in or referring(stack, VPC_ENDPOINT, "VpcId", vpc)
    return "" if used else "the VPC has no endpoints"


def _resolves_names(vpc: Resource, stack: Stack) -> Iterator[Verdict]:
    yield from is_true("EnableDnsSupport", default=True)(vpc, stack)
    yield from is_true("EnableDnsHostnames", default=False)(vpc, stack)


def _own_account_only(statement: Statement, _stack: Stack) -> Iterator[Verdict]:
    """A grant to everyone must be tied to principals of this account; which resources they reach is not looked at."""
    if any(value == "*" for _, value in statement.principals) and not statement.ties(_PRINCIPALS):
        yield failed(f"{statement.path}.Condition", _OWN_ACCOUNT, "anyone who reaches the endpoint")


def _has_policy(endpoint: Resource, stack: Stack) -> Iterator[Verdict]:
    policy = endpoint.properties.get("PolicyDocument")
    if policy is None:
        yield failed("PolicyDocument", _OWN_ACCOUNT, "not set: anyone may do anything through the endpoint")
        return
    yield from no_grant(ENDPOINT, _OWN_ACCOUNT, _own_account_only, "Principal", "Condition")(endpoint, stack)


def _complete(vpc: Resource, stack: Stack) -> Iterator[Verdict]:
    """An isolated VPC with endpoints has one for each service of the stack, or workloads fail or seek another way."""
    endpoints = {_service(endpoint): endpoint for endpoint in referring(stack, VPC_ENDPOINT, "VpcId", vpc)}
    if not endpoints:
        yield not_applicable("the VPC has no endpoints: nothing leaves it, or endpoints are handed in")
        return
    used = {service for type_, service in SERVICES.items() if stack.of_type(type_)}
    if any(as_bool(database.properties.get("ManageMasterUserPassword")) for database in _databases(stack)):
        used.add("secretsmanager")
    missing = sorted(used - set(endpoints))
    shown = f"none for {', '.join(missing)}" if missing else ", ".join(sorted(endpoints))
    yield verdict(not missing, "", f"endpoints for {', '.join(sorted(used))}", shown)


def _databases(stack: Stack) -> tuple[Resource, ...]:
    return stack.of_type("AWS::RDS::DBInstance", "AWS::RDS::DBCluster")


def _two(value: Any) -> bool:
    return len(listed(value)) > 1


_PRINCIPALS = frozenset({"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:sourceaccount"})
_OWN_ACCOUNT = "principals of this account only (aws:PrincipalAccount)"
_RECORD = ("164.308(a)(1)(ii)(D)", "164.308(a)(3)(ii)(A)", "164.308(a)(6)(ii)", "164.312(b)")
_TRANSIT = ("164.312(e)(1)",)

CHECKS = (
    Check(
        slug="vpc_flow_log",
        service="VPC",
        severity=Severity.HIGH,
        title="The VPC's traffic is recorded",
        remedy="Add an AWS::EC2::FlowLog of the VPC.",
        citations=_RECORD,
        types=(VPC,),
        judge=_has_flow_log,
    ),
    Check(
        slug="flow_log_all_traffic",
        service="VPC",
        severity=Severity.MEDIUM,
        title="Accepted and rejected traffic is recorded",
        remedy="Set TrafficType to ALL.",
        citations=_RECORD,
        types=(FLOW_LOG,),
        judge=is_one_of("TrafficType", ("ALL",)),
    ),
    Check(
        slug="flow_log_encrypted",
        service="VPC",
        severity=Severity.MEDIUM,
        title="The record of traffic goes into an encrypted log group",
        remedy="Set LogGroupName to a log group of the stack that has a KmsKeyId.",
        citations=("164.312(a)(2)(iv)", "164.312(b)"),
        types=(FLOW_LOG,),
        judge=_into_encrypted_group,
    ),
    Check(
        slug="flow_log_role",
        service="VPC",
        severity=Severity.MEDIUM,
        title="The role of the flow log can write to its log group",
        remedy=f"Let {FLOW_LOG_SERVICE} assume the role, and allow it {', '.join(FLOW_LOG_ACTIONS)} on the group.",
        citations=("164.312(b)",),
        types=(FLOW_LOG,),
        judge=when(
            _not_to_logs, related("DeliverLogsPermissionArn", ("AWS::IAM::Role",), "a role", _flow_log_role_works)
        ),
    ),
    Check(
        slug="vpc_default_group_closed",
        service="VPC",
        severity=Severity.MEDIUM,
        title="The VPC's default security group has no rules",
        remedy="Run deploy, which removes the rules: CloudFormation has no resource for this group.",
        citations=_TRANSIT,
        types=(VPC,),
        judge=_default_group_closed,
    ),
    Check(
        slug="subnet_no_public_addresses",
        service="VPC",
        severity=Severity.HIGH,
        title="The subnet gives nothing a public address",
        remedy="Set MapPublicIpOnLaunch and AssignIpv6AddressOnCreation to false.",
        citations=("164.308(a)(3)(i)", "164.308(a)(4)(ii)(C)", "164.312(a)(1)", "164.312(e)(1)"),
        types=(SUBNET,),
        judge=_no_public_addresses,
    ),
    Check(
        slug="vpc_endpoints_complete",
        service="VPC",
        severity=Severity.MEDIUM,
        title="Every service that the stack uses is reached through an endpoint",
        remedy="Add the interface endpoint.",
        citations=_TRANSIT,
        types=(VPC,),
        judge=_complete,
    ),
    Check(
        slug="vpc_endpoint_private_dns",
        service="VPC",
        severity=Severity.MEDIUM,
        title="The service's usual name leads to the endpoint",
        remedy="Set PrivateDnsEnabled to true, and EnableDnsSupport and EnableDnsHostnames on the VPC.",
        citations=_TRANSIT,
        types=(VPC_ENDPOINT, VPC),
        judge=_private_names,
    ),
    Check(
        slug="vpc_endpoint_policy",
        service="VPC",
        severity=Severity.MEDIUM,
        title="Only principals of this account use the endpoint",
        remedy="Set a PolicyDocument with a condition on aws:PrincipalAccount.",
        citations=("164.312(a)(1)", "164.312(e)(1)"),
        types=(VPC_ENDPOINT,),
        judge=_has_policy,
    ),
    Check(
        slug="vpc_endpoint_security_group",
        service="VPC",
        severity=Severity.MEDIUM,
        title="The endpoint has security groups of its own, not the VPC's default one",
        remedy="Name the endpoint's groups in SecurityGroupIds.",
        citations=_TRANSIT,
        types=(VPC_ENDPOINT,),
        judge=_of_interfaces(own_security_groups("SecurityGroupIds")),
    ),
    Check(
        slug="vpc_endpoint_zones",
        service="VPC",
        severity=Severity.LOW,
        title="The endpoint stays reachable when a zone fails",
        remedy="Name two subnets or more in SubnetIds.",
        citations=("164.308(a)(7)(ii)(C)",),
        types=(VPC_ENDPOINT,),
        judge=_of_interfaces(expect("SubnetIds", _two, "two subnets or more")),
    ),
)
