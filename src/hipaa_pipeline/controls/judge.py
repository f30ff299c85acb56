"""Asking every check of a stack."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hipaa_pipeline.controls.check import ANY, STACK, Check, Verdict, undetermined
from hipaa_pipeline.controls.literals import IN_PARAMETER, secrets_in_defaults
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.stack import Resource, Stack, is_unknown, unknown


def judge(stack: Stack, *, checks: Sequence[Check] | None = None) -> list[Finding]:
    """The answers of all `checks` (default: every one) about a resolved template or a live stack.

    In the order of the checks, then of the resources. A check whose types the stack lacks answers once, "not
    applicable". Waivers are not applied here.
    """
    if checks is None:
        from hipaa_pipeline.controls import CHECKS

        checks = CHECKS
    stack = _legible(stack)
    subjects = _by_type(stack)
    return [finding for check in checks for finding in _ask(check, subjects, stack)]


def judge_defaults(body: Mapping[str, Any]) -> list[Finding]:
    """What a resolved stack no longer shows: secrets in the parameter defaults of a template's body."""
    from hipaa_pipeline.controls import CHECKS

    [check] = [check for check in CHECKS if check.slug == IN_PARAMETER]
    return [_finding(check, verdict, "") for verdict in secrets_in_defaults(body)]


def _legible(stack: Stack) -> Stack:
    """The stack with the properties of each resource a mapping, if need be the mark that they are unknown."""
    illegible = {
        name: dataclasses.replace(resource, properties=unknown("Properties must be a mapping"))
        for name, resource in stack.resources.items()
        if not isinstance(resource.properties, dict)
    }
    return dataclasses.replace(stack, resources={**stack.resources, **illegible}) if illegible else stack


def _by_type(stack: Stack) -> Mapping[str, list[Resource]]:
    subjects: dict[str, list[Resource]] = collections.defaultdict(list)
    for resource in stack.resources.values():
        subjects[resource.type].append(resource)
        subjects[ANY].append(resource)
    itself = {"Parameters": stack.parameters, "Outputs": stack.outputs}
    return {**subjects, STACK: [Resource(stack.name or "Stack", STACK, itself)]}


def _ask(check: Check, subjects: Mapping[str, list[Resource]], stack: Stack) -> Iterator[Finding]:
    asked = False
    for resource in _subjects(check.types, subjects):
        for verdict in _verdicts(check, resource, stack):
            asked = True
            yield _finding(check, verdict, verdict.resource or resource.logical_id)
    if not asked:
        reason = f"the stack has no {' or '.join(check.types)}"
        yield _finding(check, Verdict(Status.NOT_APPLICABLE, reason=reason), "")


def _verdicts(check: Check, resource: Resource, stack: Stack) -> Iterable[Verdict]:
    if is_unknown(resource.properties):
        return (undetermined("Properties", check.title, resource.properties),)
    return check.judge(resource, stack)


def _subjects(types: Iterable[str], subjects: Mapping[str, list[Resource]]) -> Iterator[Resource]:
    for type_ in types:
        yield from subjects.get(type_, ())


def _finding(check: Check, verdict: Verdict, resource: str) -> Finding:
    return Finding(
        control=check.slug,
        status=verdict.status,
        resource=resource,
        property=verdict.property,
        expected=verdict.expected,
        actual=verdict.actual,
        citation=check.citation,
        remedy=check.remedy,
        reason=verdict.reason,
        severity=check.severity,
    )
