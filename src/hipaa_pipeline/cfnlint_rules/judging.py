"""What every rule does: judge the template once, and report the findings that are its own."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from hipaa_pipeline.cfnlint_rules.ids import UNDETERMINED
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.places import path_of
from hipaa_pipeline.report.wording import sentence

_judged: weakref.WeakKeyDictionary[Template, Sequence[Finding]] = weakref.WeakKeyDictionary()


class ControlRule(CloudFormationLintRule):  # type: ignore[misc]
    """The failures of one control. Without an id of its own it is no rule: only its subclasses are."""

    control = ""

    def match(self, cfn: Template) -> list[RuleMatch]:
        """A match for each failed finding of the control, at the property that is wrong."""
        return [
            _match(finding, cfn)
            for finding in judged(cfn)
            if finding.control == self.control and finding.status is Status.FAIL
        ]


class UndeterminedRule(CloudFormationLintRule):  # type: ignore[misc]
    """What could not be determined, of all controls: informational, because it is no failure and no pass."""

    id = UNDETERMINED
    shortdesc = "A control could not be judged"
    description = "A value is known only in the account, or not before deployment. Judge it with hipaa-pipeline check."
    source_url = "https://www.ecfr.gov/current/title-45/part-164/subpart-C"
    tags = ("hipaa",)

    def match(self, cfn: Template) -> list[RuleMatch]:
        """A match for each unknown finding."""
        return [_match(finding, cfn) for finding in judged(cfn) if finding.status is Status.UNKNOWN]


def judged(cfn: Template) -> Sequence[Finding]:
    """The findings of a template, each once, asked once however many rules want them."""
    if cfn not in _judged:
        _judged[cfn] = list({(f.rule, f.resource, f.property, sentence(f)): f for f in _judge(cfn)}.values())
    return _judged[cfn]


def _judge(cfn: Template) -> Iterator[Finding]:
    from hipaa_pipeline.controls import judge
    from hipaa_pipeline.resolve import resolve

    body = plain(cfn.template)
    for parameter_set in cfn.context.parameter_sets or [None]:
        values = parameter_set.parameters if parameter_set else {}
        parameters = {name: _text(value) for name, value in values.items()}
        try:
            stack = resolve(body, parameters, region=cfn.regions[0], strict=False)
        except UserError as error:
            yield Finding(control="resolve", status=Status.UNKNOWN, reason=error.message)
        else:
            yield from judge(stack)


def _match(finding: Finding, cfn: Template) -> RuleMatch:
    return RuleMatch(list(path_of(finding, cfn.template)), sentence(finding))


def plain(value: Any) -> Any:
    """cfn-lint's nodes, which carry positions, as plain values."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
