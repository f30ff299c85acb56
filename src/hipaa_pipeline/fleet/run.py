"""Take a plan's steps: one operation after the other, each followed to its end, what fails in one target told of that
target and no other."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from hipaa_pipeline.aws import stacksets
from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.aws.stacksets import Address, Outcome, StillRunning
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.fleet.blocks import Block
from hipaa_pipeline.fleet.file import Fleet
from hipaa_pipeline.fleet.plan import Action, Content, Found, Plan, Row, Step
from hipaa_pipeline.fleet.state import Standing

_VERBS = {Action.CREATE: "create", Action.UPDATE: "update", Action.DELETE: "delete"}
_BUSY = "OperationInProgressException"
_FIRST = frozenset({Action.CREATE_SET, Action.UPDATE_SET})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tools:
    """What the work is done with: every effect is an argument. `new_id` makes operation IDs, `say` tells a person."""

    session: Session
    clock: Clock
    new_id: Callable[[], str]
    say: Callable[[str], None]
    timeout: float


@dataclasses.dataclass(frozen=True)
class Taken:
    """A step that was taken: its operation's end, how it went where, and the error when it never began."""

    step: Step
    status: str = "SUCCEEDED"
    outcomes: tuple[Outcome, ...] = ()
    error: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """What was done, and what is there now."""

    taken: tuple[Taken, ...]
    found: Found

    @property
    def failed(self) -> bool:
        """Whether a step never began."""
        return any(each.error for each in self.taken)


def exit_code(rows: Sequence[Row], *, failed: bool = False) -> ExitCode:
    """0 when every target is current, surplus stacks aside; 3 when an operation is still at work on some; else 1."""
    standings = {row.standing for row in rows} - {Standing.CURRENT, Standing.SURPLUS}
    if failed or standings - {Standing.RUNNING}:
        return ExitCode.FAILED
    return ExitCode.UNKNOWN if standings else ExitCode.GOOD


def address(fleet: Fleet) -> Address:
    """The fleet's stack set."""
    return Address(fleet.name, fleet.call_as)


def look(session: Session, fleet: Fleet, *, with_overrides: bool = True) -> Found:
    """The stack set and its instances. Raises UserError when the set is of another permission model, AwsError."""
    place = address(fleet)
    stack_set = stacksets.read(session, place)
    if stack_set is None:
        return Found(None, ())
    if stack_set.service_managed != fleet.service_managed:
        is_now = "service-managed" if stack_set.service_managed else "self-managed"
        message = f"The stack set {fleet.name} is {is_now}, which cannot be changed; the file says otherwise."
        raise UserError(message, f"$EDITOR {fleet.path}")
    return Found(stack_set, stacksets.instances(session, place, with_overrides=with_overrides))


def deploy(fleet: Fleet, proposed: Plan, tools: Tools) -> Report:
    """Take a plan's steps, then look again. Raises UserError when time runs out, AwsError."""
    taken = [_take(step, fleet, proposed.content, tools) for step in proposed.steps]
    return Report(tuple(taken), look(tools.session, fleet))


def destroy(fleet: Fleet, proposed: Plan, tools: Tools) -> Report:
    """Delete every instance, and the stack set when none is left."""
    deletes = [step for step in proposed.steps if step.action is Action.DELETE]
    taken = [_take(step, fleet, None, tools) for step in deletes]
    left = look(tools.session, fleet, with_overrides=False)
    if left.stack_set and not left.instances:
        taken.append(_take(Step(Action.DELETE_SET), fleet, None, tools))
        left = Found(None, ())
    return Report(tuple(taken), left)


def settle(fleet: Fleet, tools: Tools) -> None:
    """Wait for an operation that is already at work: an earlier run's, or somebody else's. Raises UserError."""
    running = stacksets.active_operation(tools.session, address(fleet))
    if running:
        tools.say(f"Waiting for operation {running.operation_id} ({running.action}), which is {running.status}.")
        _follow(running.operation_id, fleet, tools)


def detect_drift(fleet: Fleet, tools: Tools) -> None:
    """Have CloudFormation compare every instance with its template; the instances tell the result."""
    preferences = _preferences(fleet, None)
    operation_id = stacksets.detect_drift(
        tools.session, address(fleet), operation_id=tools.new_id(), preferences=preferences
    )
    tools.say("Looking for drift in every stack.")
    _follow(operation_id, fleet, tools)


def _take(step: Step, fleet: Fleet, content: Content | None, tools: Tools) -> Taken:
    """One step. An error of the call itself is told as the step's; the next steps are about other targets.

    But all of them need the stack set as it should be: raises AwsError when it could not be created or updated, for
    they would bring its old template to further targets. An update that began and failed in some targets has changed
    the stack set all the same.
    """
    tools.say(step.text())
    try:
        operation_id = _start(step, fleet, content, tools)
    except AwsError as error:
        if error.code == _BUSY:
            settle(fleet, tools)
            operation_id = _start(step, fleet, content, tools)
        elif step.action in _FIRST:
            raise
        else:
            return Taken(step, "FAILED", error=error.message or error.code)
    if not operation_id:
        return Taken(step)
    ended = _follow(operation_id, fleet, tools)
    outcomes = stacksets.outcomes(tools.session, address(fleet), operation_id)
    failed = sum(each.status != "SUCCEEDED" for each in outcomes)
    tools.say(f"  {ended.status}: {len(outcomes) - failed} of {len(outcomes)} stacks")
    return Taken(step, ended.status, outcomes)


