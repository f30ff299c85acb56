"""Look into the target accounts, where the fleet file names a role to read them with.

Without one a target can only be judged by what StackSets says of it, and that is told as unknown, never as a pass.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from hipaa_pipeline.aws import stacks
from hipaa_pipeline.aws.assume import assumed
from hipaa_pipeline.aws.session import AwsError, Session, gather
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.evaluation.pseudo import partition_of
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.fleet.file import Fleet
from hipaa_pipeline.fleet.plan import Place, Row
from hipaa_pipeline.fleet.state import REMEDIES, Instance, Standing
from hipaa_pipeline.fleet.wanted import Target

if TYPE_CHECKING:
    from hipaa_pipeline.stack import Stack

VISIT = "fleet_account_readable"
IN_SYNC = "fleet_stack_in_sync"
CURRENT = "fleet_stack_current"
DEFAULT_EXECUTION_ROLE = "AWSCloudFormationStackSetExecutionRole"
AT_A_TIME = 8

Expect = Callable[[Instance, str], "Stack"]
"""The stack that an instance's account and Region should have, under a stack name."""


@dataclasses.dataclass(frozen=True)
class Visit:
    """What one account and Region say."""

    place: Place
    findings: tuple[Finding, ...]

    @property
    def stop(self) -> str:
        """Why a deployment there would fail; empty when nothing says so."""
        failed = [finding for finding in self.findings if finding.status is Status.FAIL]
        return "; ".join(finding.reason or finding.control for finding in failed)


def preflights(
    session: Session,
    fleet: Fleet,
    targets: Iterable[Target],
    instances: Iterable[Instance],
    expect: Expect,
    template_bytes: int,
    clock: Clock,
) -> list[Visit]:
    """The preflight of each target that is an account. Raises nothing for an account that cannot be asked.

    `instances` are those that were found: what a target's stack has already is its own, and not taken by another.
    """
    from hipaa_pipeline.preflight.run import run
    from hipaa_pipeline.preflight.subject import Subject

    names = {instance.place: instance.stack_name for instance in instances if instance.stack_name}

    def asked(target: Target) -> Visit:
        def judged(visiting: Session) -> Sequence[Finding]:
            name = names.get(target.place, f"StackSet-{fleet.name}")
            stack = expect(Instance(target.account, target.region), name)
            deployer = _execution_role(fleet, target.place)
            return run(visiting, Subject(stack, template_bytes, clock.now(), deployer=deployer)).findings

        return _visit(session, fleet, (target.account, target.region), judged)

    return list(gather([functools.partial(asked, each) for each in targets if each.account], AT_A_TIME))


def verifications(
    session: Session, fleet: Fleet, instances: Iterable[Instance], expect: Expect, clock: Clock
) -> list[Visit]:
    """The verification of each instance that has a stack."""
    from hipaa_pipeline.verification import verify

    def asked(instance: Instance) -> Visit:
        def judged(visiting: Session) -> Sequence[Finding]:
            return verify.run(visiting, expect(instance, instance.stack_name), clock=clock).findings

        return _visit(session, fleet, instance.place, judged)

    return list(gather([functools.partial(asked, each) for each in instances if each.stack_name], AT_A_TIME))


def protections(session: Session, fleet: Fleet, instances: Iterable[Instance]) -> list[bool | None]:
    """Whether each instance's stack is protected, as its account says; None for an account that cannot be asked."""
    return list(gather([functools.partial(_protection, session, fleet, each) for each in instances], AT_A_TIME))


def standing_finding(row: Row) -> Finding:
    """Whether a target is what the fleet file wants, by StackSets' own account."""
    good, doubtful = {Standing.CURRENT, Standing.SURPLUS}, {Standing.RUNNING}
    status = Status.PASS if row.standing in good else Status.UNKNOWN if row.standing in doubtful else Status.FAIL
    return Finding(
        control=CURRENT,
        status=status,
        resource=f"{row.owner} {row.region}",
        expected=str(Standing.CURRENT),
        actual=str(row.standing),
        citation="164.308(a)(8)",
        remedy=REMEDIES.get(row.standing, ""),
        reason=row.reason,
    )


def drift_finding(instance: Instance) -> Finding:
    """What CloudFormation's drift detection says of an instance."""
    statuses = {"IN_SYNC": Status.PASS, "DRIFTED": Status.FAIL}
    return Finding(
        control=IN_SYNC,
        status=statuses.get(instance.drift, Status.UNKNOWN),
        resource=f"{instance.account} {instance.region}",
        expected="IN_SYNC",
        actual=instance.drift,
        citation="164.308(a)(8)",
        remedy="Look at the stack's drift in the account: put it back, or change the template and deploy the fleet. A"
        " minor version or storage that AWS raised as the template lets it is drift to StackSets, and needs nothing.",
        reason="" if instance.drift in statuses else "CloudFormation did not look for drift there",
    )


def _visit(session: Session, fleet: Fleet, place: Place, judge: Callable[[Session], Sequence[Finding]]) -> Visit:
    role = _role(fleet, place)
    if not role:
        return Visit(place, (_unread(place, "the fleet file names no read_role_name"),))
    try:
        return Visit(place, tuple(_placed(each, place) for each in judge(assumed(session, role, place[1]))))
    except AwsError as error:
        return Visit(place, (_unread(place, f"{role}: {error.message or error.code}"),))


def _role(fleet: Fleet, place: Place) -> str:
    """The role to read a place with, empty where the file names none."""
    account, region = place
    return fleet.read_role_arn.format(partition=partition_of(region), account=account)


def _execution_role(fleet: Fleet, place: Place) -> str:
    """The role that StackSets deploys with there, not the caller's that only reads.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html
    """
    account, region = place
    return f"arn:{partition_of(region)}:iam::{account}:role/{fleet.execution_role or DEFAULT_EXECUTION_ROLE}"


def _protection(session: Session, fleet: Fleet, instance: Instance) -> bool | None:
    role = _role(fleet, instance.place)
    if not role:
        return None
    try:
        stack = stacks.read(assumed(session, role, instance.region), instance.stack_name)
    except AwsError:
        return None
    # A stack that could not be created was deleted by StackSets: where none is, nothing is protected.
    return stack is not None and stack.is_protected


def _unread(place: Place, reason: str) -> Finding:
    return Finding(
        control=VISIT,
        status=Status.UNKNOWN,
        resource=" ".join(place),
        reason=reason,
        remedy="Name a role of the target accounts in fleet.read_role_name that the caller may assume.",
    )


def _placed(finding: Finding, place: Place) -> Finding:
    """The finding with its account and Region before the resource's name."""
    return dataclasses.replace(finding, resource=f"{' '.join(place)} {finding.resource}".strip())
