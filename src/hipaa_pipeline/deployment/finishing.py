"""Finish a deployment: what only APIs can set. Every step may be repeated; the next `deploy` does those that failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from hipaa_pipeline.aws import finishing, stacks
from hipaa_pipeline.aws.session import AwsError, ErrorKind
from hipaa_pipeline.aws.stacks import DeployedStack, StackResource
from hipaa_pipeline.deployment.changes import stack_policy
from hipaa_pipeline.deployment.order import Order, Tools
from hipaa_pipeline.findings import Finding, Status

FINISHED = "deployment_finished"
POLICY = "stack_policy_set"
IN_EFFECT = "static_parameters_in_effect"
LATER = "later"
_WHEN = {LATER: "they take effect at the next reboot", "now": "the database is away for about a minute"}


def finish(order: Order, tools: Tools, stack: DeployedStack) -> list[Finding]:
    """Do every step; one finding each, so that a step that was denied is told and does not hide the others."""
    try:
        resources = stacks.resources(tools.session, stack.stack_id)
    except AwsError as error:
        return [_not_done(FINISHED, stack.name, order.deploy_command, error)]
    steps: dict[str, Callable[[], Finding]] = {
        POLICY: lambda: _policy(tools, stack.stack_id, stack.name, resources),
        "termination_protection_set": lambda: _protection(order, tools, stack),
        "default_security_group_closed": lambda: _default_groups(tools, stack, resources),
        IN_EFFECT: lambda: _reboots(tools, stack, resources),
    }
    return [_tried(slug, step, stack.name, order.deploy_command) for slug, step in steps.items()]


def put_policy_back(order: Order, tools: Tools, stack_id: str) -> Finding:
    """Only the stack policy, as it is without an allowed replacement: for when the replacement did not come about."""

    def step() -> Finding:
        return _policy(tools, stack_id, order.stack_name, stacks.resources(tools.session, stack_id))

    return _tried(POLICY, step, order.stack_name, order.deploy_command)


def _tried(slug: str, step: Callable[[], Finding], stack_name: str, again: str) -> Finding:
    try:
        return step()
    except AwsError as error:
        return _not_done(slug, stack_name, again, error)


def _not_done(slug: str, stack_name: str, again: str, error: AwsError) -> Finding:
    """A denial is a failure that somebody can mend; what else went wrong leaves the step's state unknown."""
    denied = error.kind is ErrorKind.DENIED
    return Finding(
        control=slug,
        status=Status.FAIL if denied else Status.UNKNOWN,
        resource=stack_name,
        actual=error.message or error.code,
        remedy=f"Allow {error.action}, then {again}." if denied else again,
        reason=f"{error.action}: {error.code or error.kind}",
    )


def _policy(tools: Tools, stack_id: str, stack_name: str, resources: Sequence[StackResource]) -> Finding:
    """Also puts back the policy that an allowed replacement was let through with."""
    wanted = stack_policy({resource.logical_id: resource.type for resource in resources})
    found = stacks.policy(tools.session, stack_id)
    if not found or json.loads(found) != json.loads(wanted):
        stacks.set_policy(tools.session, stack_id, wanted)
    return _done(POLICY, stack_name, "StackPolicy", "denies replacing and deleting what holds data")


def _protection(order: Order, tools: Tools, stack: DeployedStack) -> Finding:
    if stack.protected != order.protected:
        stacks.set_protection(tools.session, stack.stack_id, protected=order.protected)
    return _done("termination_protection_set", stack.name, "EnableTerminationProtection", order.protected)


def _default_groups(tools: Tools, stack: DeployedStack, resources: Sequence[StackResource]) -> Finding:
    closed = finishing.close_default_groups(tools.session, resources)
    return _done(
        "default_security_group_closed",
        next((resource.logical_id for resource in resources if resource.type == finishing.VPC), stack.name),
        "DefaultSecurityGroup",
        f"rules removed from {', '.join(closed)}" if closed else "no rules",
    )


def _reboots(tools: Tools, stack: DeployedStack, resources: Sequence[StackResource]) -> Finding:
    """A reboot interrupts the database, so only a person at a terminal can choose it, not even `--yes`."""
    for database in finishing.pending_reboots(tools.session, resources):
        question = f"{database.logical_id} has new static parameters. Reboot it?"
        chosen = tools.ask.choose(question, _WHEN, LATER)
        if chosen == LATER or not finishing.reboot(tools.session, tools.clock, database.identifier):
            return Finding(
                control=IN_EFFECT,
                status=Status.FAIL,
                resource=database.logical_id,
                property="DBParameterGroups.ParameterApplyStatus",
                expected="in-sync",
                actual="pending-reboot",
                remedy=f"aws rds reboot-db-instance --db-instance-identifier {database.identifier}",
            )
    return _done(IN_EFFECT, stack.name, "DBParameterGroups.ParameterApplyStatus", "in-sync")


def _done(slug: str, resource: str, name: str, value: object) -> Finding:
    return Finding(control=slug, status=Status.PASS, resource=resource, property=name, expected=value, actual=value)
