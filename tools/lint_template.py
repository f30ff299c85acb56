"""The template by cloudformation-validate, AWS's offline validator: as written, and resolved for each environment.

No error and no warning may be reported. Of the template as written nothing is left out; of the resolved ones, by id and
with the reason, what resolving itself brings in.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Collection, Iterator
from typing import Any

from hipaa_pipeline import console
from hipaa_pipeline.configuration import TEMPLATE_PATH, environments, load_environment
from hipaa_pipeline.flatten import as_template
from hipaa_pipeline.matrix import REGIONS
from hipaa_pipeline.resolve import compile_template
from hipaa_pipeline.source import load_template

REPORTED = {"FATAL", "ERROR", "WARN"}

# Resolved: what people must not write is what resolving writes.
RESOLVED = {
    "W3010": "zone names, where the template asks Fn::GetAZs",
    "W9003": "parameter values, which are texts; CloudFormation makes numbers and booleans of them",
}


def main() -> int:
    """Validate; 0 when nothing is reported."""
    from cloudformation_validate import RegoEngine

    engine = RegoEngine()
    problems = [*as_written(engine), *resolved(engine)]
    for problem in problems:
        console.result(problem)
    judged = f"{TEMPLATE_PATH}, and resolved for {', '.join(environments())} in {', '.join(REGIONS)}"
    console.result(f"cloudformation-validate: {len(problems)} problems in {judged}")
    return 1 if problems else 0


def as_written(engine: Any) -> Iterator[str]:
    """What is reported of the template with its parameters, conditions and mappings."""
    for found in _reported(engine, TEMPLATE_PATH.read_text(encoding="utf-8"), REGIONS[0], ()):
        yield f"{TEMPLATE_PATH}:{found.start_line}: {found.rule_id} {found.message}"


def resolved(engine: Any) -> Iterator[str]:
    """What is reported of each environment's resolved template in each Region, where no branch is left."""
    resolver = compile_template(load_template(TEMPLATE_PATH))
    for environment, region in itertools.product(environments(), REGIONS):
        stack = resolver.resolve(load_environment(environment).parameters, region=region)
        for found in _reported(engine, json.dumps(as_template(stack)), region, RESOLVED):
            yield f"{environment} in {region}: {found.rule_id} {found.message}"


def _reported(engine: Any, text: str, region: str, ignored: Collection[str]) -> list[Any]:
    from cloudformation_validate import TemplateContent, ValidateConfig
    from cloudformation_validate.template_model import PseudoParameterOverrides

    config = ValidateConfig(pseudo_parameter_overrides=PseudoParameterOverrides(region=region))
    report = engine.validate_template(TemplateContent(text), config)
    return [found for found in report.diagnostics if found.severity.name in REPORTED and found.rule_id not in ignored]


if __name__ == "__main__":
    sys.exit(main())
