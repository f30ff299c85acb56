"""Deployments in words: plans, outcomes, what is left. Pure: values in, lines out."""

from __future__ import annotations

import collections
import dataclasses
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from hipaa_pipeline.aws.leftovers import Leftover, Presence
from hipaa_pipeline.cost.difference import Difference
from hipaa_pipeline.deployment.changes import Kind, PropertyChange, ResourceChange, Summary
from hipaa_pipeline.deployment.destroy import Farewell
from hipaa_pipeline.deployment.order import Outcome, Result
from hipaa_pipeline.deployment.progress import duration
from hipaa_pipeline.deployment.proposal import Proposal
from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.findings import Finding, Status

_SIGNS = {
    Kind.REPLACE: "!", Kind.DELETE: "-", Kind.MAY_REPLACE: "?", Kind.MODIFY: "~", Kind.IMPORT: "<", Kind.ADD: "+",
}  # fmt: skip
STREAM = "AWS::Kinesis::Stream"
_LONGEST_VALUE = 60
_WIDTH = 110
_MOST_ITEMS = 5
_RECREATION = {"Always": "replaces", "Conditionally": "may replace"}


def plan_lines(name: str, proposal: Proposal) -> Iterator[str]:
    """What a change set will do: replacements and deletions first, property by property, additions counted."""
    verb = "create" if proposal.creates else "update"
    yield f"{verb} the stack {name}: {totals(proposal.summary)}"
    yield from summary_lines(proposal.summary)
    for warned in proposal.warnings:
        mode = "error" if warned.blocking else "warning"
        yield f"  CloudFormation's {mode}: {warned.resource} {warned.path}: {warned.reason} ({warned.name})"
    if proposal.unchecked:
        yield f"  CloudFormation's own warnings could not be read ({proposal.unchecked})."


def summary_lines(summary: Summary) -> Iterator[str]:
    """The changes of a summary, the dangerous first."""
    for parameter in summary.parameters:
        yield f"  parameter {parameter.name}: {_arrow(parameter.before, parameter.after)}"
    for change in summary.changes:
        if change.kind is not Kind.ADD:
            yield from _change_lines(change)
    added = summary.of_kind(Kind.ADD)
    if added:
        yield from _wrapped(f"  + add {_by_type(change.type for change in added)}")


def totals(summary: Summary) -> str:
    """`1 to replace, 2 to modify, 3 to add`."""
    counted = collections.Counter(change.kind for change in summary.changes)
    words = {Kind.MAY_REPLACE: "that may be replaced"}
    return ", ".join(f"{counted[kind]} {words.get(kind, f'to {kind}')}" for kind in Kind if counted[kind]) or "nothing"


def cost_lines(difference: Difference) -> Iterator[str]:
    """What a change does to the monthly bill: the sums, for a running stack what changes most, and what is unpriced."""
    told = difference if difference.before else dataclasses.replace(difference, changes=())
    yield from (f"  {line}" for line in told.text(_MOST_ITEMS).splitlines())


def farewell_lines(farewell: Farewell) -> Iterator[str]:
    """What a destruction will delete, and what will stay in the account."""
    protected = "protected" if farewell.protected else "ephemeral"
    yield f"delete the {protected} stack {farewell.stack.name} ({farewell.stack.status}):"
    going = [resource for resource in farewell.resources if resource.logical_id not in farewell.kept]
    yield from _wrapped(f"  - delete {_by_type(resource.type for resource in going)}")
    for stream in (one for one in going if one.type == STREAM and farewell.protected):
        yield f"  ! lost: the records in {stream.logical_id} that nobody has read yet; Kinesis has no snapshots"
    for database in farewell.databases if farewell.protected else ():
        yield f"  = stays: a final snapshot of {database.logical_id}, and its automated backups until they expire"
    for group in farewell.records:
        yield f"  = stays: {group.logical_id} {group.physical_id}, until its records expire"
    for vault in farewell.full_vaults:
        yield f"  = stays: {vault.logical_id} {vault.physical_id}, because it holds recovery points"
    for key in farewell.keys:
        kept = farewell.protected or farewell.full_vaults
        yield f"  = stays: {key.logical_id} {key.physical_id}, " + (
            "because what stays cannot be read without it" if kept else "until KMS deletes it after its waiting time"
        )
    if farewell.databases:
        yield "  = stays: log groups that services write themselves (RDSOSMetrics), and manual snapshots"


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """How it ended: the cause and what is left of a failure, the outputs of a success."""
    yield outcome.message or f"{outcome.stack_name} was {outcome.result} in {duration(outcome.seconds)}."
    if outcome.cause:
        yield f"  cause:  {outcome.cause.kind}"
        yield f"  remedy: {outcome.cause.remedy}"
    if outcome.created:
        cost = f" ({outcome.cost})" if outcome.cost else ""
        yield from _wrapped(f"  created on the way{cost}: {', '.join(outcome.created)}")
    if outcome.cause or outcome.left:
        yield from left_lines(outcome.left)
    width = max((len(name) for name in outcome.outputs), default=0)
    for name, value in sorted(outcome.outputs.items()):
        yield f"  {name:<{width}}  {value}"


