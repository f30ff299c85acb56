"""The predictors, in the order in which they are reported. Each has a slug to skip it by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import (
    alarm_email,
    controls,
    database,
    database_parameters,
    existing_vpc,
    handed_in,
    identity,
    ledger,
    names,
    permission,
    service_linked,
    stack_state,
    zones,
)
from hipaa_pipeline.preflight.facts import Facts, Unanswered
from hipaa_pipeline.preflight.subject import Check, Subject

T = TypeVar("T")

CHECKS = (
    Check(identity.CALLER, "the credentials are accepted and of the right account", identity.caller_identity),
    Check(identity.LIFETIME, "the credentials last until the deployment has ended", identity.credential_lifetime),
    Check(permission.CONTROL, "the caller may do what deploying takes", permission.permissions),
    Check(stack_state.STATE, "the stack can be created or updated as it stands", stack_state.stack_state),
    Check(controls.CONTROL, "the controls hold for the template, or are waived", controls.template_controls),
    Check(stack_state.SIZE, "the template is within CloudFormation's limits", stack_state.template_size),
    Check(names.CONTROL, "no explicit name is taken already", names.names_free),
    Check(database.CONTROL, "RDS offers the database here, and takes a change of it", database.database_orderable),
    Check(
        database_parameters.CONTROL,
        "the database's family has every parameter that is set, and allows its value",
        database_parameters.database_parameters,
    ),
    Check(zones.CONTROL, "the zones that are used offer the database and the endpoints", zones.availability_zones),
    Check(existing_vpc.CONTROL, "the VPC handed in is suitable", existing_vpc.existing_vpc),
    Check(existing_vpc.OVERLAP, "the new VPC's address range is used nowhere else", existing_vpc.cidr_overlap),
    Check(handed_in.CONTROL, "what is handed in exists and can be used", handed_in.handed_in),
    Check(alarm_email.CONTROL, "somebody can confirm the subscription to the alarms", alarm_email.alarm_email),
    Check(
        service_linked.CONTROL, "the service-linked roles of RDS and Backup exist", service_linked.service_linked_role
    ),
)

# The ledger is a check too, but its rows and ways out are part of the result, so `run` asks it by itself.
SLUGS = (*(check.slug for check in CHECKS), ledger.CONTROL)


def judged(check: Check, subject: Subject, facts: Facts) -> list[Finding]:
    """The findings of one check; where AWS did not answer what it needs, that it is unknown. Raises NotAskedYet."""
    return or_unknown(check.slug, lambda: check.judge(subject, facts), lambda finding: [finding])


def or_unknown(slug: str, judge: Callable[[], T], instead: Callable[[Finding], T]) -> T:
    """What `judge` returns, or what `instead` makes of the finding that it is unknown, and why. Raises NotAskedYet.

    An answer that is not as AWS documents it (an imitation of AWS that leaves fields out) is a reason too.
    """
    try:
        return judge()
    except Unanswered as unanswered:
        problem = unanswered.problem
        return instead(Finding(control=slug, status=Status.UNKNOWN, reason=problem.reason, remedy=problem.remedy))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        reason = f"an answer was not as AWS documents it ({type(error).__name__}: {error})"
        return instead(Finding(control=slug, status=Status.UNKNOWN, reason=reason))


def skipped(slug: str) -> Finding:
    """A check that the user switched off."""
    return Finding(control=slug, status=Status.WAIVED, reason=f"switched off by --skip {slug}")
