"""The component definition: each resource of the template, and the paragraphs that its settings serve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hipaa_pipeline.evidence import Asked
from hipaa_pipeline.evidence.oscal import ids
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.stack import Resource, Stack


def component_uuid(stack_name: str, logical_id: str) -> str:
    """The UUID that assessment results use for the same resource."""
    return ids.named("component", stack_name, logical_id)


def component_definition(
    expected: Stack, asked: Sequence[Asked], findings: Sequence[Finding], collected: str, version: str
) -> dict[str, Any]:
    """The component definition document: what was asked of each resource is what it is meant to implement."""
    titles = {one.slug: one for one in asked}
    components = [
        _component(expected.name, resource, _served(resource.logical_id, titles, findings))
        for resource in expected.resources.values()
    ]
    content = {"components": components}
    return ids.document("component-definition", f"Components of {expected.name}", collected, version, content)


def _served(logical_id: str, asked: Mapping[str, Asked], findings: Iterable[Finding]) -> dict[str, dict[str, Asked]]:
    """Citation -> the questions that were asked of this resource for it, by slug."""
    served: dict[str, dict[str, Asked]] = {}
    for finding in findings:
        if finding.resource == logical_id and finding.status is not Status.NOT_APPLICABLE and finding.control in asked:
            for citation in asked[finding.control].citations:
                served.setdefault(citation, {})[finding.control] = asked[finding.control]
    return dict(sorted(served.items()))


def _component(stack_name: str, resource: Resource, served: Mapping[str, Mapping[str, Asked]]) -> dict[str, Any]:
    name = resource.logical_id
    component: dict[str, Any] = {
        "uuid": component_uuid(stack_name, name),
        "type": "service",
        "title": name,
        "description": f"{resource.type} of the CloudFormation stack {stack_name}",
        "props": [ids.prop("cloudformation-type", resource.type), ids.prop("logical-id", name)],
    }
    if served:
        component["control-implementations"] = [
            {
                "uuid": ids.named("implementation", stack_name, name),
                "source": ids.CATALOG,
                "description": f"What the settings of {name} do for the HIPAA Security Rule",
                "implemented-requirements": [
                    _requirement(stack_name, name, citation, questions) for citation, questions in served.items()
                ],
            }
        ]
    return component


def _requirement(stack_name: str, name: str, citation: str, questions: Mapping[str, Asked]) -> dict[str, Any]:
    return {
        "uuid": ids.named("requirement", stack_name, name, citation),
        "control-id": ids.control_id(citation),
        "description": "; ".join(question.title for question in questions.values()),
        "props": [ids.prop("check", slug) for slug in questions],
    }
