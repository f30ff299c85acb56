"""The words that several formats share."""

from __future__ import annotations

import json
from typing import Any

from hipaa_pipeline.findings import Finding


def shown(value: Any) -> str:
    """A value of a property as a person reads it: texts as they are, anything else as compact JSON."""
    if value is None:
        return "absent"
    return value if isinstance(value, str) else json.dumps(value, default=str)


def subject(finding: Finding) -> str:
    """What was judged: `Database StorageEncrypted`, or the rule where neither resource nor property is named."""
    return " ".join(part for part in (finding.resource, finding.property) if part) or finding.rule


def sentence(finding: Finding) -> str:
    """The finding in one line: what, what was expected, what is there, why, and what to do."""
    parts = [f"{subject(finding)}: expected {shown(finding.expected)}, found {shown(finding.actual)}."]
    if finding.reason:
        parts.append(f"{str(finding.status).capitalize()}: {_full_stop(finding.reason)}")
    if finding.remedy:
        parts.append(_full_stop(finding.remedy))
    if finding.citation:
        parts.append(f"HIPAA: {finding.citation}.")
    return " ".join(parts)


def place(finding: Finding, template_path: str | None) -> str:
    """`templates/x.yaml:12`, the path alone without a line, empty without a path."""
    if not template_path:
        return f"line {finding.line}" if finding.line else ""
    return f"{template_path}:{finding.line}" if finding.line else template_path


def _full_stop(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
