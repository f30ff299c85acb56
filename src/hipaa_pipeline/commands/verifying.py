"""From a subject to its verification, waivers applied."""

from __future__ import annotations

import dataclasses
import functools

from hipaa_pipeline import console
from hipaa_pipeline.ask import asker
from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.session import AwsError, ErrorKind, Session
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.commands.subjects import Subject
from hipaa_pipeline.configuration import environments
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.findings import Finding
from hipaa_pipeline.stack import protected
from hipaa_pipeline.verification.verify import Observe, Verification, run
from hipaa_pipeline.waivers import apply_waivers


def agreed_to_drill(subject: Subject, *, yes: bool) -> bool:
    """Whether the alarms may be rung; `yes` answers for the user. Raises UserError without a terminal to ask at."""
    question = f"Ring every alarm of {subject.place}? Those who are subscribed will be notified."
    agreed = asker(yes=yes).confirm(question)
    if not agreed:
        console.note("Nothing was rung; verifying without the drill.")
    return agreed


def verified(subject: Subject, clock: Clock, *, drift: bool, drill: bool) -> Verification:
    """The subject's stack read back and judged, waivers applied. Raises UserError when there is no such stack."""
    try:
        found = run(subject.reading, subject.expected, clock=clock, also=_observers(subject, clock, drift, drill))
    except AwsError as error:
        raise _unreadable(subject, error) from error
    return dataclasses.replace(found, findings=tuple(_waived(found.findings, subject, clock)))


def _waived(findings: tuple[Finding, ...], subject: Subject, clock: Clock) -> list[Finding]:
    """The findings with the environment's waivers applied as of today."""
    return apply_waivers(
        findings,
        subject.waivers,
        subject.configuration.environment,
        clock.now().date(),
        protected=protected(subject.expected.parameters),
        environments=environments(),
    )


def _observers(subject: Subject, clock: Clock, drift: bool, drill: bool) -> list[Observe]:
    from hipaa_pipeline.aws import drill as drills
    from hipaa_pipeline.aws.live import drift as drifts

    name, writing = subject.configuration.stack_name, Session(subject.reading.connection)
    return [
        *([lambda _reader: drifts.detect(writing, name, clock)] if drift else []),
        *([functools.partial(drills.drill, writing, clock)] if drill else []),
    ]


def _unreadable(subject: Subject, error: AwsError) -> UserError:
    name, environment = subject.configuration.stack_name, subject.configuration.environment
    if error.kind in (ErrorKind.NOT_FOUND, ErrorKind.INVALID) and "does not exist" in error.message:
        from hipaa_pipeline.deployment.order import Order

        again = Order(environment=environment, stack_name=name, options=subject.options)
        where = f"account {subject.identity.account_id}, {subject.expected.region}"
        return UserError(f"There is no stack {name} in {where}.", again.deploy_command)
    explained = explain(error, subject.reading.connection)
    return UserError(explained.message, explained.next_command, ExitCode.UNKNOWN)
