"""Destroy: show what goes and what stays, ask, snapshot a protected database, delete, and prove that nothing is left.

Like `deploy` it holds no state: a destruction that was stopped half-way is run again and goes on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hipaa_pipeline.aws import remains, snapshots, stacks
from hipaa_pipeline.aws.events import new_events
from hipaa_pipeline.aws.finishing import DATABASE
from hipaa_pipeline.aws.leftovers import KEY, Leftover, Presence, leftovers
from hipaa_pipeline.aws.remains import Remains
from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.aws.stacks import DeployedStack, StackResource
from hipaa_pipeline.deployment.events import touched
from hipaa_pipeline.deployment.failure import Cause, root_cause
from hipaa_pipeline.deployment.interrupt import attend, operate
from hipaa_pipeline.deployment.order import GoesOnError, Order, Outcome, Result, Tools, require_ours
from hipaa_pipeline.deployment.proof import NOTHING_LEFT, judged, unwanted
from hipaa_pipeline.deployment.states import Standing, standing
from hipaa_pipeline.deployment.stuck import require_own_review
from hipaa_pipeline.deployment.watch import Ended
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.findings import Finding, Status

FINAL = "final"


@dataclasses.dataclass(frozen=True)
class Farewell:
    """What a destruction is about to do."""

    stack: DeployedStack
    resources: Sequence[StackResource]
    protected: bool
    full_vaults: Sequence[StackResource]

    @property
    def records(self) -> list[StackResource]:
        """The log groups that stay: those of a protected environment."""
        return [one for one in self.resources if one.type == remains.LOG_GROUP and one.physical_id and self.protected]

    @property
    def kept(self) -> set[str]:
        """The logical IDs of what the deletion leaves: CloudFormation fails on each, and is then told to retain it."""
        return {one.logical_id for one in (*self.full_vaults, *self.records)}

    @property
    def databases(self) -> list[StackResource]:
        """The stack's databases."""
        return [resource for resource in self.resources if resource.type == DATABASE]

    @property
    def keys(self) -> list[StackResource]:
        """The stack's keys."""
        return [resource for resource in self.resources if resource.type == KEY]

    def as_dict(self) -> dict[str, Any]:
        """The farewell as plain JSON."""
        return {
            "stack_name": self.stack.name,
            "protected": self.protected,
            "kept": sorted(self.kept),
            "resources": [dataclasses.asdict(resource) for resource in self.resources],
        }


def destroy(order: Order, tools: Tools, show: Callable[[Farewell], None]) -> Outcome:
    """Destroy the stack of an environment. `show` displays what goes and what stays, before the question.

    Raises UserError when nothing was done: not this tool's stack, another operation running, nobody to confirm.
    """
    started = tools.clock.elapsed()
    try:
        outcome = _destroy(order, tools, show)
    except GoesOnError as goes_on:
        outcome = Outcome(
            result=Result.RUNNING,
            stack_name=order.stack_name,
            message=goes_on.message,
            next_command=goes_on.next_command,
        )
    return dataclasses.replace(outcome, seconds=tools.clock.elapsed() - started)


def _destroy(order: Order, tools: Tools, show: Callable[[Farewell], None]) -> Outcome:
    stack = stacks.read(tools.session, order.stack_name)
    if stack is None:
        return _already_gone(order, tools)
    if standing(stack.status) is Standing.IN_REVIEW:
        require_own_review(tools, stack)
    else:
        require_ours(stack)
    if stack.status == "DELETE_IN_PROGRESS":
        tools.say(f"{stack.name} is being deleted already: following that.")
        return _concluded(order, tools, stack.stack_id, attend(order, tools, stack.stack_id, order.destroy_command))
    stack = _at_rest(order, tools, stack)
    farewell = _farewell(tools, stack)
    show(farewell)
    if not tools.ask.type_name(f"This deletes {stack.name} and what it holds.", stack.name):
        return _declined(order)
    _take_leave(tools, farewell)
    ended = _delete(order, tools, stack.stack_id)
    in_the_way = _kept_ones_in_the_way(tools, farewell, ended)
    if in_the_way:
        ended = _delete(order, tools, stack.stack_id, in_the_way)
    return _concluded(order, tools, stack.stack_id, ended)


