"""From options to an order and its tools: what `plan`, `deploy` and `destroy` begin with."""

from __future__ import annotations

import dataclasses
import secrets
from typing import TYPE_CHECKING

from hipaa_pipeline import console, progress
from hipaa_pipeline.ask import asker
from hipaa_pipeline.aws.identity import Identity, identify
from hipaa_pipeline.aws.patient import PatientSession
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.commands.options import connection_for
from hipaa_pipeline.configuration import TEMPLATE_PATH, Configuration, load_environment
from hipaa_pipeline.order import TIMEOUT_SECONDS, Order, Tools
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template

if TYPE_CHECKING:
    from hipaa_pipeline.aws.session import Connection
    from hipaa_pipeline.stack import Stack

PROTECTION = "DeletionProtection"


@dataclasses.dataclass(frozen=True)
class Prepared:
    """An order with its tools, who gives it, and the stack that it should become."""

    order: Order
    tools: Tools
    identity: Identity
    expected: Stack


def prepare(
    environment: str,
    region: str | None,
    profile: str | None,
    *,
    yes: bool,
    allow_replace: tuple[str, ...] = (),
    attempts: int = 1,
    timeout_seconds: float = TIMEOUT_SECONDS,
    wait_if_busy: bool = True,
) -> Prepared:
    """Read the environment, find out who is calling, and resolve the template for that account.

    Raises UserError for an unknown environment, a malformed file, an invalid parameter, an account that cannot be
    reached.
    """
    configuration = load_environment(environment)
    template = load_template(TEMPLATE_PATH)
    resolve(template, configuration.parameters, region=region or "us-east-1")  # bad parameters: before any call
    connection = connection_for(environment, region, profile)
    tools = make_tools(connection, yes=yes)
    identity = identify(tools.session)
    expected = resolve(
        template,
        configuration.parameters,
        region=connection.region,
        account_id=identity.account_id,
        partition=identity.partition,
        stack_name=configuration.stack_name,
    )
    order = Order(
        environment=environment,
        stack_name=configuration.stack_name,
        template_body=template.text,
        parameters=configuration.parameters,
        tags=configuration.tags,
        resources={name: resource.type for name, resource in expected.resources.items()},
        protected=is_protected(expected, configuration),
        allow_replace=frozenset(allow_replace),
        attempts=attempts,
        timeout_seconds=timeout_seconds,
        wait_if_busy=wait_if_busy,
    )
    return Prepared(order, tools, identity, expected)


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


def is_protected(expected: Stack, configuration: Configuration) -> bool:
    """Whether the environment is a protected one: the template's default when its file does not say."""
    value = expected.parameters.get(PROTECTION, configuration.parameters.get(PROTECTION, "true"))
    return str(value).lower() == "true"
