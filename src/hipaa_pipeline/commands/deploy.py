"""`deploy`: preflight, change set, guard, execute, watch, finish, verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hipaa_pipeline.commands.options import aws_options, environment_option, format_option, yes_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hipaa_pipeline.aws.stacks import DeployedStack
    from hipaa_pipeline.commands.ordering import Prepared
    from hipaa_pipeline.findings import Finding


@click.command()
@environment_option
@aws_options
@yes_option
@click.option(
    "--allow-replace",
    multiple=True,
    metavar="LOGICAL_ID",
    help="Let this resource be replaced or deleted though it holds data; may be repeated.",
)
@click.option("--attempts", type=click.IntRange(1, 5), default=1, show_default=True, help="Tries, of passing causes.")
@click.option("--timeout", type=click.FloatRange(min=0), default=120, show_default=True, help="Minutes to watch.")
@click.option("--if-busy", type=click.Choice(["wait", "refuse"]), default="wait", show_default=True,
              help="When another operation is running on the stack.")  # fmt: skip
@format_option("text", "json", "junit")
def command(
    environment: str,
    region: str | None,
    profile: str | None,
    yes: bool,
    allow_replace: tuple[str, ...],
    attempts: int,
    timeout: float,
    if_busy: str,
    output_format: str,
) -> int:
    """Deploy the stack of an environment, reviewed, guarded and watched."""
    from hipaa_pipeline import console, wording
    from hipaa_pipeline.commands.ordering import prepare
    from hipaa_pipeline.commands.outcome import print_outcome
    from hipaa_pipeline.deploy import deploy

    prepared = prepare(
        environment,
        region,
        profile,
        yes=yes,
        allow_replace=frozenset(allow_replace),
        attempts=attempts,
        timeout_seconds=timeout * 60,
        wait_if_busy=if_busy == "wait",
    )
    order = prepared.order
    identity = prepared.subject.identity
    console.note(f"Account {identity.account_id}, {prepared.tools.session.region}, as {identity.arn}.")
    outcome = deploy(
        order,
        prepared.tools,
        lambda proposal: console.note("\n".join(wording.plan_lines(order.stack_name, proposal))),
        lambda stack: _verified(prepared, stack),
    )
    print_outcome(outcome, output_format)
    return outcome.exit_code


def _verified(prepared: Prepared, stack: DeployedStack) -> Sequence[Finding]:
    from hipaa_pipeline import console
    from hipaa_pipeline.commands.verifying import verified

    console.note(f"Reading {stack.name} back.")
    return verified(prepared.subject, prepared.tools.clock, drift=False, drill=False).findings
