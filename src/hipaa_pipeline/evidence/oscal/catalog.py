"""The catalog: the paragraphs of 45 CFR 164.308 to 164.316 as OSCAL controls, one group for each section."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from hipaa_pipeline.controls.hipaa import Paragraph
from hipaa_pipeline.evidence.oscal import ids

_TITLES = {
    "164.308": "Administrative safeguards",
    "164.310": "Physical safeguards",
    "164.312": "Technical safeguards",
    "164.314": "Organizational requirements",
    "164.316": "Policies and procedures and documentation requirements",
}


def catalog(paragraphs: Iterable[Paragraph], collected: str, version: str) -> dict[str, Any]:
    """The catalog document."""
    groups = [
        {
            "id": f"hipaa-{section}",
            "class": "section",
            "title": f"{_TITLES[section]} ({section})",
            "controls": [_control(paragraph) for paragraph in members],
        }
        for section, members in itertools.groupby(paragraphs, key=lambda paragraph: paragraph.citation[:7])
    ]
    title = "HIPAA Security Rule, 45 CFR Part 164 Subpart C"
    return ids.document("catalog", title, collected, version, {"groups": groups})


def _control(paragraph: Paragraph) -> dict[str, Any]:
    return {
        "id": ids.control_id(paragraph.citation),
        "class": "hipaa",
        "title": paragraph.title,
        "props": [
            ids.prop("label", f"45 CFR {paragraph.citation}", own=False),
            ids.prop("kind", paragraph.kind.value),
            ids.prop("nature", paragraph.nature.value),
        ],
        "parts": [
            {"id": ids.statement_id(paragraph.citation), "name": "statement", "prose": paragraph.meaning},
            {
                "id": f"{ids.control_id(paragraph.citation)}_gdn",
                "name": "guidance",
                "prose": f"Beyond this stack: {paragraph.duty}.",
            },
        ],
    }