def _farewell(tools: Tools, stack: DeployedStack) -> Farewell:
    listed = stacks.resources(tools.session, stack.stack_id)
    resources = [one for one in listed if one.status != "DELETE_COMPLETE"]
    vaults = [one for one in resources if one.type == remains.VAULT and one.physical_id]
    full = [vault for vault in vaults if remains.recovery_points(tools.session, vault.physical_id)]
    return Farewell(stack, resources, stack.is_protected, full)


def _delete(order: Order, tools: Tools, stack_id: str, retain: Sequence[str] = ()) -> Ended:
    def start() -> None:
        stacks.delete(tools.session, stack_id, tools.token(), retain)

    return operate(order, tools, stack_id, order.destroy_command, start)


def _kept_ones_in_the_way(tools: Tools, farewell: Farewell, ended: Ended) -> list[str]:
    """What the deletion failed on, when that is nothing but what is left on purpose, as was said before."""
    if ended.status != "DELETE_FAILED":
        return []
    resources = stacks.resources(tools.session, farewell.stack.stack_id)
    failed = {one.logical_id for one in resources if one.status == "DELETE_FAILED"}
    return sorted(failed) if failed <= farewell.kept else []


def _at_rest(order: Order, tools: Tools, stack: DeployedStack) -> DeployedStack:
    """The stack once no operation is running on it."""
    if standing(stack.status) is not Standing.BUSY:
        return stack
    if not order.wait_if_busy:
        message = f"Another operation is running on {stack.name} ({stack.status})."
        raise UserError(message, order.destroy_command, ExitCode.FAILED)
    tools.say(f"{stack.name} is {stack.status}: waiting for the operation that is running.")
    attend(order, tools, stack.stack_id, order.destroy_command)
    return stacks.read(tools.session, stack.stack_id) or stack


def _take_leave(tools: Tools, farewell: Farewell) -> None:
    """Save what a protected environment holds, then lift the protections in the way; the person has confirmed."""
    remains.keep_logs(tools.session, [group.physical_id for group in farewell.records])
    for database in farewell.databases:
        if farewell.protected and snapshots.exists(tools.session, database.physical_id):
            tools.say(f"Taking the final snapshot of {database.logical_id}.")
            name = snapshots.snapshot_database(tools.session, tools.clock, database.physical_id, FINAL)
            tools.say(f"Snapshot {name} is available.")
            snapshots.lift_protection(tools.session, database.physical_id)
    if farewell.stack.protected:
        stacks.set_protection(tools.session, farewell.stack.stack_id, protected=False)


def _concluded(order: Order, tools: Tools, stack_id: str, ended: Ended) -> Outcome:
    """Prove that everything the stack ever named is gone, whichever run created it."""
    if ended.status != "DELETE_COMPLETE":
        return _half_done(order, tools, stack_id, ended)
    return _proven(order, tools, stack_id, Result.DESTROYED)


def _already_gone(order: Order, tools: Tools) -> Outcome:
    """No stack: prove it for the one that was there last, in case an earlier run was stopped before it could."""
    last = stacks.last_deleted(tools.session, order.stack_name)
    if last is None:
        message = f"There is no stack {order.stack_name} in {tools.session.region}, so there is nothing to destroy."
        return Outcome(result=Result.ABSENT, stack_name=order.stack_name, message=message)
    return _proven(order, tools, last, Result.ABSENT)


