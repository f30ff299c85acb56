"""`verify`: the running stack read back and asked the controls."""

from __future__ import annotations

import click

from hipaa_pipeline import console, report
from hipaa_pipeline.commands.options import aws_options, environment_option, format_option, yes_option


@click.command(name="verify")
@environment_option
@aws_options
@format_option(*report.FORMATS)
@click.option("--drift/--no-drift", default=True, show_default=True, help="Have CloudFormation look for drift too.")
@click.option("--drill", is_flag=True, help="Ring every alarm for a moment; ask the database for a plaintext session.")
@yes_option
def command(
    environment: str,
    region: str | None,
    profile: str | None,
    output_format: str,
    drift: bool,
    drill: bool,
    yes: bool,
) -> int:
    """Read the running stack back through the service APIs, and ask the controls.

    Exit code 0: all good; 1: something fails; 3: something could not be read.
    """
    from hipaa_pipeline.ask import asker
    from hipaa_pipeline.clock import SystemClock
    from hipaa_pipeline.commands.subjects import subject_of
    from hipaa_pipeline.commands.verifying import verified
    from hipaa_pipeline.findings import exit_code

    subject = subject_of(environment, region, profile)
    place = f"{subject.configuration.stack_name} in {subject.identity.account_id}, {subject.expected.region}"
    if drill and not asker(yes=yes).confirm(f"Ring every alarm of {place}? Those who are subscribed will be notified."):
        console.note("Nothing was rung; verifying without the drill.")
        drill = False
    findings = verified(subject, SystemClock(), drift=drift, drill=drill).findings
    console.result_findings(findings, output_format, title=place)
    return exit_code(findings)
