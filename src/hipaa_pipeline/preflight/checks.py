"""The predictors, in the order in which they are reported. Each has a slug to skip it by."""

from __future__ import annotations

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import (
    database,
    existing_vpc,
    handed_in,
    identity,
    ledger,
    names,
    permission,
    service_linked,
    stack_state,
)
from hipaa_pipeline.preflight.facts import Facts, Unanswered
from hipaa_pipeline.preflight.subject import Check, Subject

CHECKS = (
    Check(identity.CALLER, "the credentials are accepted and of the right account", identity.caller_identity),
    Check(identity.LIFETIME, "the credentials last until the deployment has ended", identity.credential_lifetime),
    Check(permission.CONTROL, "the caller may do what deploying takes", permission.permissions),
    Check(stack_state.STATE, "the stack can be created or updated as it stands", stack_state.stack_state),
    Check(stack_state.SIZE, "the template is within CloudFormation's limits", stack_state.template_size),
    Check(names.CONTROL, "no explicit name is taken already", names.names_free),
    Check(database.CONTROL, "RDS offers the database in this Region", database.database_orderable),
    Check(existing_vpc.CONTROL, "the VPC handed in is suitable", existing_vpc.existing_vpc),
    Check(existing_vpc.OVERLAP, "the new VPC's address range is used nowhere else", existing_vpc.cidr_overlap),
    Check(handed_in.CONTROL, "what is handed in exists and can be used", handed_in.handed_in),
    Check(service_linked.CONTROL, "the service-linked role of RDS exists", service_linked.service_linked_role),
)

# The ledger is a check too, but its rows and ways out are part of the result, so `run` asks it by itself.
SLUGS = (*(check.slug for check in CHECKS), ledger.CONTROL)


def judged(check: Check, subject: Subject, facts: Facts) -> list[Finding]:
    """The findings of one check; where AWS did not answer what it needs, that it is unknown. Raises NotAskedYet."""
    try:
        return check.judge(subject, facts)
    except Unanswered as unanswered:
        return [unanswered_finding(check.slug, unanswered)]


def unanswered_finding(slug: str, unanswered: Unanswered) -> Finding:
    """A check that could not be made, with the reason and what to do about it."""
    problem = unanswered.problem
    return Finding(control=slug, status=Status.UNKNOWN, reason=problem.reason, remedy=problem.remedy)


def skipped(slug: str) -> Finding:
    """A check that the user switched off."""
    return Finding(control=slug, status=Status.WAIVED, reason=f"switched off by --skip {slug}")