def _proven(order: Order, tools: Tools, stack_id: str, result: Result) -> Outcome:
    """Every resource that the stack's events ever named, asked of its service; then whatever else carries its tag."""
    named = touched(new_events(tools.session, stack_id, set()))
    remains.drop_remade_logs(tools.session, [name for kind, name in named if kind == remains.LOG_GROUP])
    kept = remains.kept(tools.session, named)
    remains.keep_keys(tools.session, kept)
    left = _explained(leftovers(tools.session, stack_id, named), kept)
    left += [*kept.as_leftovers(), *_strangers(order, tools, stack_id, named)]
    there = unwanted(left)
    good = Finding(control=NOTHING_LEFT, status=Status.PASS, resource=order.stack_name, expected="gone", actual="gone")
    gone = "is gone" if result is Result.DESTROYED else "is gone already"
    but = f", but {len(there)} of its resources are still there" if there else ""
    return Outcome(
        result=result,
        stack_name=order.stack_name,
        stack_id=stack_id,
        message=f"{order.stack_name} {gone}{but}.",
        next_command=order.destroy_command if there else "",
        left=tuple(left),
        findings=tuple(judged(left, order.stack_name, order.destroy_command)) or (good,),
    )


def _strangers(order: Order, tools: Tools, stack_id: str, named: Mapping[tuple[str, str], str]) -> list[Leftover]:
    try:
        return remains.tagged(tools.session, order.environment, stack_id, named)
    except AwsError as error:
        reason = f"{error.action}: {error.message or error.code}"
        return [Leftover("", "", "anything else with the stack's tag", Presence.UNKNOWN, reason)]


def _explained(left: Sequence[Leftover], kept: Remains) -> list[Leftover]:
    """The leftovers, with those marked that were kept on purpose."""
    vaults = {point.get("BackupVaultName", "") for point in kept.recovery_points}
    records = {group["logGroupName"]: group for group in kept.records}

    def explained(one: Leftover) -> Leftover:
        if one.physical_id in kept.keys:
            return _kept_key(one)
        if one.type == remains.VAULT and one.physical_id in vaults:
            return _kept_vault(one)
        if one.type == remains.LOG_GROUP and one.physical_id in records:
            return _kept_log(one, records[one.physical_id])
        return one

    return [explained(one) for one in left]


def _kept_key(key: Leftover) -> Leftover:
    return dataclasses.replace(
        key,
        wanted=True,
        reason="kept, because snapshots, recovery points or logs cannot be read without it; costs about 1 USD a month",
        next_command=f"aws kms schedule-key-deletion --key-id {key.physical_id}",
    )


def _kept_vault(one: Leftover) -> Leftover:
    remove = f"aws backup delete-backup-vault --backup-vault-name {one.physical_id}"
    return dataclasses.replace(one, wanted=True, reason="kept, because it holds recovery points", next_command=remove)


def _kept_log(one: Leftover, group: Mapping[str, Any]) -> Leftover:
    """A protected environment's logs are records of what was done with its data: 164.316(b)(2)(i), 164.312(b)."""
    days = group.get("retentionInDays")
    reason = "kept, because it holds the records of a protected environment" + (
        f", each for {days} days" if days else ""
    )
    remove = (
        f"aws logs put-log-group-deletion-protection --log-group-identifier {one.physical_id}"
        f" --no-deletion-protection-enabled && aws logs delete-log-group --log-group-name {one.physical_id}"
    )
    return dataclasses.replace(one, wanted=True, reason=reason, next_command=remove)


def _half_done(order: Order, tools: Tools, stack_id: str, ended: Ended) -> Outcome:
    """The deletion failed: what CloudFormation could not delete, why, and what to do first."""
    cause: Cause | None = root_cause(ended.events)
    failed = [one for one in stacks.resources(tools.session, stack_id) if one.status == "DELETE_FAILED"]
    named = {(one.type, one.physical_id): one.logical_id for one in failed}
    told = f"{cause.logical_id}: {cause.reason}" if cause else ended.reason
    return Outcome(
        result=Result.FAILED,
        stack_name=order.stack_name,
        stack_id=stack_id,
        message=f"{order.stack_name} could not be deleted completely. {told}",
        next_command=order.destroy_command,
        cause=cause,
        left=tuple(leftovers(tools.session, stack_id, named)),
    )


def _declined(order: Order) -> Outcome:
    return Outcome(
        result=Result.REFUSED,
        stack_name=order.stack_name,
        message="Nothing was deleted.",
        next_command=order.destroy_command,
    )
