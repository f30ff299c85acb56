"""`preflight`: will it deploy? Asked before anything is created."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hipaa_pipeline import console, report
from hipaa_pipeline.commands.options import Minutes, aws_options, environment_option, format_option, yes_option

if TYPE_CHECKING:
    from hipaa_pipeline.preflight import Result


@click.command(name="preflight")
@environment_option
@aws_options
@format_option(*report.FORMATS)
@click.option("--all", "everything", is_flag=True, help="A line for every quota, not only for those in trouble.")
@click.option("--detail", is_flag=True, help="With --format json: the ledger and the ways out beside the findings.")
@click.option("--skip", multiple=True, metavar="SLUG", help="Switch a check off; may be repeated.")
@click.option("--accept-unknown", is_flag=True, help="Exit 0, not 3, when something could not be told.")
@click.option("--request-increase", is_flag=True, help="Ask AWS to raise what is blocked, after confirmation.")
@click.option("--allow-support-case", is_flag=True, help="Let AWS open a support case for such a request.")
@click.option("--wait-for-increase", type=Minutes(), metavar="MINUTES", help="Wait for AWS to decide.")
@click.option("--print-policy", is_flag=True, help="Print the deployer's IAM policies for this account and Region.")
@yes_option
def command(
    environment: str,
    region: str | None,
    profile: str | None,
    output_format: str,
    everything: bool,
    detail: bool,
    skip: tuple[str, ...],
    accept_unknown: bool,
    request_increase: bool,
    allow_support_case: bool,
    wait_for_increase: float | None,
    print_policy: bool,
    yes: bool,
) -> int:
    """Predict whether a deployment would succeed, and offer ways out of what blocks it.

    It only reads, unless it is told to request an increase.

    Exit code 0: nothing stands in the way; 1: something does; 3: something could not be told.
    """
    from hipaa_pipeline.clock import SystemClock
    from hipaa_pipeline.commands import preflighting
    from hipaa_pipeline.commands.subjects import subject_of

    subject, clock = subject_of(environment, region, profile), SystemClock()
    if print_policy:
        console.result_json(preflighting.policies(subject))
        return 0
    controls = preflighting.controls_of(subject, clock)
    result = preflighting.judge(subject, clock, controls, skip)
    if request_increase or wait_for_increase is not None:
        show(result, output_format, everything=everything, detail=detail)
        raised = preflighting.raise_quotas(
            subject,
            clock,
            result,
            yes=yes,
            request=request_increase,
            support_case=allow_support_case,
            wait_minutes=wait_for_increase,
        )
        if not raised:
            return result.exit_code(accept_unknown=accept_unknown)
        result = preflighting.judge(subject, clock, controls, skip)
    show(result, output_format, everything=everything, detail=detail)
    return result.exit_code(accept_unknown=accept_unknown)


def show(result: Result, output_format: str, *, everything: bool, detail: bool) -> None:
    """The result on standard output."""
    if output_format == "text":
        from hipaa_pipeline.preflight import text

        console.result_lines(text.lines(result, everything=everything, width=console.width()), text.STYLES)
    elif output_format == "json" and detail:
        console.result_json(result.as_dict())
    else:
        title = f"preflight of {result.stack_name} in {result.account_id}, {result.region}"
        console.result_findings(result.findings, output_format, title=title)
