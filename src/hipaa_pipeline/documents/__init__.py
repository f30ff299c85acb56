"""The generated documents: pure functions of the template, the parameter files, the checks and the price lock.

`hipaa-pipeline template` writes them, `hipaa-pipeline template --check` compares them with what is committed.
"""

from __future__ import annotations

from pathlib import Path

from hipaa_pipeline.configuration import DEFAULT_REGION, TEMPLATE_PATH, environments, load_environment

PROTECTED = "prod"


def all_documents() -> dict[Path, str]:
    """Every generated document by its path in the repository, made from the template as its source builds it now."""
    from hipaa_pipeline.controls import judge
    from hipaa_pipeline.cost.lock import load_lock
    from hipaa_pipeline.documents.controls import controls_document
    from hipaa_pipeline.documents.cost import cost_document
    from hipaa_pipeline.documents.permissions import permission_documents
    from hipaa_pipeline.documents.preflight import preflight_document
    from hipaa_pipeline.documents.reliability import reliability_document
    from hipaa_pipeline.documents.scale import scale_document
    from hipaa_pipeline.evidence.diagram import architecture_picture
    from hipaa_pipeline.resolve import compile_template
    from hipaa_pipeline.source import parse_template
    from hipaa_pipeline.template import template_text

    template = parse_template(template_text(), TEMPLATE_PATH.as_posix())
    resolver = compile_template(template)
    stacks = {
        environment: resolver.resolve(load_environment(environment).parameters, region=DEFAULT_REGION)
        for environment in environments()
    }
    return {
        Path("docs/architecture.svg"): architecture_picture(stacks[PROTECTED]),
        Path("docs/controls.md"): controls_document(template, judge(stacks[PROTECTED])),
        Path("docs/cost.md"): cost_document(stacks, load_lock()),
        **permission_documents(),
        Path("docs/preflight.md"): preflight_document(),
        Path("docs/reliability.md"): reliability_document(),
        Path("docs/scale.md"): scale_document(),
    }
