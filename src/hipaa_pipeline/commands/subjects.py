"""From options to a subject: what every command that asks AWS about one environment begins with."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from hipaa_pipeline.aws.identity import Identity, identify
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.commands.options import connection_for, place
from hipaa_pipeline.configuration import DEFAULT_REGION, TEMPLATE_PATH, Configuration, load_environment
from hipaa_pipeline.resolve import compile_template
from hipaa_pipeline.source import Template, load_template
from hipaa_pipeline.waivers import Waiver, load_waivers

if TYPE_CHECKING:
    from hipaa_pipeline.stack import Stack


@dataclasses.dataclass(frozen=True)
class Subject:
    """An environment as the repository describes it, in the account the caller is in; `reading` cannot write.

    `options` are those that every further command needs to meet the same account and Region.
    """

    configuration: Configuration
    template: Template
    identity: Identity
    expected: Stack
    waivers: tuple[Waiver, ...]
    reading: Session
    options: str

    @property
    def place(self) -> str:
        """The stack, its account and Region, as a title."""
        return f"{self.configuration.stack_name} in {self.identity.account_id}, {self.expected.region}"


def subject_of(environment: str, region: str | None, profile: str | None) -> Subject:
    """Read the environment, find out who is calling, and resolve the template for that account.

    Raises UserError for an unknown environment, a malformed file, an invalid parameter (before AWS is asked anything),
    and an account that cannot be reached.
    """
    configuration = load_environment(environment)
    template = load_template(TEMPLATE_PATH)
    waivers = load_waivers()
    resolver = compile_template(template)
    resolver.resolve(configuration.parameters, region=region or DEFAULT_REGION)
    connection = connection_for(environment, region, profile)
    reading = Session(connection, read_only=True)
    identity = identify(reading)
    expected = resolver.resolve(
        configuration.parameters,
        region=connection.region,
        account_id=identity.account_id,
        partition=identity.partition,
        stack_name=configuration.stack_name,
    )
    return Subject(configuration, template, identity, expected, waivers, reading, place(region, profile))
