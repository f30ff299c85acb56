"""`deploy`: preflight, change set, guard, execute, watch, finish, verify."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import click

from hipaa_pipeline.commands.options import aws_options, environment_option, format_option, timeout_option, yes_option
from hipaa_pipeline.deployment.pace import MOST_ATTEMPTS
from hipaa_pipeline.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hipaa_pipeline.aws.stacks import DeployedStack
    from hipaa_pipeline.commands.ordering import Prepared
    from hipaa_pipeline.deployment.deploy import Hooks
    from hipaa_pipeline.deployment.order import Outcome
    from hipaa_pipeline.deployment.proposal import Proposal
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
@click.option("--attempts", type=click.IntRange(1, MOST_ATTEMPTS), default=1, show_default=True,
              help="Tries, of passing causes.")  # fmt: skip
@timeout_option
@click.option("--if-busy", type=click.Choice(["wait", "refuse"]), default="wait", show_default=True,
              help="When another operation is running on the stack.")  # fmt: skip
@click.option("--preflight/--no-preflight", default=True, show_default=True, help="Ask first whether it will deploy.")
@click.option("--skip", multiple=True, metavar="SLUG", help="Switch a check of preflight off; may be repeated.")
@click.option("--accept-unknown", is_flag=True, help="Deploy although preflight could not tell everything.")
@click.option("--accept-warnings", is_flag=True, help="Deploy although CloudFormation's own validation warns.")
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
    preflight: bool,
    skip: tuple[str, ...],
    accept_unknown: bool,
    accept_warnings: bool,
    output_format: str,
) -> int:
    """Deploy the stack of an environment, reviewed, guarded and watched."""
    from hipaa_pipeline import console
    from hipaa_pipeline.commands.ordering import prepare
    from hipaa_pipeline.commands.outcome import print_next, print_outcome
    from hipaa_pipeline.commands.preflighting import controls_of
    from hipaa_pipeline.deployment.deploy import deploy

    prepared = prepare(
        environment,
        region,
        profile,
        yes=yes,
        allow_replace=frozenset(allow_replace),
        attempts=attempts,
        timeout_seconds=timeout * 60,
        wait_if_busy=if_busy == "wait",
        accept_unknown=accept_unknown,
        accept_warnings=accept_warnings,
    )
    identity = prepared.subject.identity
    console.note(f"Account {identity.account_id}, {prepared.tools.session.region}, as {identity.arn}.")
    controls = controls_of(prepared.subject, prepared.tools.clock)
    foreseen: list[Finding] = []
    outcome = deploy(prepared.order, prepared.tools, _hooks(prepared, controls, foreseen, skip, foresee=preflight))
    print_outcome(outcome, output_format)
    _report(prepared, outcome, controls, foreseen)
    print_next(outcome)
    return outcome.exit_code


def _report(prepared: Prepared, outcome: Outcome, controls: Sequence[Finding], foreseen: Sequence[Finding]) -> None:
    """Write the quality report; that it could not be written changes nothing about what was deployed."""
    from hipaa_pipeline import console
    from hipaa_pipeline.commands.reporting import write_quality_report

    try:
        console.note(f"Quality report: {write_quality_report(prepared, outcome, controls, foreseen)}")
    except UserError as error:
        console.note(f"There is no quality report: {error.message}")


def _hooks(
    prepared: Prepared,
    controls: Sequence[Finding],
    foreseen: list[Finding],
    skip: tuple[str, ...],
    *,
    foresee: bool,
) -> Hooks:
    from hipaa_pipeline.commands.costing import hourly
    from hipaa_pipeline.deployment.deploy import Hooks

    return Hooks(
        show=functools.partial(_show, prepared),
        preflight=functools.partial(_foreseen, prepared, controls, foreseen, skip) if foresee else tuple,
        read_back=functools.partial(_verified, prepared),
        cost_of=functools.partial(hourly, prepared.subject.expected),
    )


def _foreseen(
    prepared: Prepared, controls: Sequence[Finding], foreseen: list[Finding], skip: tuple[str, ...]
) -> Sequence[Finding]:
    """The preflight's findings, told in full only when something stands in the way; kept for the quality report."""
    from hipaa_pipeline import console
    from hipaa_pipeline.commands.preflighting import judge
    from hipaa_pipeline.errors import ExitCode
    from hipaa_pipeline.preflight import text

    result = judge(prepared.subject, prepared.tools.clock, controls, skip)
    told = text.lines(result)
    console.note("\n".join(told if result.exit_code() is not ExitCode.GOOD else told[-1:]))
    foreseen[:] = result.findings
    return result.findings


def _show(prepared: Prepared, proposal: Proposal, running: DeployedStack | None) -> None:
    from hipaa_pipeline import console
    from hipaa_pipeline.commands.costing import cost_of_change
    from hipaa_pipeline.deployment import wording

    console.note("\n".join(wording.plan_lines(prepared.order.stack_name, proposal)))
    cost = cost_of_change(prepared.tools.session, running, prepared.subject.expected)
    console.note("\n".join(cost.lines()))


def _verified(prepared: Prepared, stack: DeployedStack) -> Sequence[Finding]:
    from hipaa_pipeline import console
    from hipaa_pipeline.commands.verifying import verified

    console.note(f"Reading {stack.name} back.")
    return verified(prepared.subject, prepared.tools.clock, drift=False, drill=False).findings
