"""CloudFormation's own validation of a change set, judged.

CreateChangeSet validates before anything is deployed. What it finds in FAIL mode stops it; what it finds in WARN mode,
service quotas among it, does not, and shows up in `describe_events(ChangeSetName=…)` only.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hipaa_pipeline.deployment.events import Warned
from hipaa_pipeline.findings import Finding, Status

CONTROL = "change_set_validation"
QUOTA = "change_set_quota"
_QUOTA_WORDS = re.compile(r"quota|limit", re.IGNORECASE)


def validation_findings(warnings: Iterable[Warned], *, accept_warnings: bool = False) -> list[Finding]:
    """One finding for each thing CloudFormation found; a single pass when it found nothing.

    What it only warns of fails here too, unless `accept_warnings` waives it. What it did not validate is unknown.
    """
    found = [_finding(warned, accept_warnings=accept_warnings) for warned in warnings]
    return found or [Finding(control=CONTROL, status=Status.PASS, actual="CloudFormation's validation found nothing")]


def _finding(warned: Warned, *, accept_warnings: bool) -> Finding:
    is_quota = bool(_QUOTA_WORDS.search(f"{warned.name} {warned.reason}"))
    status = _status(warned, accept_warnings=accept_warnings)
    return Finding(
        control=QUOTA if is_quota else CONTROL,
        rule=warned.name.lower() or CONTROL,
        status=status,
        resource=warned.resource,
        property=warned.path,
        expected="CloudFormation's validation passes",
        actual=warned.reason,
        reason=_why(status, warned.reason),
        remedy=_remedy(warned, is_quota=is_quota) if status is Status.FAIL else "",
    )


def _status(warned: Warned, *, accept_warnings: bool) -> Status:
    if warned.skipped:
        return Status.UNKNOWN
    return Status.WAIVED if accept_warnings and not warned.blocking else Status.FAIL


def _why(status: Status, reason: str) -> str:
    if status is Status.WAIVED:
        return "accepted by --accept-warnings"
    return f"CloudFormation skipped this validation: {reason}" if status is Status.UNKNOWN else ""


def _remedy(warned: Warned, *, is_quota: bool) -> str:
    if is_quota:
        return "make preflight shows the ways out; or go on with --accept-warnings"
    return (
        "correct the template or its parameters" if warned.blocking else "go on with --accept-warnings if it is known"
    )
