"""`check`: any CloudFormation template, judged by the controls."""

from __future__ import annotations

import os
from pathlib import Path

import click

from hipaa_pipeline import configuration, console, report
from hipaa_pipeline.commands.options import LOCAL, format_option, region_option
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.findings import Finding, exit_code
from hipaa_pipeline.source import Template, load_template


@click.command(name="check")
@click.argument("template_path", metavar="[TEMPLATE]", required=False, type=click.Path(path_type=Path))
@click.option("--env", "environment", metavar="ENV", help="With parameters/ENV.json and its waivers.")
@click.option("--parameters", type=click.Path(path_type=Path), metavar="FILE", help="With another parameter file.")
@click.option("--matrix", is_flag=True, help="With every combination of parameters that makes a difference.")
@region_option
@format_option(*report.FORMATS)
def command(
    template_path: Path | None,
    environment: str | None,
    parameters: Path | None,
    matrix: bool,
    region: str | None,
    output_format: str,
) -> int:
    """Judge any CloudFormation template, YAML or JSON, by the HIPAA controls.

    Without TEMPLATE it is this project's own, and with the parameters of the environment `local` unless told
    otherwise; another template is judged with its parameters' defaults.
    """
    if sum((environment is not None, parameters is not None, matrix)) > 1:
        raise UserError("Only one of --env, --parameters and --matrix can be used.", "hipaa-pipeline check --help")
    if template_path is None:
        configuration.require_repository()
    template = load_template(template_path or configuration.TEMPLATE_PATH)
    if matrix:
        findings, title = _matrix(template, region)
    else:
        findings, title = _once(template, environment, parameters, region or _configured_region())
    console.result_findings(findings, output_format, template_path=template.path, title=title)
    return exit_code(findings)


def _once(
    template: Template, environment: str | None, parameters: Path | None, region: str
) -> tuple[list[Finding], str]:
    """The findings with one set of parameters, and what was judged."""
    from hipaa_pipeline.checking import check_environment, check_template

    own = _is_own(template)
    if environment is None and parameters is None and own:
        environment = LOCAL
        console.note(f"Judged with parameters/{LOCAL}.json; --env prod or --matrix asks more.")
    if environment is not None:
        chosen = configuration.load_environment(environment)
    elif parameters is not None:
        chosen = configuration.load_file(parameters)
    else:
        return check_template(template, {}, region=region, strict=False), f"{template.path} in {region}"
    if environment and own:
        from hipaa_pipeline.clock import SystemClock
        from hipaa_pipeline.waivers import load_waivers

        today = SystemClock().now().date()
        findings = check_environment(template, chosen, load_waivers(), region=region, today=today)
    else:
        findings = check_template(template, chosen.parameters, region=region, stack_name=chosen.stack_name, strict=own)
    return findings, f"{template.path} with {parameters or environment} in {region}"


def _matrix(template: Template, region: str | None) -> tuple[list[Finding], str]:
    from hipaa_pipeline import matrix

    names = configuration.environments() if _is_own(template) else []
    bases = [configuration.load_environment(name).parameters for name in names]
    outcome = matrix.run(template, (region,) if region else matrix.REGIONS, bases)
    return list(outcome.findings), f"{template.path}: {outcome.summary}"


def _is_own(template: Template) -> bool:
    return Path(template.path).resolve() == configuration.TEMPLATE_PATH.resolve()


def _configured_region() -> str:
    """The Region of the environment; profiles are not read, because judging a template needs no AWS configuration."""
    configured = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return configuration.check_region(configured) if configured else configuration.DEFAULT_REGION
