"""From a subject to its preflight, and to more quota."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from hipaa_pipeline import console, preflight
from hipaa_pipeline.ask import asker
from hipaa_pipeline.aws import increases
from hipaa_pipeline.aws.expiry import credentials_expire_at
from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.checking import check_environment
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.commands.subjects import Subject
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight.exits import desired_value
from hipaa_pipeline.preflight.quotas import Quota

if TYPE_CHECKING:
    from hipaa_pipeline.stack import Stack


def controls_of(subject: Subject, clock: Clock) -> list[Finding]:
    """What the controls say of the template with the subject's parameters, its waivers applied as of today."""
    today = clock.now().date()
    region = subject.expected.region
    return check_environment(subject.template, subject.configuration, subject.waivers, region=region, today=today)


def judge(subject: Subject, clock: Clock, controls: Sequence[Finding], skip: Collection[str] = ()) -> preflight.Result:
    """The preflight, through a session that cannot write. Raises UserError for an unknown slug."""
    expires_at = credentials_expire_at(subject.reading.connection, os.environ)
    size = len(subject.template.text.encode())
    judged = preflight.Subject(subject.expected, size, clock.now(), expires_at, controls=controls)
    return preflight.run(subject.reading, judged, skip=skip)


def policies(subject: Subject) -> list[Any]:
    """The deployer's IAM policies, narrowed to the caller's account and Region."""
    from hipaa_pipeline.permissions.policy import deployer_policies

    stack = subject.expected
    documents = deployer_policies(stack.partition, stack.region, stack.account_id)
    return [json.loads(document.to_json()) for document in documents]


def raise_quotas(
    subject: Subject,
    clock: Clock,
    result: preflight.Result,
    *,
    yes: bool,
    request: bool,
    support_case: bool,
    wait_minutes: float | None,
) -> bool:
    """Ask for what is blocked, if told to, and wait for it, if told to; whether there is something new to judge.

    Raises UserError when nobody confirms where there is no terminal, or when AWS refuses.
    """
    session = Session(subject.reading.connection)
    region_of = _region_of(subject.expected)
    try:
        asked = _asked(result, session, region_of, yes=yes, request=request, support_case=support_case)
        if not asked or wait_minutes is None:
            return False
        console.note(f"Waiting up to {wait_minutes:g} minutes for AWS to decide.")
        decided = increases.await_increases(session, asked, region_of, clock, wait_minutes, console.note)
    except AwsError as error:
        raise explain(error, subject.reading.connection) from error
    for each in decided:
        console.note(f"{each.quota.name}: {each.desired:,} is {each.status}")
    return any(each.status == "APPROVED" for each in decided)


def _asked(
    result: preflight.Result,
    session: Session,
    region_of: Callable[[Quota], str],
    *,
    yes: bool,
    request: bool,
    support_case: bool,
) -> list[increases.Increase]:
    """The increases that are pending for what is blocked, newly asked for where allowed and confirmed."""
    asked = []
    for row in result.rows:
        wanted = desired_value(row)
        if row.status is not Status.FAIL or row.quota.fixed or not row.quota.code or wanted is None:
            continue
        increase = increases.pending_increase(session, row.quota, region_of(row.quota))
        question = f"Ask AWS to raise {row.quota.name} from {row.limit.value:,} to {wanted:,}?"
        if increase is None and request and asker(yes=yes).confirm(question):
            region = region_of(row.quota)
            increase = increases.request_increase(session, row.quota, wanted, region, support_case=support_case)
        if increase:
            verb = "asked for" if increase.asked_now else "was asked for already"
            console.note(f"{row.quota.name}: {increase.desired:,} {verb}, {increase.status}")
            asked.append(increase)
    return asked


def _region_of(stack: Stack) -> Callable[[Quota], str]:
    return lambda quota: quota.region(stack.region, stack.partition)
