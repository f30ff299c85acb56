"""Which fields of evidence are masked, and which are kept because somebody has to answer for them."""

from __future__ import annotations

import dataclasses

from hipaa_pipeline.deployment.events import Event
from hipaa_pipeline.evidence import Evidence
from hipaa_pipeline.findings import Finding
from hipaa_pipeline.masking import masked
from hipaa_pipeline.stack import Resource, Stack
from hipaa_pipeline.verification.verify import MATCHES
from hipaa_pipeline.waivers import Waiver


def without_secrets(evidence: Evidence) -> Evidence:
    """The evidence with personal and secret texts masked.

    Kept are the caller and the owners of waivers, because somebody has to answer for the evidence and for each
    exception; and the template, where nothing of either kind belongs.
    """
    return dataclasses.replace(
        evidence,
        parameters=masked(evidence.parameters),
        tags=masked(evidence.tags),
        expected=_stack(evidence.expected),
        live=_stack(evidence.live),
        findings=tuple(finding_without_secrets(finding) for finding in evidence.findings),
        waivers=tuple(_waiver(waiver) for waiver in evidence.waivers),
        events=tuple(_event(event) for event in evidence.events),
        change_set=masked(evidence.change_set),
        cost=masked(evidence.cost),
    )


def _stack(stack: Stack) -> Stack:
    return dataclasses.replace(
        stack,
        resources={name: _resource(resource) for name, resource in stack.resources.items()},
        parameters=masked(stack.parameters),
        outputs=masked(stack.outputs),
    )


def _resource(resource: Resource) -> Resource:
    return dataclasses.replace(resource, properties=masked(resource.properties), attributes=masked(resource.attributes))


def finding_without_secrets(finding: Finding) -> Finding:
    """The finding with such texts masked in what was expected and found, the reason and the remedy."""
    # Only the comparison quotes whatever stands at a property; a control's texts are its own words.
    name = finding.property if finding.control == MATCHES.slug else ""
    return dataclasses.replace(
        finding,
        expected=masked(finding.expected, name),
        actual=masked(finding.actual, name),
        reason=masked(finding.reason),
        remedy=masked(finding.remedy),
    )


def _waiver(waiver: Waiver) -> Waiver:
    return dataclasses.replace(waiver, reason=masked(waiver.reason))


def _event(event: Event) -> Event:
    return dataclasses.replace(event, physical_id=masked(event.physical_id), reason=masked(event.reason))
