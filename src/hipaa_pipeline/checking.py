"""A template judged: resolved, asked every check, and each answer led back to its line."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence

from hipaa_pipeline.configuration import Configuration, environments
from hipaa_pipeline.controls import judge, judge_defaults
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.places import with_lines
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import Template
from hipaa_pipeline.stack import Stack, protected
from hipaa_pipeline.waivers import Waiver, apply_waivers

RESOLVED = "template_resolved"


def check_template(
    template: Template, parameters: Mapping[str, str], *, region: str, stack_name: str = "", strict: bool = True
) -> list[Finding]:
    """The answers of every check about the stack that the template makes of these parameter values.

    Strict is for a template and parameters that belong together: what is wrong raises ParameterError or ResolveError.
    Otherwise it is an unknown finding with its place.
    """
    stack = resolve(template, parameters, region=region, stack_name=stack_name, strict=strict)
    return with_lines([*judge(stack), *judge_defaults(template.body), *unresolved(stack)], template)


def check_environment(
    template: Template, configuration: Configuration, waivers: Sequence[Waiver], *, region: str, today: datetime.date
) -> list[Finding]:
    """The answers about an environment of this project's template, its waivers applied. Raises as strict does."""
    return apply_waivers(
        check_template(template, configuration.parameters, region=region, stack_name=configuration.stack_name),
        waivers,
        configuration.environment,
        today,
        protected=protected(configuration.parameters),
        environments=environments(),
    )


def unresolved(stack: Stack) -> Iterator[Finding]:
    """An unknown finding for each place of the template that could not be resolved."""
    for place, problem in stack.unresolved.items():
        yield Finding(
            control=RESOLVED,
            status=Status.UNKNOWN,
            property=place,
            expected="a value known before deployment",
            reason=problem,
            remedy="Give the value with --parameters FILE, or judge the template after its macros have run.",
            severity="medium",
        )
