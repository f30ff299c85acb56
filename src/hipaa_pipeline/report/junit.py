"""Findings as JUnit XML, which every CI system shows: one test case a finding, one suite a control.

A failed finding is a `failure`, an unknown one an `error`, a waived or not applicable one `skipped` with the reason.
Each case's properties carry the finding's fields. No times: the same findings give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from hipaa_pipeline.findings import Finding, Status, count
from hipaa_pipeline.report.wording import place, sentence, shown, subject

# What XML 1.0 cannot carry, not even escaped (https://www.w3.org/TR/xml/#charsets).
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS = {
    Status.FAIL: "failure",
    Status.UNKNOWN: "error",
    Status.WAIVED: "skipped",
    Status.NOT_APPLICABLE: "skipped",
}


def render(findings: Sequence[Finding], *, template_path: str | None, title: str) -> str:
    """A `testsuites` document named `title`."""
    root = ET.Element("testsuites", {"name": _clean(title), **_counts(findings)})
    for control in dict.fromkeys(finding.control for finding in findings):
        group = [finding for finding in findings if finding.control == control]
        suite = ET.SubElement(root, "testsuite", {"name": _clean(control), **_counts(group)})
        for finding in group:
            suite.append(_case(finding, template_path))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def _counts(findings: Sequence[Finding]) -> dict[str, str]:
    counted = count(findings)
    return {
        "tests": str(len(findings)),
        "failures": str(counted[Status.FAIL]),
        "errors": str(counted[Status.UNKNOWN]),
        "skipped": str(counted[Status.WAIVED] + counted[Status.NOT_APPLICABLE]),
    }


def _case(finding: Finding, template_path: str | None) -> ET.Element:
    case = ET.Element("testcase", classname=_clean(finding.control), name=_clean(f"{finding.rule}: {subject(finding)}"))
    properties = ET.SubElement(case, "properties")
    for name, value in finding.as_dict().items():
        if value not in (None, ""):
            ET.SubElement(properties, "property", name=name, value=_clean(shown(value)))
    element = _ELEMENTS.get(finding.status)
    if element:
        outcome = ET.SubElement(case, element, message=_clean(sentence(finding)))
        if element != "skipped":
            outcome.set("type", str(finding.status))
            outcome.text = _clean(place(finding, template_path))
    return case


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