def findings_title(outcome: Outcome) -> str:
    """What the findings of an outcome are about: nothing is read back of what was refused or failed."""
    told = {Result.REFUSED: "what stands in the way", Result.FAILED: "after the failure"}
    return f"{outcome.stack_name}, {told.get(outcome.result, 'read back')}"


def left_lines(left: Sequence[Leftover]) -> Iterator[str]:
    """What is left in the account, or that nothing is."""
    if not left:
        yield "  left in the account: nothing"
        return
    yield "  left in the account:"
    for one in left:
        doubt = "could not be asked: " if one.presence is Presence.UNKNOWN else ""
        named = " ".join(word for word in (one.logical_id, one.type.removeprefix("AWS::"), one.physical_id) if word)
        yield f"    {named}: {doubt}{one.reason}" if named else f"    {doubt}{one.reason}"
        if one.next_command:
            yield f"      {one.next_command}"


def _change_lines(change: ResourceChange) -> Iterator[str]:
    loss = ", which may lose data" if change.endangers_data else ""
    loss = ", which cannot be done while it keeps its name" if change.impossible else loss
    after = f" (the old one: {change.policy_action})" if change.policy_action and change.kind is not Kind.MODIFY else ""
    physical = f" {change.physical_id}" if change.physical_id else ""
    yield f"  {_SIGNS[change.kind]} {change.kind} {change.logical_id} {change.type}{physical}{loss}{after}"
    for item in change.properties:
        yield f"      {_property(item)}"


def _property(item: PropertyChange) -> str:
    values = f": {_arrow(item.before, item.after)}" if item.before is not None or item.after is not None else ""
    notes = [_RECREATION.get(item.recreation, ""), f"because of {item.cause}" if item.cause else ""]
    told = ", ".join(note for note in notes if note)
    return f"{item.path}{values}" + (f" ({told})" if told else "")


def _arrow(before: str | None, after: str | None) -> str:
    return f"{_short(before)} -> {_short(after)}"


def _short(value: str | None) -> str:
    if value is None:
        return "(none)"
    text = " ".join(value.split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _by_type(types: Iterable[str]) -> str:
    counted = collections.Counter(kind.removeprefix("AWS::") for kind in types)
    listed = ", ".join(f"{number} {kind}" if number > 1 else kind for kind, number in sorted(counted.items()))
    return f"{sum(counted.values())}: {listed}"


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False)


def outcome_findings(outcome: Outcome) -> list[Finding]:
    """The outcome as findings, for formats that know nothing else: how it ended, then everything read back."""
    ended = {ExitCode.GOOD: Status.PASS, ExitCode.UNKNOWN: Status.UNKNOWN}.get(outcome.exit_code, Status.FAIL)
    done = outcome.result not in {Result.FAILED, Result.REFUSED, Result.RUNNING}
    how = Finding(
        control="stack_operation",
        status=Status.PASS if done else ended,
        resource=outcome.stack_name,
        property="StackStatus",
        expected="done",
        actual=str(outcome.result),
        remedy=outcome.next_command,
        reason=outcome.message if not done else "",
    )
    return [how, *outcome.findings]
