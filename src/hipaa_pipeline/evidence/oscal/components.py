"""The component definition: each resource of the template, and how far its settings serve the paragraphs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from hipaa_pipeline.asked import Asked
from hipaa_pipeline.controls import HIPAA, Kind
from hipaa_pipeline.evidence.oscal import ids
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.stack import Resource, Stack

Served = Mapping[str, Sequence[Finding]]
"""What was found of a resource, by citation."""


def component_uuid(about: ids.About, logical_id: str) -> str:
    """The UUID that assessment results use for the same resource."""
    return about.named("component", logical_id)


def component_definition(
    expected: Stack, asked: Sequence[Asked], findings: Sequence[Finding], about: ids.About
) -> dict[str, Any]:
    """The component definition document: what was asked of each resource, and whether it holds."""
    by_slug = {one.slug: one for one in asked}
    components = [
        _component(resource, about, by_slug, _served(resource.logical_id, by_slug, findings))
        for resource in expected.resources.values()
    ]
    return ids.document("component-definition", f"Components of {about.place}", about, {"components": components})


def _served(logical_id: str, asked: Mapping[str, Asked], findings: Iterable[Finding]) -> Served:
    served: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.resource == logical_id and finding.status is not Status.NOT_APPLICABLE:
            for citation in asked[finding.control].citations:
                served.setdefault(citation, []).append(finding)
    return dict(sorted(served.items()))


def _component(resource: Resource, about: ids.About, asked: Mapping[str, Asked], served: Served) -> dict[str, Any]:
    name = resource.logical_id
    component: dict[str, Any] = {
        "uuid": component_uuid(about, name),
        "type": "service",
        "title": name,
        "description": f"{resource.type} of the CloudFormation stack {about.stack}",
        "props": [ids.prop("cloudformation-type", resource.type), ids.prop("logical-id", name)],
    }
    if served:
        component["control-implementations"] = [
            {
                "uuid": about.named("implementation", name),
                "source": ids.CATALOG,
                "description": f"What the settings of {name} do for the HIPAA Security Rule",
                "implemented-requirements": [
                    _requirement(name, citation, about, asked, found) for citation, found in served.items()
                ],
            }
        ]
    return component


def _requirement(
    name: str, citation: str, about: ids.About, asked: Mapping[str, Asked], found: Sequence[Finding]
) -> dict[str, Any]:
    controls = dict.fromkeys(finding.control for finding in found)
    addressable = Kind.ADDRESSABLE in {one.kind for one in HIPAA if one.citation == citation}
    status = implementation_status({finding.status for finding in found}, addressable=addressable)
    return {
        "uuid": about.named("requirement", name, citation),
        "control-id": ids.control_id(citation),
        "description": "; ".join(asked[control].title for control in controls),
        "props": [
            ids.prop("implementation-status", status, remarks=_remarks(found)),
            *(ids.prop("check", control) for control in controls),
        ],
    }


def implementation_status(found: Collection[Status], *, addressable: bool) -> str:
    """OSCAL's word for what was found: only what passed whole is implemented, and unknown counts as not there.

    Of an addressable specification a waiver is a documented decision to do without (164.306(d)(3)); whether what is
    done instead is equivalent is the assessor's to say. Of anything else it is a risk that is accepted: nothing is
    implemented instead.
    """
    statuses = set(found)
    if statuses == {Status.PASS}:
        return "implemented"
    if Status.PASS in statuses:
        return "partial"
    return "alternative" if statuses == {Status.WAIVED} and addressable else "planned"


def _remarks(found: Iterable[Finding]) -> str:
    """What does not hold and why, once each."""
    lacking = [finding for finding in found if finding.status is not Status.PASS]
    return "; ".join(
        dict.fromkeys(
            f"{finding.control}: {finding.status.value}{f' ({finding.reason})' if finding.reason else ''}"
            for finding in lacking
        )
    )
