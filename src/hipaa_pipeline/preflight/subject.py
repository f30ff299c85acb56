"""What a preflight judges, and what a check is."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight.facts import Facts
from hipaa_pipeline.stack import Resource, Stack

WARNING = "warning"


@dataclasses.dataclass(frozen=True)
class Subject:
    """The resolved stack to deploy (with the name and Region it will have), its template's size, and the caller's time.

    `expires_at` is when the caller's credentials end, None when they do not say. `deployer` is the ARN of the role that
    deploys, empty when the caller does. `controls` is what the controls say of the template, waivers applied, None for
    a fleet, whose targets no environment's waivers are for.
    """

    stack: Stack
    template_bytes: int
    now: datetime.datetime
    expires_at: datetime.datetime | None = None
    deployer: str = ""
    controls: Sequence[Finding] | None = None


@dataclasses.dataclass(frozen=True)
class Check:
    """One predictor: a slug to name and to skip it, what it predicts, and the question it asks."""

    slug: str
    what: str
    judge: Callable[[Subject, Facts], list[Finding]]


def warning(control: str, reason: str, **fields: Any) -> Finding:
    """A finding that lets the deployment pass and tells what to think about first."""
    return Finding(control=control, status=Status.PASS, severity=WARNING, reason=reason, **fields)


def passed_or_failed(held: bool | None) -> Status:
    """The status of a requirement that holds, does not, or could not be determined."""
    if held is None:
        return Status.UNKNOWN
    return Status.PASS if held else Status.FAIL


def parameter_of(stack: Stack, value: str) -> str:
    """The parameter that a literal came from, so that a remedy can name it; empty when no parameter has this value."""
    for name, given in stack.parameters.items():
        if value and value in (given if isinstance(given, list) else str(given).split(",")):
            return name
    return ""


def literals(stack: Stack, uses: dict[tuple[str, str], str]) -> Iterator[tuple[Resource, str, str]]:
    """The literal texts at `(resource type, property path)`, with their resource and what `uses` says of the place.

    `Rules[].GroupId` is the group of each rule of a list.
    """
    for resource in stack.resources.values():
        for (type_name, path), use in uses.items():
            if resource.type == type_name:
                yield from ((resource, text, use) for text in _texts(resource, path))


def _texts(resource: Resource, path: str) -> Iterator[str]:
    outer, _, inner = path.partition("[].")
    value = resource.get(outer)
    for each in value if isinstance(value, list | tuple) else [value]:
        text = each.get(inner) if inner and isinstance(each, Mapping) else each
        if isinstance(text, str) and text:
            yield text
