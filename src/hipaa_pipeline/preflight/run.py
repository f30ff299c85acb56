"""The whole preflight: every check and the ledger at once, through one read-only session."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from hipaa_pipeline.errors import UserError
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import ledger, stack_state
from hipaa_pipeline.preflight.checks import CHECKS, SLUGS, judged, or_unknown, skipped
from hipaa_pipeline.preflight.existing import Existing, described_stack, existing_stack
from hipaa_pipeline.preflight.exits import Exit, exits, remedy
from hipaa_pipeline.preflight.facts import Facts, NotAskedYet, together
from hipaa_pipeline.preflight.ledger import Row
from hipaa_pipeline.preflight.result import UNTOLD, Cost, Result
from hipaa_pipeline.preflight.subject import Check, Subject

if TYPE_CHECKING:
    from hipaa_pipeline.aws.session import Session


def run(session: Session, subject: Subject, *, skip: Collection[str] = ()) -> Result:
    """Ask AWS everything and judge it. Raises UserError for an unknown slug, ValueError if it could write."""
    from hipaa_pipeline.aws.facts import answer  # it knows this package's facts, so it comes second

    _refuse_unknown(skip)
    calls_before, retried_before, started = session.calls, session.retried.copy(), time.monotonic()
    parts = answer(session, questions(subject, skip))
    cost = Cost(session.calls - calls_before, session.retried - retried_before, time.monotonic() - started)
    return dataclasses.replace(assembled(subject, parts), cost=cost)


@dataclasses.dataclass(frozen=True)
class Part:
    """What one question adds to the result."""

    findings: list[Finding] = dataclasses.field(default_factory=list)
    rows: list[Row] = dataclasses.field(default_factory=list)
    exits: list[Exit] = dataclasses.field(default_factory=list)
    stack_status: str | None = None


def questions(subject: Subject, skip: Collection[str] = ()) -> list[Callable[[Facts], Part]]:
    """The questions of a preflight: pure functions of the facts, in the order of the report."""
    asked: list[Callable[[Facts], Part]] = [functools.partial(_status, subject)]
    asked += [
        functools.partial(_skipped, check.slug) if check.slug in skip else functools.partial(_check, check, subject)
        for check in CHECKS
    ]
    if ledger.CONTROL in skip:
        return [*asked, functools.partial(_skipped, ledger.CONTROL)]
    return [*asked, functools.partial(_quotas, subject)]


def assembled(subject: Subject, parts: Sequence[Part]) -> Result:
    """The parts as one result, without its cost."""
    stack = subject.stack
    return Result(
        stack.name,
        stack.region,
        stack.account_id,
        next((part.stack_status for part in parts if part.stack_status), None),
        tuple(finding for part in parts for finding in part.findings),
        tuple(row for part in parts for row in part.rows),
        tuple(way for part in parts for way in part.exits),
    )


def _status(subject: Subject, facts: Facts) -> Part:
    """The stack's status, whatever is skipped; why it could not be told is for the checks that need it."""

    def told() -> Part:
        described = described_stack(subject.stack, facts)
        return Part(stack_status=str(described["StackStatus"]) if described else None)

    return or_unknown(stack_state.STATE, told, lambda _: Part(stack_status=UNTOLD))


def _skipped(slug: str, _: Facts) -> Part:
    return Part([skipped(slug)])


def _check(check: Check, subject: Subject, facts: Facts) -> Part:
    return Part(judged(check, subject, facts))


def _quotas(subject: Subject, facts: Facts) -> Part:
    """The ledger, its findings with the ways out as remedies, and the ways out themselves."""
    return or_unknown(ledger.CONTROL, lambda: _ledger(subject, facts), lambda finding: Part([finding]))


def _ledger(subject: Subject, facts: Facts) -> Part:
    existing = _existing(subject, facts)
    # The ways out of a row that is blocked are looked for while the other rows are still being counted.
    rows, ways = together(
        lambda: ledger.ledger(subject.stack, existing, facts),
        lambda: exits(subject, ledger.rows_so_far(subject.stack, existing, facts), facts),
    )
    found = ledger.findings(rows, subject.stack)
    remedies = [remedy(row, ways) if row.status is Status.FAIL else "" for row in rows]
    told = [
        dataclasses.replace(finding, remedy=text) if text else finding
        for finding, text in zip(found, remedies, strict=False)
    ]
    return Part([*told, *found[len(rows) :]], rows, ways)


def _existing(subject: Subject, facts: Facts) -> Existing:
    """The stack as it stands; while DescribeStacks has not told, the ledger is asked for as if there were none.

    That is when it needs the most, so that nothing waits for DescribeStacks.
    """
    try:
        return existing_stack(subject.stack, facts)
    except NotAskedYet:
        together(lambda: existing_stack(subject.stack, facts), lambda: ledger.ledger(subject.stack, Existing(), facts))
        raise


def _refuse_unknown(skip: Collection[str]) -> None:
    unknown = sorted(set(skip) - set(SLUGS))
    if unknown:
        raise UserError(f"There is no check {', '.join(unknown)}: the checks are {', '.join(SLUGS)}.", "make preflight")
