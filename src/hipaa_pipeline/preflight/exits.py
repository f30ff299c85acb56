"""Ways out of a blocked quota, ready to paste: raise it, use what exists, wait, or look at what could be removed.

Nothing here changes anything. Candidates for removal are only ever named, with the command to look at them.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.findings import Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.existing import Existing
from hipaa_pipeline.preflight.facts import Facts, Problem, Read, Unanswered, together
from hipaa_pipeline.preflight.handed_in import PROCESSOR_ROLE, PROCESSOR_SERVICE, trusts
from hipaa_pipeline.preflight.ledger import Row
from hipaa_pipeline.preflight.quotas import BY_SLUG, Quota
from hipaa_pipeline.preflight.subject import Subject
from hipaa_pipeline.preflight.vpc import Network, needs_of, private_subnets, read_network, requirements
from hipaa_pipeline.stack import Stack

MAX_CANDIDATES = 3
MAX_ROLES_LOOKED_AT = 10
LAST_USED_REACHES_BACK = datetime.timedelta(days=400)
PENDING = frozenset({"PENDING", "CASE_OPENED"})
_VPCS = BY_SLUG["vpcs"].key
_ROLES = BY_SLUG["roles"].key

# Parameters that take an existing role, and the service that must be able to assume it.
ROLE_PARAMETERS = {
    "ExistingMonitoringRoleArn": "monitoring.rds.amazonaws.com",
    "ExistingFlowLogRoleArn": "vpc-flow-logs.amazonaws.com",
    "ExistingBackupRoleArn": "backup.amazonaws.com",
}

# Parameters that do without a quota, and the value that does it.
SWITCHES = {
    "interface_endpoints": ("CreateVpcEndpoints", "false"),
    "gateway_endpoints": ("CreateVpcEndpoints", "false"),
    "shards": ("StreamMode", "ON_DEMAND"),
}


@dataclasses.dataclass(frozen=True)
class Exit:
    """One way out. `solves` are quota keys, `commands` are to paste, `parameters` to set in `parameters/ENV.json`."""

    slug: str
    title: str
    solves: tuple[str, ...]
    commands: tuple[str, ...] = ()
    parameters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The way out as plain JSON."""
        return {
            **dataclasses.asdict(self),
            "solves": list(self.solves),
            "commands": list(self.commands),
            "notes": list(self.notes),
        }


def exits(subject: Subject, rows: Iterable[Row], facts: Facts) -> list[Exit]:
    """Every way out of the rows that are blocked. Raises NotAskedYet; what AWS does not tell becomes a note."""
    blocked = [row for row in rows if row.status is Status.FAIL]
    slugs = {row.quota.slug for row in blocked}
    questions = [functools.partial(_increase, row, subject.stack, facts) for row in blocked]
    questions += [functools.partial(_switch, row, subject.stack) for row in blocked]
    if "vpcs" in slugs:
        questions += [functools.partial(way, subject, facts) for way in (_existing_vpcs, _idle_vpcs)]
    if "roles" in slugs:
        questions += [functools.partial(way, subject, facts) for way in (_existing_roles, _unused_roles)]
    return [found for answer in together(*questions) for found in answer]


def desired_value(row: Row) -> int | None:
    """What the quota must be at least for this deployment; None when that is not known."""
    if row.needed is None or row.used.value is None:
        return None
    return row.used.value + row.needed


def _increase(row: Row, stack: Stack, facts: Facts) -> list[Exit]:
    """Ask AWS for more, or wait for the request that is pending already."""
    quota, wanted = row.quota, desired_value(row)
    if quota.fixed:
        return [Exit("no_increase", f"{quota.name}: AWS grants no increase", (quota.key,))]
    if not quota.code:
        return [Exit("ask_support", f"{quota.name}: ask AWS Support for {wanted:,}", (quota.key,))]
    region = quota.region(stack.region, stack.partition)
    answer = facts.each(pending_read(quota, stack))[0]
    if isinstance(answer, Problem):
        notes: tuple[str, ...] = (f"whether a request is pending is not known: {answer.reason}",)
    else:
        notes = ()
        pending = [request for request in answer if request["Status"] in PENDING]
        if pending:
            return [_wait(row, pending[0], region)]
    command = (
        f"aws service-quotas request-service-quota-increase --service-code {quota.service}"
        f" --quota-code {quota.code} --desired-value {wanted} --region {region}"
    )
    return [Exit("request_increase", f"{quota.name}: ask for {wanted:,}", (quota.key,), (command,), notes=notes)]


