"""The checks as cfn-lint rules, for editors, pre-commit and CI: `cfn-lint -a hipaa_pipeline.cfnlint_rules -t TEMPLATE`.

cfn-lint imports this module and makes one rule of each class it finds here, so the classes are made on import. The
template is resolved with its defaults, or with the values of cfn-lint's own `--parameters`; what cannot be determined
is never reported as a failure, but as I9100, which cfn-lint shows with `-c I`.
https://github.com/aws-cloudformation/cfn-lint/blob/main/docs/getting_started/rules.md
"""

from __future__ import annotations

from cfnlint.rules import CloudFormationLintRule

from hipaa_pipeline.cfnlint_rules.ids import rule_id
from hipaa_pipeline.cfnlint_rules.judging import ControlRule, UndeterminedRule
from hipaa_pipeline.controls import CHECKS, Check

__all__ = ["RULES", "UndeterminedRule"]


def _rule_class(check: Check) -> type[CloudFormationLintRule]:
    attributes = {
        "id": rule_id(check.slug),
        "shortdesc": check.title,
        "description": f"{check.title}. {check.remedy}",
        "source_url": "https://www.ecfr.gov/current/title-45/part-164/subpart-C",
        "tags": ["hipaa", check.service.lower(), *check.citations],
        "control": check.slug,
        "__doc__": check.title,
        "__module__": __name__,
    }
    name = "".join(word.capitalize() for word in check.slug.split("_"))
    rule: type[CloudFormationLintRule] = type(name, (ControlRule,), attributes)
    return rule


RULES = {rule.__name__: rule for rule in map(_rule_class, CHECKS)}
globals().update(RULES)  # cfn-lint looks for classes among the module's members
