"""From options to an order and its tools: what `plan` and `deploy` begin with."""

from __future__ import annotations

import dataclasses
import secrets
from typing import TYPE_CHECKING, Any

from hipaa_pipeline import console
from hipaa_pipeline.ask import asker
from hipaa_pipeline.aws.patient import PatientSession
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.commands.subjects import Subject, subject_of
from hipaa_pipeline.deployment import progress
from hipaa_pipeline.deployment.order import Order, Tools
from hipaa_pipeline.stack import protected

if TYPE_CHECKING:
    from hipaa_pipeline.aws.session import Connection


@dataclasses.dataclass(frozen=True)
class Prepared:
    """An order with its tools, and what it is about."""

    order: Order
    tools: Tools
    subject: Subject


def prepare(environment: str, region: str | None, profile: str | None, *, yes: bool, **choices: Any) -> Prepared:
    """Read the environment, find out who is calling, and resolve the template for that account.

    `choices` are the other fields of the order. Raises UserError for an unknown environment, a malformed file, an
    invalid parameter, an account that cannot be reached.
    """
    subject = subject_of(environment, region, profile)
    configuration = subject.configuration
    order = Order(
        environment=environment,
        stack_name=configuration.stack_name,
        template_body=subject.template.text,
        parameters=configuration.parameters,
        tags=configuration.tags,
        resources=subject.expected.resources,
        protected=protected(subject.expected.parameters),
        options=subject.options,
        **choices,
    )
    return Prepared(order, make_tools(subject.reading.connection, yes=yes), subject)


def make_tools(connection: Connection, *, yes: bool) -> Tools:
    """The tools of a person or program at the command line."""
    clock = SystemClock()
    return Tools(
        session=PatientSession(connection, clock),
        clock=clock,
        ask=asker(yes=yes),
        progress=lambda: progress.progress(clock),
        say=console.note,
        unique=lambda: secrets.token_hex(4),
    )
