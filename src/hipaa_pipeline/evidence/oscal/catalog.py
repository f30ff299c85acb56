"""The catalog: the paragraphs of 45 CFR 164.308 to 164.316 as OSCAL controls, one group for each section.

A control's statement is what the paragraph wants; its assessment objective is the part that questions about this stack
can answer. Findings are about the objective, so that nobody takes a setting for the whole paragraph.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from hipaa_pipeline.controls.hipaa import SECTIONS, Paragraph
from hipaa_pipeline.evidence.matrix import Row
from hipaa_pipeline.evidence.oscal import ids

_PARAPHRASED = (
    "The statements paraphrase the paragraphs; what binds is the text of 45 CFR Part 164 Subpart C. The assessment"
    " objectives name the technical measures of one stack and are not part of the regulation."
)


def catalog(rows: Iterable[Row], about: ids.About) -> dict[str, Any]:
    """The catalog document."""
    groups = [
        {
            "id": f"hipaa-{section}",
            "class": "section",
            "title": f"{SECTIONS[section]} ({section})",
            "controls": [_control(row) for row in members],
        }
        for section, members in itertools.groupby(rows, key=lambda row: row.paragraph.section)
    ]
    title = "HIPAA Security Rule, 45 CFR Part 164 Subpart C"
    return ids.document("catalog", title, about, {"groups": groups}, _PARAPHRASED)


def _control(row: Row) -> dict[str, Any]:
    paragraph = row.paragraph
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
            *([_objective(paragraph, row)] if row.covered else []),
        ],
    }


def _objective(paragraph: Paragraph, row: Row) -> dict[str, Any]:
    measures = "; ".join(question.title for question in row.applicable)
    return {
        "id": ids.objective_id(paragraph.citation),
        "name": "assessment-objective",
        "prose": f"The technical measures of this stack that serve the paragraph: {measures}.",
        "links": [{"href": f"#{ids.statement_id(paragraph.citation)}", "rel": "assessment-for"}],
    }