def pending_read(quota: Quota, stack: Stack) -> Read:
    """The read of a quota's increase requests, in the Region that knows them."""
    region = quota.region(stack.region, stack.partition)
    elsewhere = "" if region == stack.region else region
    return aws.LIST_QUOTA_REQUESTS(in_region=elsewhere, ServiceCode=quota.service, QuotaCode=quota.code)


def _wait(row: Row, request: Mapping[str, Any], region: str) -> Exit:
    quota, asked = row.quota, int(request["DesiredValue"])
    enough = asked >= (desired_value(row) or 0)
    return Exit(
        "wait_for_increase",
        f"{quota.name}: {asked:,} is already asked for ({request['Status']})",
        (quota.key,),
        (f"aws service-quotas get-requested-service-quota-change --request-id {request['Id']} --region {region}",),
        notes=() if enough else (f"that is too little: {desired_value(row):,} are needed",),
    )


def _switch(row: Row, stack: Stack) -> list[Exit]:
    """A parameter that does without the quota, where the stack has one that is set otherwise."""
    name, value = SWITCHES.get(row.quota.slug, ("", ""))
    if stack.parameters.get(name, value) == value:
        return []
    title = f"{row.quota.name}: do without, if you can"
    return [Exit("switch", title, (row.quota.key,), parameters={name: value})]


def _existing_vpcs(subject: Subject, facts: Facts) -> list[Exit]:
    """VPCs of the account that could carry the stack, best first: how many requirements each meets, and which not."""
    solves = (_VPCS,)
    try:
        network = read_network(facts)
        scored = _scored(subject, network, facts)
    except Unanswered as unanswered:
        return [Exit("existing_vpc", "Use an existing VPC", solves, notes=(unanswered.problem.reason,))]
    found = [
        Exit(
            "existing_vpc",
            f"Use {vpc_id}" if not unmet else f"Use {vpc_id}, after: {', '.join(unmet)}",
            solves,
            parameters={"ExistingVpcId": vpc_id, "ExistingPrivateSubnetIds": ",".join(subnets)},
        )
        for vpc_id, subnets, unmet in scored[:MAX_CANDIDATES]
    ]
    return found or [Exit("existing_vpc", "No VPC here has private subnets in two zones", solves)]


def _scored(subject: Subject, network: Network, facts: Facts) -> list[tuple[str, list[str], list[str]]]:
    needs = needs_of(subject.stack, Existing())  # in another VPC everything is new
    chosen = {vpc["VpcId"]: private_subnets(vpc["VpcId"], network)[:2] for vpc in network.vpcs}
    usable = [(vpc_id, subnets) for vpc_id, subnets in chosen.items() if len(subnets) > 1]
    judged = together(
        *(
            lambda vpc_id=vpc_id, subnets=subnets: requirements(vpc_id, subnets, network, needs, facts)
            for vpc_id, subnets in usable
        )
    )
    scored = [
        (vpc_id, subnets, [each.remedy or each.rule for each in met if not each.held])
        for (vpc_id, subnets), met in zip(usable, judged, strict=True)
    ]
    return sorted(scored, key=lambda each: (len(each[2]), each[0]))


def _idle_vpcs(subject: Subject, facts: Facts) -> list[Exit]:
    """VPCs without any network interface: nothing runs in them now."""
    vpcs, interfaces = facts.each(aws.DESCRIBE_VPCS(), aws.DESCRIBE_NETWORK_INTERFACES())
    problem = next((each for each in (vpcs, interfaces) if isinstance(each, Problem)), None)
    if problem:
        return [Exit("idle_vpcs", "Which VPCs are idle is not known", (_VPCS,), notes=(problem.reason,))]
    busy = {interface.get("VpcId") for interface in interfaces}
    idle = sorted(vpc["VpcId"] for vpc in vpcs if vpc["VpcId"] not in busy)
    if not idle:
        return []
    region = subject.stack.region
    return [
        Exit(
            "idle_vpcs",
            f"Candidates to remove, yours to judge: {len(idle)} VPCs have no network interface",
            (_VPCS,),
            tuple(f"aws ec2 describe-vpcs --vpc-ids {each} --region {region}" for each in idle[:MAX_CANDIDATES]),
        )
    ]


