"""The options that many commands share, and the account they lead to."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hipaa_pipeline.configuration import DEFAULT_REGION, check_region

if TYPE_CHECKING:
    from hipaa_pipeline.aws.session import Connection

F = TypeVar("F", bound=Callable[..., Any])

LOCAL = "local"
MOST_MINUTES = 525_600  # a year


class Region(click.ParamType[str]):
    """The name of a Region, known or new."""

    name = "region"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name. Raises UserError for what no Region can be called, an empty text included."""
        return check_region(str(value))


class Profile(click.ParamType[str]):
    """The name of a profile."""

    name = "profile"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, or click's usage error for an empty one."""
        return str(value) if value else self.fail("A profile has a name.", param, ctx)


class Minutes(click.FloatRange):
    """A time in minutes, from 0 to a year."""

    def __init__(self) -> None:
        super().__init__(min=0, max=MOST_MINUTES)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or click's usage error; `nan` is within every range."""
        minutes = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is not a number of minutes.", param, ctx) if math.isnan(minutes) else minutes


def environment_option(function: F) -> F:
    """`--env`, as the argument `environment`: the name of a file in `parameters/`."""
    return click.option(
        "--env", "environment", default=LOCAL, show_default=True, metavar="ENV", help="A file of parameters/, by name."
    )(function)


def format_option(*formats: str) -> Callable[[F], F]:
    """`--format`, as the argument `output_format`; the first of the formats is the default."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How the result is written to standard output.",
    )


def aws_options(function: F) -> F:
    """`--region` and `--profile`, as arguments of the same names, None when not given."""
    profile = click.option(
        "--profile", type=Profile(), metavar="NAME", help="A profile of the AWS configuration files."
    )
    return region_option(profile(function))


def region_option(function: F) -> F:
    """`--region`, as the argument `region`, None when not given."""
    told = f"The AWS Region; {DEFAULT_REGION} unless configured."
    return click.option("--region", type=Region(), metavar="REGION", help=told)(function)


def timeout_option(function: F) -> F:
    """`--timeout`, as the argument `timeout`, in minutes."""
    return click.option("--timeout", type=Minutes(), default=120, show_default=True, help="Minutes to watch.")(function)


def place(region: str | None, profile: str | None) -> str:
    """The options that another command needs to meet the same account and Region."""
    given = {"--region": region, "--profile": profile}
    return " ".join(f"{name} {value}" for name, value in given.items() if value)


def yes_option(function: F) -> F:
    """`--yes`, as the argument `yes`: answer every question with yes; needed where there is no terminal."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask; needed without a terminal.")(function)


def drill_option(function: F) -> F:
    """`--drill`, as the argument `drill`; see `verifying.agreed_to_drill`."""
    help_text = "Ring every alarm for a moment; ask the database for a plaintext session."
    return click.option("--drill", is_flag=True, help=help_text)(function)


def drift_option(function: F) -> F:
    """`--drift/--no-drift`, as the argument `drift`."""
    help_text = "Have CloudFormation look for drift too."
    return click.option("--drift/--no-drift", default=True, show_default=True, help=help_text)(function)


def connection_for(environment: str, region: str | None, profile: str | None) -> Connection:
    """Where an environment lives: the embedded account for `local`, the user's AWS configuration for the others.

    `AWS_ENDPOINT_URL` wins over both, so that any environment can be tried against any endpoint; so does `--profile`.
    The Region is the option's, else the profile's or environment's, else the default one; the embedded account's is
    the option's or the default one. Raises UserError for what is no Region, and when the local account cannot be
    started; AwsError when the profile cannot be read.
    """
    from hipaa_pipeline.aws.session import Connection, configured_region

    if environment == LOCAL and not profile and not os.environ.get("AWS_ENDPOINT_URL"):
        from hipaa_pipeline.local import server

        return server.ensure_running(region=check_region(region or DEFAULT_REGION))
    return Connection(region=check_region(region or configured_region(profile) or DEFAULT_REGION), profile=profile)
