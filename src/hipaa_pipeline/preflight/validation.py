"""CloudFormation's own validation of a change set, read from its events and judged.

CreateChangeSet validates before anything is deployed. What it finds in FAIL mode stops it; what it finds in WARN mode,
service quotas among it, does not, and shows up in `describe_events(ChangeSetName=…)` only.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hipaa_pipeline.findings import Finding, Status

CONTROL = "change_set_validation"
QUOTA = "change_set_quota"
ACTION = "cloudformation:DescribeEvents"

_QUOTA_WORDS = re.compile(r"quota|limit", re.IGNORECASE)


def validation_findings(events: Iterable[Mapping[str, Any]], *, accept_warnings: bool = False) -> list[Finding]:
    """One finding per validation event of a change set; a single pass when there is none.

    A failed validation fails here too, in WARN mode as well, unless `accept_warnings` waives those. A validation that
    CloudFormation skipped is unknown.
    """
    validations = [event for event in events if event.get("EventType") == "VALIDATION_ERROR"]
    if not validations:
        return [Finding(control=CONTROL, status=Status.PASS, actual="CloudFormation's validation found nothing")]
    return [_finding(event, accept_warnings=accept_warnings) for event in validations]


def validation_unread(why: str) -> list[Finding]:
    """The one finding when the events could not be read, and why ("cloudformation:DescribeEvents is denied")."""
    return [
        Finding(
            control=CONTROL,
            status=Status.UNKNOWN,
            reason=f"{why}: what CloudFormation's validation found is not known",
            remedy=f"allow {ACTION} (docs/permissions.md), or go on with --accept-unknown",
        )
    ]


def _finding(event: Mapping[str, Any], *, accept_warnings: bool) -> Finding:
    name, reason = str(event.get("ValidationName", "")), str(event.get("ValidationStatusReason", ""))
    is_quota = bool(_QUOTA_WORDS.search(f"{name} {reason}"))
    warns = event.get("ValidationFailureMode") == "WARN"
    status = _status(event, waived=warns and accept_warnings)
    return Finding(
        control=QUOTA if is_quota else CONTROL,
        rule=name.lower() or CONTROL,
        status=status,
        resource=str(event.get("LogicalResourceId", "")),
        property=str(event.get("ValidationPath", "")),
        expected="CloudFormation's validation passes",
        actual=reason,
        reason=_why(status, reason),
        remedy=_remedy(is_quota=is_quota, warns=warns) if status is Status.FAIL else "",
    )


def _status(event: Mapping[str, Any], *, waived: bool) -> Status:
    if event.get("ValidationStatus") == "SKIPPED":
        return Status.UNKNOWN
    return Status.WAIVED if waived else Status.FAIL


def _why(status: Status, reason: str) -> str:
    if status is Status.WAIVED:
        return "accepted by --accept-warnings"
    return f"CloudFormation skipped this validation: {reason}" if status is Status.UNKNOWN else ""


def _remedy(*, is_quota: bool, warns: bool) -> str:
    if is_quota:
        return "make preflight shows the ways out; or go on with --accept-warnings"
    return "go on with --accept-warnings if this is known" if warns else "correct the template or its parameters"
