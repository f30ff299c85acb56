"""Who deploys, and do their credentials last until the end?"""

from __future__ import annotations

import datetime

from hipaa_pipeline.deployment.durations import expected_total
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight.existing import existing_stack, replaced
from hipaa_pipeline.preflight.facts import Facts, Problem
from hipaa_pipeline.preflight.operations import GET_CALLER_IDENTITY
from hipaa_pipeline.preflight.subject import Subject, warning

CALLER = "caller_identity"
LIFETIME = "credential_lifetime"

# For change set, verification and a slow database on top of what creation usually takes.
MARGIN_SECONDS = 300


def caller_identity(subject: Subject, facts: Facts) -> list[Finding]:
    """The credentials are accepted, and they are of the account that the stack was resolved for."""
    answer = facts.each(GET_CALLER_IDENTITY())[0]
    if isinstance(answer, Problem):
        status = Status.FAIL if answer.kind == "credentials" else Status.UNKNOWN
        return [Finding(control=CALLER, status=status, reason=answer.reason, remedy="aws sts get-caller-identity")]
    arn, account = answer["Arn"], answer["Account"]
    if account != subject.stack.account_id:
        return [
            Finding(
                control=CALLER,
                status=Status.FAIL,
                resource=arn,
                expected=subject.stack.account_id,
                actual=account,
                remedy="use credentials of the account to deploy to, or resolve the template for this one",
            )
        ]
    if arn.endswith(":root"):
        return [
            warning(
                CALLER,
                "the account's root user; its permissions cannot be limited or simulated",
                resource=arn,
                remedy="deploy as a role with the policy of docs/permissions.md",
            )
        ]
    return [Finding(control=CALLER, status=Status.PASS, resource=arn, actual=account)]


def credential_lifetime(subject: Subject, facts: Facts) -> list[Finding]:
    """The credentials outlive the deployment: expired ones in the middle of it leave nobody to watch or to verify."""
    if subject.expires_at is None:
        return [
            Finding(
                control=LIFETIME,
                status=Status.NOT_APPLICABLE,
                reason="the credentials name no end (AWS_CREDENTIAL_EXPIRATION is not set)",
            )
        ]
    seconds = expected_seconds(subject, facts)
    left = (subject.expires_at - subject.now).total_seconds()
    return [
        Finding(
            control=LIFETIME,
            status=Status.PASS if left >= seconds else Status.FAIL,
            expected=f"at least {_minutes(seconds)}",
            actual=f"{_minutes(left)} left" if left > 0 else "expired",
            remedy="renew the credentials first (aws sso login, or assume the role for longer)",
        )
    ]


def expected_seconds(subject: Subject, facts: Facts) -> float:
    """How long the deployment should take at most: what is new or replaced, and a margin."""
    existing = existing_stack(subject.stack, facts)
    again = replaced(subject.stack, existing)
    types = [
        resource.type
        for name, resource in subject.stack.resources.items()
        if name not in existing.physical_ids or name in again
    ]
    return expected_total(types) + MARGIN_SECONDS


def _minutes(seconds: float) -> str:
    return f"{datetime.timedelta(seconds=seconds) // datetime.timedelta(minutes=1)} min"
