"""Do the controls hold for the template with these parameters? What fails there fails in the running stack too."""

from __future__ import annotations

import dataclasses

from hipaa_pipeline.configuration import STACK_PREFIX
from hipaa_pipeline.findings import Finding, Status, count
from hipaa_pipeline.preflight.facts import Facts
from hipaa_pipeline.preflight.subject import Subject
from hipaa_pipeline.stack import Stack, protected
from hipaa_pipeline.waivers import WAIVERS_PATH, known

CONTROL = "template_controls"


def template_controls(subject: Subject, _: Facts) -> list[Finding]:
    """Each control that fails or could not be decided, waivers applied; a single pass when none does."""
    if subject.controls is None:
        return [Finding(control=CONTROL, status=Status.NOT_APPLICABLE, reason="asked of environments only")]
    counted = count(subject.controls)
    if not counted[Status.FAIL] + counted[Status.UNKNOWN]:
        held = f"{counted[Status.PASS]} hold, {counted[Status.WAIVED]} waived"
        status = Status.PASS if counted[Status.PASS] else Status.UNKNOWN
        return [Finding(control=CONTROL, status=status, actual=held, reason="" if status is Status.PASS else held)]
    return [
        dataclasses.replace(finding, control=CONTROL, remedy=_remedy(finding, subject.stack))
        for finding in subject.controls
        if finding.status in {Status.FAIL, Status.UNKNOWN}
    ]


def _remedy(finding: Finding, stack: Stack) -> str:
    """The control's own, and a waiver where it may have one, which a protected environment never may."""
    asked = known().get(finding.control)
    if finding.status is not Status.FAIL or asked is None or not asked.waivable or protected(stack.parameters):
        return finding.remedy
    check = f"hipaa-pipeline check --env {stack.name.removeprefix(STACK_PREFIX)}"
    return f"{finding.remedy} Or live with it, by a waiver of {finding.control} in {WAIVERS_PATH}; {check} asks again."
