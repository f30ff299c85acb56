"""From a finding back to the template: the path and the line of the value that was judged."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hipaa_pipeline.findings import Finding
from hipaa_pipeline.source import Template, TemplatePath
from hipaa_pipeline.syntax.values import PathStep

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_SECTIONS = ("Transform", "Parameters", "Outputs", "Resources", "Conditions", "Mappings", "Rules", "Metadata")


def with_lines(findings: Iterable[Finding], template: Template) -> list[Finding]:
    """The findings with the template's lines; a finding about nothing in the template keeps none."""
    return [dataclasses.replace(finding, line=line_of(finding, template)) for finding in findings]


def line_of(finding: Finding, template: Template) -> int | None:
    """The line of the judged value, or of its nearest enclosing one; None when the template does not hold it."""
    path = path_of(finding, template.body)
    return template.line_of(path) if path else None


def path_of(finding: Finding, body: Mapping[str, Any]) -> TemplatePath:
    """The longest path of the body that leads to the finding's property; empty when its resource is not there.

    A property is looked up among the resource's properties, then among its attributes (`DeletionPolicy`); one that
    starts with the name of a section (`Parameters.EngineVersion`) belongs to the template itself.
    """
    steps = steps_of(finding.property)
    resources = body.get("Resources")
    if isinstance(resources, Mapping) and finding.resource in resources:
        return _in_resource(resources[finding.resource], ("Resources", finding.resource), steps)
    if steps and steps[0] in _SECTIONS:
        return _follow(body, (), steps)
    return ()


def steps_of(dotted: str) -> tuple[PathStep, ...]:
    """The steps of a property as findings write it: `A.B[2].C` is `("A", "B", 2, "C")`."""
    return tuple(int(index) if index else name for index, name in _STEP.findall(dotted))


def _in_resource(resource: Any, start: TemplatePath, steps: Sequence[PathStep]) -> TemplatePath:
    if not steps:
        return start
    return max(_follow(resource, start, steps), _follow(resource, start, ("Properties", *steps)), key=len)


def _follow(node: Any, path: TemplatePath, steps: Sequence[PathStep]) -> TemplatePath:
    """`path` and as many of the steps as the node has; a key that holds dots (`rds.force_ssl`) is one step of it."""
    for taken in range(len(steps), 0, -1):
        step = _key(steps[:taken])
        if _has(node, step):
            return _follow(node[step], (*path, step), steps[taken:])
    return path


def _key(steps: Sequence[PathStep]) -> PathStep:
    return steps[0] if len(steps) == 1 else ".".join(map(str, steps))


def _has(node: Any, step: PathStep) -> bool:
    if isinstance(node, Mapping):
        return step in node
    return isinstance(node, list) and isinstance(step, int) and step < len(node)