def _follow(operation_id: str, fleet: Fleet, tools: Tools) -> stacksets.Running:
    try:
        return stacksets.follow(tools.session, address(fleet), operation_id, tools.clock, tools.timeout)
    except StillRunning as running:
        message = f"The {running} and goes on in AWS."
        raise UserError(message, f"hipaa-pipeline fleet status --fleet {fleet.path}", ExitCode.UNKNOWN) from running


def _start(step: Step, fleet: Fleet, content: Content | None, tools: Tools) -> str:
    """Make the step's call. Returns the operation's ID, empty for a call that starts none."""
    place, session, new_id = address(fleet), tools.session, tools.new_id()
    if step.action is Action.DELETE_SET:
        stacksets.delete_set(session, place)
        return ""
    if content and step.action is Action.CREATE_SET:
        arguments, permissions = _content(content), {**_roles(fleet), **_deployment(fleet)}
        stacksets.create_set(session, place, token=new_id, content=arguments, permissions=permissions)
        return ""
    if content and step.action is Action.UPDATE_SET:
        where = {**_where(step.block), "OperationPreferences": _preferences(fleet, step.block)}
        arguments = {**_content(content), **_roles(fleet)}
        return stacksets.update_set(session, place, operation_id=new_id, content=arguments, where=where)
    where = {**_where(step.block), **_overrides(step), "OperationPreferences": _preferences(fleet, step.block)}
    return stacksets.change_instances(session, place, _VERBS[step.action], operation_id=new_id, where=where)


def _content(content: Content) -> dict[str, Any]:
    return {
        "TemplateBody": content.template_body,
        "Parameters": stacksets.as_list(content.parameters, "ParameterKey", "ParameterValue"),
        "Tags": stacksets.as_list(content.tags, "Key", "Value"),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    }


def _roles(fleet: Fleet) -> dict[str, Any]:
    model = "SERVICE_MANAGED" if fleet.service_managed else "SELF_MANAGED"
    roles = {"AdministrationRoleARN": fleet.administration_role, "ExecutionRoleName": fleet.execution_role}
    return {"PermissionModel": model, **{name: role for name, role in roles.items() if role}}


def _deployment(fleet: Fleet) -> dict[str, Any]:
    """What happens to accounts that join or leave a unit. Leaving one must not delete its data."""
    if not fleet.service_managed:
        return {}
    enabled = {"Enabled": fleet.auto_deployment}
    return {"AutoDeployment": {**enabled, "RetainStacksOnAccountRemoval": True} if fleet.auto_deployment else enabled}


def _where(block: Block | None) -> dict[str, Any]:
    if block is None:
        return {}
    if not block.units:
        return {"Accounts": list(block.accounts), "Regions": list(block.regions)}
    narrowed = {"Accounts": list(block.accounts), "AccountFilterType": "INTERSECTION"} if block.accounts else {}
    targets = {"OrganizationalUnitIds": list(block.units), **narrowed}
    return {"DeploymentTargets": targets, "Regions": list(block.regions)}


def _overrides(step: Step) -> dict[str, Any]:
    """An update's empty list sets every parameter back to the stack set's value; deletions take none."""
    if step.action is Action.DELETE or step.block is None:
        return {"RetainStacks": False}
    if step.action is Action.CREATE and not step.block.overrides:
        return {}
    return {"ParameterOverrides": stacksets.as_list(step.block.overrides, "ParameterKey", "ParameterValue")}


def _preferences(fleet: Fleet, block: Block | None) -> dict[str, Any]:
    everywhere = dict.fromkeys(region for group in fleet.groups for region in group.regions)
    return fleet.operation.argument(block.regions if block else tuple(everywhere))


def with_reasons(rows: Sequence[Row], taken: Sequence[Taken]) -> tuple[Row, ...]:
    """The rows with the reason that the operation gave, where the instance itself gives none; and each step's error."""
    outcomes = itertools.chain.from_iterable(each.outcomes for each in taken)
    reasons = {(each.account, each.region): each.reason for each in outcomes if each.status != "SUCCEEDED"}
    for each in taken:
        if each.error and each.step.block:
            owners = each.step.block.units or each.step.block.accounts
            reasons.update({(owner, region): each.error for owner in owners for region in each.step.block.regions})
    return tuple(
        row
        if row.reason or row.standing is Standing.CURRENT
        else dataclasses.replace(row, reason=reasons.get((row.owner, row.region), ""))
        for row in rows
    )
