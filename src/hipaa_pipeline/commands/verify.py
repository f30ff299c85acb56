"""`verify`: the running stack read back and asked the controls."""

from __future__ import annotations

import click

from hipaa_pipeline import console, report
from hipaa_pipeline.commands.options import (
    aws_options,
    drift_option,
    drill_option,
    environment_option,
    format_option,
    yes_option,
)


@click.command(name="verify")
@environment_option
@aws_options
@format_option(*report.FORMATS)
@drift_option
@drill_option
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
    from hipaa_pipeline.clock import SystemClock
    from hipaa_pipeline.commands.subjects import subject_of
    from hipaa_pipeline.commands.verifying import agreed_to_drill, verified
    from hipaa_pipeline.findings import exit_code

    subject = subject_of(environment, region, profile)
    drill = drill and agreed_to_drill(subject, yes=yes)
    findings = verified(subject, SystemClock(), drift=drift, drill=drill).findings
    console.result_findings(findings, output_format, title=subject.place)
    return exit_code(findings)
