"""From options to a preflight, and to more quota: what `preflight` does besides printing."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Collection
from typing import Any

from hipaa_pipeline import console, preflight
from hipaa_pipeline.ask import asker
from hipaa_pipeline.aws import increases
from hipaa_pipeline.aws.expiry import credentials_expire_at
from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.identity import identify
from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.clock import Clock, SystemClock
from hipaa_pipeline.commands.options import connection_for
from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment
from hipaa_pipeline.findings import Status
from hipaa_pipeline.preflight.exits import desired_value
from hipaa_pipeline.preflight.quotas import Quota
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What is to be judged, and how AWS is reached."""

    subject: preflight.Subject
    session: Session
    clock: Clock


def prepare(environment: str, region: str | None, profile: str | None) -> Prepared:
    """Read the environment, find out who is calling, and resolve the template for that account. Raises UserError."""
    configuration = load_environment(environment)
    template = load_template(TEMPLATE_PATH)
    resolve(template, configuration.parameters, region=region or "us-east-1")  # bad parameters: before any call
    connection = connection_for(environment, region, profile)
    expires_at = credentials_expire_at(connection, os.environ)  # before boto3 trips over a malformed one
    session = Session(connection, read_only=True)
    identity = identify(session)
    stack = resolve(
        template,
        configuration.parameters,
        region=connection.region,
        account_id=identity.account_id,
        partition=identity.partition,
        stack_name=configuration.stack_name,
    )
    clock = SystemClock()
    subject = preflight.Subject(stack, len(template.text.encode()), clock.now(), expires_at)
    return Prepared(subject, session, clock)


def judge(prepared: Prepared, skip: Collection[str] = ()) -> preflight.Result:
    """The preflight, through a session that cannot write."""
    return preflight.run(prepared.session, prepared.subject, skip=skip)


def policies(prepared: Prepared) -> list[Any]:
    """The deployer's IAM policies, narrowed to the caller's account and Region."""
    from hipaa_pipeline.permissions.policy import deployer_policies

    stack = prepared.subject.stack
    documents = deployer_policies(stack.partition, stack.region, stack.account_id)
    return [json.loads(document.to_json()) for document in documents]


def raise_quotas(
    prepared: Prepared,
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
    session = Session(prepared.session.connection)
    try:
        asked = _asked(prepared, result, session, yes=yes, request=request, support_case=support_case)
        if not asked or wait_minutes is None:
            return False
        console.note(f"Waiting up to {wait_minutes:g} minutes for AWS to decide.")
        region_of = _region_of(prepared)
        decided = increases.await_increases(session, asked, region_of, prepared.clock, wait_minutes, console.note)
    except AwsError as error:
        raise explain(error, prepared.session.connection) from error
    for each in decided:
        console.note(f"{each.quota.name}: {each.desired:,} is {each.status}")
    return any(each.status == "APPROVED" for each in decided)


def _asked(
    prepared: Prepared,
    result: preflight.Result,
    session: Session,
    *,
    yes: bool,
    request: bool,
    support_case: bool,
) -> list[increases.Increase]:
    """The increases that are pending for what is blocked, newly asked for where allowed and confirmed."""
    region_of = _region_of(prepared)
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


def _region_of(prepared: Prepared) -> Callable[[Quota], str]:
    stack = prepared.subject.stack
    return lambda quota: quota.region(stack.region, stack.partition)
