"""All files of a bundle, from its facts."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from hipaa_pipeline import __version__
from hipaa_pipeline.asked import ASKED
from hipaa_pipeline.controls import HIPAA
from hipaa_pipeline.evidence import Evidence, report, table
from hipaa_pipeline.evidence.diagram import architecture_picture
from hipaa_pipeline.evidence.discretion import without_secrets
from hipaa_pipeline.evidence.manifest import MANIFEST, manifest
from hipaa_pipeline.evidence.matrix import Question, Row, beyond, matrix, questions
from hipaa_pipeline.evidence.oscal import check, ids
from hipaa_pipeline.evidence.oscal.catalog import catalog
from hipaa_pipeline.evidence.oscal.components import component_definition
from hipaa_pipeline.evidence.oscal.results import assessment_results


def bundle(evidence: Evidence) -> dict[str, bytes]:
    """The files by relative path, the manifest among them. The same facts give the same bytes.

    Raises ValueError when the OSCAL documents do not hang together: that is a mistake of this program.
    """
    shown = without_secrets(evidence)
    asked = questions(ASKED, shown.findings)
    rows, others = matrix(HIPAA, asked), beyond(HIPAA, asked)
    files = {
        "README.md": _README.encode(),
        "report.html": report.html(shown, rows, asked).encode(),
        "controls.csv": table.render(rows, others, shown.collected_text).encode(),
        "architecture.svg": architecture_picture(shown.expected).encode(),
        "template.yaml": shown.template_text.encode(),
        "parameters.json": _json({"Parameters": shown.parameters, "Tags": shown.tags}),
        "expected.json": _json(shown.expected.as_dict()),
        "live.json": _json(shown.live.as_dict()),
        "findings.json": _json([finding.as_dict() for finding in shown.findings]),
        "waivers.json": _json([dataclasses.asdict(waiver) for waiver in shown.waivers]),
        "events.json": _json([dataclasses.asdict(event) for event in shown.events]),
        "change-set.json": _json(shown.change_set),
        "cost.json": _json(shown.cost),
        "versions.json": _json(_origin(shown)),
    }
    files |= _oscal(shown, rows, others, [*files])
    return {**files, MANIFEST: manifest(files)}


def _oscal(evidence: Evidence, rows: list[Row], others: list[Question], paths: list[str]) -> dict[str, bytes]:
    stack = evidence.expected
    about = ids.About(
        stack.name, stack.account_id, stack.region, evidence.endpoint, evidence.collected_text, __version__
    )
    documents = {
        ids.CATALOG: catalog(rows, about),
        ids.COMPONENTS: component_definition(stack, ASKED, evidence.findings, about),
        ids.RESULTS: assessment_results(stack, rows, others, about),
    }
    problems = check.problems(documents, paths)
    if problems:
        raise ValueError("OSCAL: " + "; ".join(problems))
    return {f"oscal/{name}": ids.text(document) for name, document in documents.items()}


def _origin(evidence: Evidence) -> dict[str, Any]:
    return {
        "collected": evidence.collected_text,
        "environment": evidence.environment,
        "stack": evidence.expected.name,
        "account_id": evidence.expected.account_id,
        "region": evidence.expected.region,
        "endpoint": evidence.endpoint,
        "caller": evidence.caller,
        "versions": dict(sorted(evidence.versions.items())),
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n").encode()


_README = """\
# Evidence bundle

Made by `hipaa-pipeline evidence`. Keep it six years (45 CFR 164.316(b)(2)(i)).

| file | what it is |
|---|---|
| report.html | the report for a person; opens in any browser, without a network |
| controls.csv | the control matrix: a line for each paragraph and finding; `not-assessed` where nothing was asked |
| oscal/ | the same for programs, in OSCAL 1.2.1: catalog, component-definition, assessment-results |
| findings.json | every answer of the verification |
| template.yaml, parameters.json | what was to be deployed |
| expected.json | the template with its parameters resolved |
| live.json | what the services reported |
| waivers.json | what is waived, by whom, why and until when |
| change-set.json, events.json | the last deployment |
| cost.json | the estimated cost of a month |
| architecture.svg | the picture of the stack |
| versions.json | who collected this, when, from which endpoint, and with which versions |
| manifest.json | the SHA-256 of every other file |

A paragraph that is satisfied here is so in its technical part only; `duty` says what remains, and whose it is.
E-mail addresses and secrets are masked. The caller and the owners of waivers are named: somebody has to answer for
the evidence and for each exception.

`hipaa-pipeline evidence --verify DIR` tells whether a byte was changed, removed or added since. Whoever can write all
files can write the manifest too: keep its own SHA-256, which `evidence` prints, elsewhere.
"""
