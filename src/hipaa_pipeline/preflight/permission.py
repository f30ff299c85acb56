"""May the caller do what deploying takes? IAM simulates every action for them, before anything is tried.

The simulation is of the role or user's own policies, its permissions boundary and the organisation's service control
policies; it knows neither session policies nor the policies of resources.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable
from typing import Any

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.permissions.grants import Grant, filled, needed_by
from hipaa_pipeline.permissions.updates import ONLY_FOR_UPDATES
from hipaa_pipeline.preflight.existing import existing_stack
from hipaa_pipeline.preflight.facts import Facts, Problem, Read, Unanswered, together
from hipaa_pipeline.preflight.operations import GET_CALLER_IDENTITY, GET_ROLE, SIMULATE_PRINCIPAL_POLICY
from hipaa_pipeline.preflight.service_linked import all_exist
from hipaa_pipeline.preflight.subject import WARNING, Subject
from hipaa_pipeline.stack import Stack

CONTROL = "permissions"
DOCUMENT = "docs/permissions.md"
CREATE_SERVICE_LINKED_ROLE = "iam:CreateServiceLinkedRole"
_NAME_PREFIX = "hipaa-pipeline-"


@dataclasses.dataclass(frozen=True)
class Decision:
    """What IAM decided on one action: allowed, or not and by whom, or not known for want of a context value."""

    action: str
    status: Status
    why: str = ""


def permissions(subject: Subject, facts: Facts) -> list[Finding]:
    """Every action that deploying this stack takes is allowed to whoever deploys it. Raises Unanswered."""
    source = subject.deployer or policy_source(facts)
    if isinstance(source, Finding):
        return [source]
    types = [resource.type for resource in subject.stack.resources.values()]
    grants = [grant for grant in needed_by(types) if "deploy" in grant.commands]
    reads = _simulations(grants, source, subject.stack)
    existing, complete, _ = together(
        lambda: existing_stack(subject.stack, facts),
        lambda: all_exist(subject.stack, facts),
        lambda: facts.each(*reads.values()),
    )
    # What a new stack does not need yet is no reason to stop it; nor is a role that need not be created.
    later = frozenset() if existing.physical_ids else ONLY_FOR_UPDATES
    asked = [grant for grant in grants if not (complete and grant.actions == (CREATE_SERVICE_LINKED_ROLE,))]
    return [_finding(grant, facts.each(reads[grant.resources])[0], later) for grant in asked]


def policy_source(facts: Facts) -> str | Finding:
    """The ARN whose policies apply to the caller; a finding where there is none to simulate. Raises Unanswered.

    An assumed role's session ARN lacks the role's path (`/aws-reserved/sso.amazonaws.com/…`), so the role is asked for.
    """
    arn = str(facts(GET_CALLER_IDENTITY())["Arn"])
    kind, _, name = arn.split(":", 5)[5].partition("/")
    if kind == "assumed-role":
        role = facts.maybe(GET_ROLE(RoleName=name.split("/")[0]))
        if role is None:
            raise Unanswered(
                Problem("not-found", GET_ROLE.action, "NoSuchEntity", f"{name.split('/')[0]}, the caller's")
            )
        return str(role["Role"]["Arn"])
    if kind == "user":
        return arn
    if kind == "root":
        reason = "the root user may do everything but what the organisation forbids"
        return Finding(control=CONTROL, status=Status.NOT_APPLICABLE, resource=arn, reason=reason)
    reason = f"IAM cannot simulate {kind}"
    return Finding(control=CONTROL, status=Status.UNKNOWN, resource=arn, reason=reason, remedy="deploy as a role")


def _simulations(grants: Iterable[Grant], source: str, stack: Stack) -> dict[tuple[str, ...], Read]:
    """One simulation for all actions on the same resources, by those resources: a dozen calls instead of thirty."""
    values = {
        "partition": stack.partition,
        "region": stack.region,
        "account": stack.account_id,
        "stack": stack.name,
        "suffix": str(stack.parameters.get("EnvironmentSuffix", "")),
        "environment": stack.name.removeprefix(_NAME_PREFIX),
    }
    by_resources: dict[tuple[str, ...], list[Grant]] = collections.defaultdict(list)
    for grant in grants:
        by_resources[grant.resources].append(grant)
    return {
        resources: SIMULATE_PRINCIPAL_POLICY(
            PolicySourceArn=source,
            ActionNames=sorted({action for grant in group for action in grant.actions}),
            ResourceArns=[filled(resource, values) for resource in resources],
            ContextEntries=_context(group, values),
            MaxItems=1000,
        )
        for resources, group in by_resources.items()
    }


def _context(grants: Iterable[Grant], values: dict[str, str]) -> list[dict[str, Any]]:
    """What the requests will carry: a policy with our own conditions must not be taken for a refusal."""
    entries = {
        key: [filled(option, values) for option in options]
        for grant in grants
        for keys in grant.conditions.values()
        for key, options in keys.items()
    }
    return [
        {"ContextKeyName": key, "ContextKeyValues": options[:1], "ContextKeyType": "string"}
        for key, options in sorted(entries.items())
    ]


def _finding(grant: Grant, answer: Any, later: frozenset[str]) -> Finding:
    found = Finding(
        control=CONTROL,
        rule=f"may_{grant.sid}",
        status=Status.PASS,
        resource=grant.sid,
        expected=f"{len(grant.actions)} actions are allowed: {grant.why}",
        actual="allowed",
    )
    if isinstance(answer, Problem):
        return dataclasses.replace(
            found, status=Status.UNKNOWN, actual=None, reason=answer.reason, remedy=answer.remedy
        )
    results = {result["EvalActionName"]: result for result in answer}
    decisions = [decision(action, results.get(action)) for action in grant.actions]
    refused = [each for each in decisions if each.status is Status.FAIL]
    now = [each for each in refused if each.action not in later]
    if now:
        return dataclasses.replace(
            found, status=Status.FAIL, actual=f"refused: {_listed(now)}", remedy=_allow(now, grant)
        )
    open_ones = [each for each in decisions if each.status is Status.UNKNOWN]
    if open_ones:
        return dataclasses.replace(found, status=Status.UNKNOWN, actual=None, reason=_listed(open_ones))
    if refused:
        reason = f"this stack can be created, but not updated later: {_listed(refused)} refused"
        return dataclasses.replace(found, severity=WARNING, reason=reason, remedy=_allow(refused, grant))
    return found


def _allow(refused: Iterable[Decision], grant: Grant) -> str:
    actions = ", ".join(each.action for each in refused)
    return f"allow {actions} ({DOCUMENT}, statement {grant.sid})"


def decision(action: str, result: Any) -> Decision:
    """What one evaluation result says of an action; the result None is no answer, so the action is unknown.

    The result for several resources is the strictest of them; who refused is told by the organisation's and the
    boundary's own verdicts.
    """
    if result is None:
        return Decision(action, Status.UNKNOWN, "IAM gave no answer")
    verdict = str(result["EvalDecision"])
    if verdict == "allowed":
        return Decision(action, Status.PASS)
    missing = result.get("MissingContextValues", [])
    if missing and verdict == "implicitDeny":
        return Decision(action, Status.UNKNOWN, f"depends on {', '.join(missing)}")
    if result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations") is False:
        return Decision(action, Status.FAIL, "by the organisation")
    if result.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary") is False:
        return Decision(action, Status.FAIL, "by the permissions boundary")
    return Decision(action, Status.FAIL, "explicitly" if verdict == "explicitDeny" else "")


def _listed(decisions: Iterable[Decision]) -> str:
    texts = (f"{each.action} ({each.why})" if each.why else each.action for each in decisions)
    return ", ".join(dict.fromkeys(texts))