def _existing_roles(subject: Subject, facts: Facts) -> list[Exit]:
    """Roles that the services may assume already, for the parameters that are empty and would create one each."""
    parameters = subject.stack.parameters
    services = {**ROLE_PARAMETERS, PROCESSOR_ROLE: str(parameters.get(PROCESSOR_SERVICE))}
    wanted = {name: service for name, service in services.items() if parameters.get(name) == ""}
    solves = (_ROLES,)
    if not wanted:
        return []
    roles = facts.each(aws.LIST_ROLES(MaxItems=1000))[0]
    if isinstance(roles, Problem):
        return [Exit("existing_roles", "Hand in existing roles", solves, notes=(roles.reason,))]
    found = {name: _assumable(roles, service) for name, service in wanted.items()}
    chosen = {name: arns[0] for name, arns in found.items() if arns}
    notes = [f"{name}: also {', '.join(arns[1:MAX_CANDIDATES])}" for name, arns in found.items() if len(arns) > 1]
    notes += [f"{name}: no role here trusts {wanted[name]}" for name, arns in found.items() if not arns]
    if not chosen:
        return [Exit("existing_roles", "No role here could be handed in", solves, notes=tuple(notes))]
    title = f"Hand in {len(chosen)} existing roles; check their permissions first"
    return [Exit("existing_roles", title, solves, parameters=chosen, notes=tuple(notes))]


def _assumable(roles: list[Any], service: str) -> list[str]:
    """ARNs of the roles that a service may assume, without service-linked ones, which nothing else can use."""
    return sorted(
        role["Arn"]
        for role in roles
        if not role["Path"].startswith("/aws-service-role/") and trusts(role["AssumeRolePolicyDocument"], service)
    )


def _unused_roles(subject: Subject, facts: Facts) -> list[Exit]:
    """Roles of which IAM has seen no use. It looks back 400 days, and only GetRole tells: the oldest ones are asked."""
    roles = facts.each(aws.LIST_ROLES(MaxItems=1000))[0]
    if isinstance(roles, Problem):
        return []
    old = sorted(_older_than(roles, subject.now - LAST_USED_REACHES_BACK), key=lambda role: role["CreateDate"])
    names = [role["RoleName"] for role in old[:MAX_ROLES_LOOKED_AT]]
    answers = facts.each(*(aws.GET_ROLE(RoleName=name) for name in names))
    problems = [answer.reason for answer in answers if isinstance(answer, Problem)]
    unused = [
        name
        for name, answer in zip(names, answers, strict=True)
        if not isinstance(answer, Problem) and not answer["Role"].get("RoleLastUsed", {}).get("LastUsedDate")
    ]
    if not unused and not problems:
        return []
    return [
        Exit(
            "unused_roles",
            f"Candidates to remove, yours to judge: no use seen in 400 days of {len(unused)} of the"
            f" {len(names)} oldest roles",
            (_ROLES,),
            tuple(f"aws iam get-role --role-name {name}" for name in unused[:MAX_CANDIDATES]),
            notes=tuple(dict.fromkeys(problems)),
        )
    ]


def _older_than(roles: list[Any], moment: datetime.datetime) -> Iterator[Any]:
    for role in roles:
        if not role["Path"].startswith("/aws-service-role/") and role["CreateDate"] < moment:
            yield role


def remedy(row: Row, found: Iterable[Exit]) -> str:
    """The ways out of one row in one text, for its finding."""
    parts = []
    for way in found:
        if row.quota.key in way.solves:
            settings = ", ".join(f"{name}={value}" for name, value in way.parameters.items())
            parts.append(": ".join(part for part in (way.title, settings or "; ".join(way.commands)) if part))
    return " | ".join(parts)
