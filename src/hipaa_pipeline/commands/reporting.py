"""The quality report that a deployment ends with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hipaa_pipeline.aws import last_deployment
from hipaa_pipeline.aws.endpoints import foreign
from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.commands.collecting import cost
from hipaa_pipeline.commands.evidence import DIRECTORY
from hipaa_pipeline.commands.ordering import Prepared
from hipaa_pipeline.deployment.changes import Kind, Summary
from hipaa_pipeline.deployment.events import Event
from hipaa_pipeline.deployment.order import Outcome, Result
from hipaa_pipeline.deployment.wording import totals
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.evidence.quality import Quality, html
from hipaa_pipeline.findings import Finding
from hipaa_pipeline.preflight.controls import CONTROL

FAILED = (Result.FAILED, Result.REFUSED, Result.RUNNING)


def write_quality_report(
    prepared: Prepared, outcome: Outcome, controls: Sequence[Finding], preflight: Sequence[Finding] = ()
) -> Path:
    """Write the page of a deployment into `evidence/`, over that of the one before; its path.

    `controls` is what they say of the template, `preflight` what was predicted, if it was asked.

    Raises UserError when the file cannot be written.
    """
    path = DIRECTORY / f"{prepared.order.environment}-quality.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html(_quality(prepared, outcome, controls, preflight)), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", f"ls -ld {path.parent}") from error
    return path


def _quality(
    prepared: Prepared, outcome: Outcome, controls: Sequence[Finding], preflight: Sequence[Finding]
) -> Quality:
    subject, clock = prepared.subject, prepared.tools.clock
    configuration, expected = subject.configuration, subject.expected
    predicted = [one for one in preflight if one.control != CONTROL]  # the controls have a gate of their own
    return Quality(
        environment=configuration.environment,
        stack_name=outcome.stack_name,
        account_id=expected.account_id,
        region=expected.region,
        time=clock.now(),
        foreign=foreign(subject.reading.connection.clients.endpoint_urls()),
        result=str(outcome.result),
        failed=outcome.result in FAILED,
        message=outcome.message,
        next_command=outcome.next_command,
        seconds=outcome.seconds,
        judged={
            "Controls, asked of the template": controls,
            **({"Preflight, asked of the account": predicted} if predicted else {}),
            **_last_gate(outcome, preflight),
        },
        changes=_changes(outcome.summary) if outcome.summary else (),
        events=_events(prepared, outcome),
        cost=cost(expected),
    )


def _last_gate(outcome: Outcome, preflight: Sequence[Finding]) -> dict[str, Sequence[Finding]]:
    """What the outcome itself was judged by; a refusal by preflight has its gate already."""
    if not outcome.findings or tuple(outcome.findings) == tuple(preflight):
        return {}
    told = {Result.REFUSED: "The change set, validated by CloudFormation", Result.FAILED: "Clean-up after the failure"}
    return {told.get(outcome.result, "Finishing and read-back of the running stack"): outcome.findings}


def _changes(summary: Summary) -> list[str]:
    """How much was changed, then each change that is no mere addition."""
    grave = [change for change in summary.changes if change.kind is not Kind.ADD]
    return [totals(summary), *(f"{change.kind} {change.logical_id} ({change.type})" for change in grave)]


def _events(prepared: Prepared, outcome: Outcome) -> Sequence[Event]:
    """The operation's events; the page does without them where they cannot be read."""
    if not outcome.stack_id or outcome.result in (Result.UNCHANGED, Result.REFUSED):
        return ()
    try:
        return last_deployment.events(prepared.subject.reading, outcome.stack_id)
    except AwsError:
        return ()
