"""Deploy: clear the way, propose, show, guard, ask, execute, watch, finish; and clean up after a failure.

The process holds no state of its own: killed at any point, it is run again and finds everything in AWS.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence, Set

from hipaa_pipeline.aws import changes, finishing, snapshots, stacks
from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.leftovers import Leftover, Presence
from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.aws.stacks import DeployedStack
from hipaa_pipeline.deployment.changes import (
    STATEFUL_TYPES,
    ResourceChange,
    Summary,
    endangered,
    impossible,
    stack_policy,
)
from hipaa_pipeline.deployment.events import created
from hipaa_pipeline.deployment.failure import Kind
from hipaa_pipeline.deployment.finishing import finish, put_policy_back
from hipaa_pipeline.deployment.interrupt import attend
from hipaa_pipeline.deployment.order import GoesOnError, Order, Outcome, Result, Tools
from hipaa_pipeline.deployment.pace import backoff
from hipaa_pipeline.deployment.proof import judged, superseded
from hipaa_pipeline.deployment.proposal import OvertakenError, Proposal, propose, withdraw, withdraw_anyway
from hipaa_pipeline.deployment.recovery import recover, reread
from hipaa_pipeline.deployment.states import GOOD, Standing, standing
from hipaa_pipeline.deployment.stuck import clear_the_way, require_free
from hipaa_pipeline.deployment.watch import Ended, events_so_far
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.findings import Finding, Status, count, exit_code
from hipaa_pipeline.preflight.validation import validation_findings

READ_BACK = "deployment_read_back"
_MOST_OVERTAKINGS = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hooks:
    """What other parts have to say about a deployment.

    `preflight` predicts what would stop it; `show` displays what is about to happen to the stack (None: a new one),
    before the question; `read_back` judges the running stack afterwards; `cost_of` says what resources, by logical ID,
    cost while they are there.
    """

    show: Callable[[Proposal, DeployedStack | None], None]
    read_back: Callable[[DeployedStack], Sequence[Finding]]
    preflight: Callable[[], Sequence[Finding]] = tuple
    cost_of: Callable[[Sequence[str]], str] = lambda _created: ""


def plan(order: Order, tools: Tools) -> Proposal | None:
    """What `deploy` would do, or None for nothing; the change set is removed again. Raises as `deploy` does."""
    stack = require_free(order, tools)
    try:
        proposal = propose(order, tools, stack)
    except OvertakenError:
        message = f"Somebody else changed {order.stack_name} while it was being planned."
        raise UserError(message, order.command("plan"), ExitCode.FAILED) from None
    if proposal:
        withdraw(tools, proposal.change_set, new_stack=proposal.new_stack)
    return proposal


def deploy(order: Order, tools: Tools, hooks: Hooks) -> Outcome:
    """Deploy, and try again what failed for a transient cause, up to `order.attempts` times, each from a clean state.

    Raises UserError when nothing was done because something must be decided first.
    """
    started = tools.clock.elapsed()
    _require_known(order, tools)
    for attempt in range(1, order.attempts + 1):
        try:
            outcome = _settled(order, tools, hooks)
        except GoesOnError as goes_on:
            outcome = _running(order, goes_on)
        if outcome.cause is None or outcome.cause.kind is not Kind.TRANSIENT or attempt == order.attempts:
            break
        pause = backoff(attempt)
        tools.say(f"Attempt {attempt} of {order.attempts} failed for a passing cause; trying again in {pause:.0f} s.")
        tools.clock.sleep(pause)
    return dataclasses.replace(outcome, seconds=tools.clock.elapsed() - started)


def _settled(order: Order, tools: Tools, hooks: Hooks) -> Outcome:
    """One attempt; begun again whenever somebody else was faster, which is bounded."""
    for _ in range(_MOST_OVERTAKINGS):
        try:
            return _attempt(order, tools, hooks)
        except OvertakenError:
            tools.say(f"Somebody else changed {order.stack_name} in the meantime; looking again.")
    message = f"{order.stack_name} is being changed by somebody else all the time."
    raise UserError(message, order.deploy_command, ExitCode.FAILED)


def _attempt(order: Order, tools: Tools, hooks: Hooks) -> Outcome:
    stack = clear_the_way(order, tools)
    blocked = _foreseen(order, tools, hooks.preflight())
    if blocked:
        return blocked
    proposal = propose(order, tools, stack)
    if proposal is None:
        return _unchanged(order, tools, stack, hooks)
    try:
        hooks.show(proposal, stack if stack and not proposal.creates else None)
        refusal = _guard(order, proposal.summary) or _warned(order, proposal) or _declined(order, tools, proposal)
        started = _Started() if refusal else _start(order, tools, proposal)
    except BaseException:
        withdraw_anyway(tools, proposal.change_set, new_stack=proposal.new_stack)
        raise
    if refusal:
        withdraw(tools, proposal.change_set, new_stack=proposal.new_stack)
        return refusal
    ended = attend(order, tools, proposal.change_set.stack_id, order.deploy_command, set(started.seen))
    if ended.status in GOOD:
        outcome = _succeeded(order, tools, proposal, ended, hooks)
    else:
        outcome = _failed(order, tools, proposal, ended, hooks)
    return dataclasses.replace(outcome, left=(*outcome.left, *started.snapshots))


def _foreseen(order: Order, tools: Tools, findings: Sequence[Finding]) -> Outcome | None:
    """The refusal when preflight found what would stop the deployment; what it could not tell, a person decides."""
    counted = count(findings)
    if counted[Status.FAIL]:
        message = f"Preflight foresees that this would fail ({counted[Status.FAIL]} blocked), so nothing was done."
    elif counted[Status.UNKNOWN] and not order.accept_unknown and not _goes_on(tools, counted[Status.UNKNOWN]):
        message = "Preflight could not tell everything, so nothing was done; --accept-unknown deploys all the same."
    else:
        return None
    return Outcome(
        result=Result.REFUSED,
        stack_name=order.stack_name,
        message=message,
        next_command=order.command("preflight"),
        findings=tuple(findings),
    )


def _goes_on(tools: Tools, unknown: int) -> bool:
    """Whether the person at the terminal takes the risk; `--yes` alone does not take it."""
    question = f"Preflight could not tell everything ({unknown} unknown). Deploy all the same?"
    return tools.ask.choose(question, {"stop": "nothing is done", "deploy": "take the risk"}, "stop") == "deploy"


def _warned(order: Order, proposal: Proposal) -> Outcome | None:
    """The refusal when CloudFormation itself foresees a failure, which it only warns of: quotas, for one."""
    findings = validation_findings(proposal.warnings, accept_warnings=order.accept_warnings)
    if not count(findings)[Status.FAIL]:
        return None
    told = "; ".join(f"{one.resource}: {one.actual}" for one in findings if one.status is Status.FAIL)
    return Outcome(
        result=Result.REFUSED,
        stack_name=order.stack_name,
        message=f"CloudFormation warns that this would fail, so nothing was done: {told}",
        next_command=order.command("preflight"),
        summary=proposal.summary,
        findings=tuple(findings),
    )


def _require_known(order: Order, tools: Tools) -> None:
    """A misspelt name would allow nothing, and be found out only by the guard; what the template lost may be named."""
    unknown = order.allow_replace - order.resources.keys()
    if unknown:
        unknown -= {resource.logical_id for resource in stacks.resources(tools.session, order.stack_name)}
    if unknown:
        stateful = sorted(name for name, one in order.resources.items() if one.type in STATEFUL_TYPES)
        told = f"{', '.join(sorted(unknown))} (what holds data: {', '.join(stateful)})"
        raise UserError(f"--allow-replace names no resource of the stack: {told}.", order.command("plan"))


def _guard(order: Order, summary: Summary) -> Outcome | None:
    """The refusal of what cannot be done, and of what endangers data and was not allowed by name; else None."""
    refused = impossible(summary)
    if refused:
        return Outcome(
            result=Result.REFUSED,
            stack_name=order.stack_name,
            message=f"Nothing was done. {refused}",
            next_command=order.command("plan"),
            summary=summary,
        )
    blocked = endangered(summary, order.allow_replace)
    if not blocked:
        return None
    told = ", ".join(f"{change.kind} {change.logical_id} ({change.type})" for change in blocked)
    named = [change.logical_id for change in blocked]
    allow = " ".join(f"--allow-replace {name}" for name in sorted({*order.allow_replace, *named}))
    return Outcome(
        result=Result.REFUSED,
        stack_name=order.stack_name,
        message=f"This may lose data, so nothing was done: {told}.",
        next_command=order.command("deploy", allow),
        summary=summary,
    )


def _declined(order: Order, tools: Tools, proposal: Proposal) -> Outcome | None:
    verb = "Create" if proposal.creates else "Update"
    if tools.ask.confirm(f"{verb} {order.stack_name}?"):
        return None
    return Outcome(
        result=Result.REFUSED,
        stack_name=order.stack_name,
        message="Nothing was done.",
        next_command=order.deploy_command,
        summary=proposal.summary,
    )


@dataclasses.dataclass(frozen=True)
class _Started:
    """An operation that was started: the events from before it, and the snapshots taken for it, which stay."""

    seen: Set[str] = frozenset()
    snapshots: Sequence[Leftover] = ()


def _start(order: Order, tools: Tools, proposal: Proposal) -> _Started:
    """Start the change set. Raises OvertakenError when somebody else's was started first.

    ExecuteChangeSet takes no temporary policy, so the stack policy itself admits for a while what was allowed by name.
    `finish` puts it back, in this run or, should it be killed, in the next.
    """
    stack_id = proposal.change_set.stack_id
    allowed = [change for change in proposal.summary.changes if change.endangers_data]
    saved = [_saved(tools, change) for change in allowed if change.type == finishing.DATABASE and change.physical_id]
    try:
        if allowed:
            resources = {one.logical_id: one.type for one in stacks.resources(tools.session, stack_id)}
            stacks.set_policy(tools.session, stack_id, stack_policy(resources, order.allow_replace))
        seen = events_so_far(tools.session, stack_id)
        changes.execute(tools.session, proposal.change_set)
    except BaseException as error:
        if allowed:
            _tighten(order, tools, stack_id)
        if isinstance(error, AwsError) and (changes.is_lost(error) or _is_busy(tools, stack_id)):
            raise OvertakenError from error
        raise
    return _Started(seen, saved)


def _saved(tools: Tools, change: ResourceChange) -> Leftover:
    """The snapshot of a database that was allowed to go, once it can be restored."""
    tools.say(f"Taking a snapshot of {change.logical_id} before it is replaced.")
    name = snapshots.snapshot_database(tools.session, tools.clock, change.physical_id, "before-replacement")
    tools.say(f"Snapshot {name} is available.")
    return Leftover(
        change.logical_id,
        "AWS::RDS::DBSnapshot",
        name,
        Presence.THERE,
        "the database as it was before its replacement",
        f"aws rds delete-db-snapshot --db-snapshot-identifier {name}",
        wanted=True,
    )


def _tighten(order: Order, tools: Tools, stack_id: str) -> None:
    """Put the stack policy back after a start that failed, which is what the user must hear first."""
    finding = put_policy_back(order, tools, stack_id)
    if finding.status is not Status.PASS:
        tools.say(f"The stack policy still admits what was allowed ({finding.actual}). {finding.remedy}")


def _is_busy(tools: Tools, stack_id: str) -> bool:
    stack = stacks.read(tools.session, stack_id)
    return stack is not None and standing(stack.status) is Standing.BUSY


def _succeeded(order: Order, tools: Tools, proposal: Proposal, ended: Ended, hooks: Hooks) -> Outcome:
    stack = reread(order, tools, proposal.change_set.stack_id)
    left = [] if proposal.creates else superseded(tools, stack.stack_id, ended.events)
    unwanted = [*judged(left, stack.name, order.command("plan"))]
    finished, seen = finish(order, tools, stack), _look(hooks, stack)
    return Outcome(
        result=Result.CREATED if proposal.creates else Result.UPDATED,
        stack_name=order.stack_name,
        stack_id=stack.stack_id,
        next_command=_next(order, finished, [*unwanted, *seen]),
        summary=proposal.summary,
        outputs=stack.outputs,
        left=tuple(left),
        findings=(*unwanted, *finished, *seen),
    )


def _unchanged(order: Order, tools: Tools, stack: DeployedStack | None, hooks: Hooks) -> Outcome:
    """Nothing to change, but an earlier run may have been stopped before it finished."""
    if stack is None or standing(stack.status) is not Standing.READY:
        raise UserError(f"The template creates nothing in {order.stack_name}: every condition is false.", "make check")
    finished, seen = finish(order, tools, stack), _look(hooks, stack)
    return Outcome(
        result=Result.UNCHANGED,
        stack_name=order.stack_name,
        stack_id=stack.stack_id,
        message=f"{order.stack_name} is already up to date.",
        next_command=_next(order, finished, seen),
        outputs=stack.outputs,
        findings=(*finished, *seen),
    )


def _next(order: Order, finished: Sequence[Finding], seen: Sequence[Finding]) -> str:
    """What to type after a deployment: what failed to be finished is done by another one, what was seen is not."""
    if exit_code(finished) is not ExitCode.GOOD:
        return order.deploy_command
    return order.command("evidence" if exit_code(seen) is ExitCode.GOOD else "verify")


def _look(hooks: Hooks, stack: DeployedStack) -> Sequence[Finding]:
    """What reading back finds; that it could not be done must neither hide what was done nor count as success."""
    try:
        return hooks.read_back(stack)
    except (UserError, AwsError) as error:
        reason = error.message if isinstance(error, UserError) else explain(error).message
        return [Finding(control=READ_BACK, status=Status.UNKNOWN, resource=stack.name, reason=reason)]


def _failed(order: Order, tools: Tools, proposal: Proposal, ended: Ended, hooks: Hooks) -> Outcome:
    names = tuple(event.logical_id for event in created(ended.events))
    outcome = recover(order, tools, proposal, ended)
    return dataclasses.replace(outcome, created=names, cost=hooks.cost_of(names) if names else "")


def _running(order: Order, goes_on: GoesOnError) -> Outcome:
    return Outcome(
        result=Result.RUNNING,
        stack_name=order.stack_name,
        message=goes_on.message,
        next_command=goes_on.next_command,
    )
