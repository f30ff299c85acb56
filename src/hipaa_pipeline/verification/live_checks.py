"""What only a running account can tell: each a question, what it expects, and the paragraphs it serves.

Pure. `aws/live/facts.py` makes the observations; here they are judged. An observation that could not be made carries
the `Unknown` mark and is never a pass.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.stack import UNKNOWN, is_unknown

CERTIFICATE_DAYS = 90
"""A certificate that ends sooner must be rotated now: RDS itself starts to warn months before."""


@dataclasses.dataclass(frozen=True)
class Observation:
    """One fact about one place: `check` is the slug of the question it answers, `value` what was seen."""

    check: str
    resource: str
    property: str
    value: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a live account besides the controls; `citations` are the paragraphs it serves.

    `waivable` marks what a waiver may accept because it harms no data: the controls judge the live values themselves.
    """

    slug: str
    service: str
    severity: str
    title: str
    expected: str
    remedy: str
    citations: tuple[str, ...]
    waivable: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class LiveCheck(Question):
    """A question that observations answer: `holds` takes the value seen and the time of the verification.

    `nothing` is the reason why it does not apply where there was nothing to observe.
    """

    holds: Callable[[Any, datetime.datetime], bool]
    nothing: str


def _is(*values: Any) -> Callable[[Any, datetime.datetime], bool]:
    return lambda value, _now: value in values


def _empty(value: Any, _now: datetime.datetime) -> bool:
    return not value


def _set(value: Any, _now: datetime.datetime) -> bool:
    return bool(value)


def _lasts(value: Any, now: datetime.datetime) -> bool:
    return datetime.datetime.fromisoformat(value) - now >= datetime.timedelta(days=CERTIFICATE_DAYS)


def _delivering(value: Any, _now: datetime.datetime) -> bool:
    """Active, and not known to fail: a flow log that has not delivered yet has no delivery status."""
    return bool(value["FlowLogStatus"] == "ACTIVE" and value.get("DeliverLogsStatus") != "FAILED")


def _rang(value: Any, _now: datetime.datetime) -> bool:
    return bool(
        value["Rang"]
        and value["ActionsEnabled"]
        and value["AlarmActions"]
        and value["DoneActions"] >= value["AlarmActions"]
        and not value["FailedActions"]
    )


def _tls_only(value: Any, _now: datetime.datetime) -> bool:
    """Refused for want of TLS: SQLSTATE 28000, invalid authorization specification (no pg_hba.conf entry)."""
    return bool(value["tls"] and value["plaintext"] == "refused" and value["sqlstate"] == "28000")


def _settled(value: Any, _now: datetime.datetime) -> bool:
    return str(value).endswith("_COMPLETE") and not str(value).startswith(("ROLLBACK", "DELETE"))


LIVE_CHECKS = (
    LiveCheck(
        slug="cloudformation_stack_settled",
        service="CloudFormation",
        severity="medium",
        title="The stack is in a settled state",
        expected="CREATE_COMPLETE, UPDATE_COMPLETE or UPDATE_ROLLBACK_COMPLETE",
        remedy="Wait for the operation to end, or deploy again.",
        citations=("164.308(a)(8)",),
        holds=_settled,
        nothing="CloudFormation did not describe the stack",
    ),
    LiveCheck(
        slug="cloudformation_termination_protected",
        service="CloudFormation",
        severity="medium",
        title="A protected stack cannot be deleted by one mistake",
        expected="termination protection enabled",
        remedy="aws cloudformation update-termination-protection --enable-termination-protection --stack-name NAME",
        citations=("164.308(a)(7)(i)", "164.312(c)(1)"),
        holds=_is(True),
        nothing="the environment is ephemeral",
    ),
    LiveCheck(
        slug="cloudformation_drift_free",
        service="CloudFormation",
        severity="high",
        title="CloudFormation detects no drift",
        expected="IN_SYNC",
        remedy="Compare the resource with the template, and deploy again to put it back.",
        citations=("164.308(a)(8)", "164.312(c)(1)"),
        holds=_is("IN_SYNC"),
        nothing="drift detection was not asked for (--no-drift)",
    ),
    LiveCheck(
        slug="kms_key_usable",
        service="KMS",
        severity="critical",
        title="The key is enabled and not waiting for its deletion",
        expected="Enabled",
        remedy="aws kms cancel-key-deletion --key-id KEY; aws kms enable-key --key-id KEY",
        citations=("164.308(a)(7)(ii)(A)", "164.312(a)(2)(iv)", "164.312(c)(1)"),
        holds=_is("Enabled"),
        nothing="the stack has no AWS::KMS::Key",
    ),
    LiveCheck(
        slug="kms_grants_in_account",
        service="KMS",
        severity="critical",
        title="No grant lets another account use the key",
        expected="grants to AWS services and to principals of this account only",
        remedy="aws kms revoke-grant --key-id KEY --grant-id GRANT",
        citations=("164.308(a)(4)(ii)(B)", "164.312(a)(1)"),
        holds=_empty,
        nothing="the stack has no AWS::KMS::Key",
    ),
    LiveCheck(
        slug="rds_available",
        service="RDS",
        severity="medium",
        title="The database is in service",
        expected="available, or in a routine state such as backing-up",
        remedy="Look at the instance's events: aws rds describe-events --source-type db-instance",
        citations=("164.308(a)(7)(ii)(C)",),
        waivable=True,
        holds=_is("available", "backing-up", "modifying", "upgrading", "configuring-enhanced-monitoring",
                  "configuring-log-exports", "storage-optimization", "maintenance"),
        nothing="the stack has no AWS::RDS::DBInstance",
    ),
    LiveCheck(
        slug="rds_parameter_group_in_sync",
        service="RDS",
        severity="high",
        title="The database runs with its parameter group as it is",
        expected="in-sync",
        remedy="aws rds reboot-db-instance --db-instance-identifier ID (static parameters apply at a restart)",
        citations=("164.312(b)", "164.312(e)(1)", "164.312(e)(2)(ii)"),
        holds=_is("in-sync"),
        nothing="the stack has no AWS::RDS::DBInstance",
    ),
    LiveCheck(
        slug="rds_nothing_pending",
        service="RDS",
        severity="medium",
        title="No change waits for the next maintenance window",
        expected="no pending modification",
        remedy="aws rds modify-db-instance --apply-immediately, or wait for the maintenance window.",
        citations=("164.308(a)(8)",),
        waivable=True,
        holds=_empty,
        nothing="the stack has no AWS::RDS::DBInstance",
    ),
    LiveCheck(
        slug="rds_certificate_current",
        service="RDS",
        severity="high",
        title="The server certificate is valid for months to come",
        expected=f"valid for at least {CERTIFICATE_DAYS} days",
        remedy="aws rds modify-db-instance --ca-certificate-identifier rds-ca-rsa2048-g1",
        citations=("164.312(e)(1)", "164.312(e)(2)(ii)"),
        holds=_lasts,
        nothing="RDS told no end of the server certificate's validity",
    ),
    LiveCheck(
        slug="rds_snapshots_private",
        service="RDS",
        severity="critical",
        title="No snapshot of the database is shared",
        expected="no account, and above all not `all`, may restore it",
        remedy="aws rds modify-db-snapshot-attribute --attribute-name restore --values-to-remove ...",
        citations=("164.308(a)(4)(ii)(B)", "164.312(a)(1)"),
        holds=_empty,
        nothing="the database has no manual snapshot",
    ),
    LiveCheck(
        slug="secretsmanager_secret_private",
        service="Secrets Manager",
        severity="critical",
        title="Nobody outside the account may read the master password",
        expected="no resource policy that admits another account",
        remedy="aws secretsmanager delete-resource-policy --secret-id ARN",
        citations=("164.308(a)(5)(ii)(D)", "164.312(d)"),
        holds=_empty,
        nothing="the database has no managed master password",
    ),
    LiveCheck(
        slug="kinesis_stream_not_shared",
        service="Kinesis",
        severity="critical",
        title="No resource policy shares the stream",
        expected="no resource policy",
        remedy="aws kinesis delete-resource-policy --resource-arn ARN",
        citations=("164.308(a)(4)(ii)(B)", "164.312(a)(1)"),
        holds=_empty,
        nothing="the stack has no AWS::Kinesis::Stream",
    ),
    LiveCheck(
        slug="vpc_flow_log_delivering",
        service="VPC",
        severity="high",
        title="The flow log is active and delivers",
        expected="ACTIVE, delivery not failed",
        remedy="Give the delivery role its permissions again, then look at the flow log's error message.",
        citations=("164.308(a)(1)(ii)(D)", "164.312(b)"),
        holds=_delivering,
        nothing="the stack has no AWS::EC2::FlowLog",
    ),
    LiveCheck(
        slug="vpc_endpoints_available",
        service="VPC",
        severity="medium",
        title="The VPC's endpoints are in service",
        expected="available",
        remedy="Create the endpoint again by deploying the stack.",
        citations=("164.312(e)(1)",),
        holds=_is("available"),
        nothing="the stack has no AWS::EC2::VPCEndpoint",
    ),
    LiveCheck(
        slug="logs_service_groups_encrypted",
        service="CloudWatch Logs",
        severity="high",
        title="Log groups that RDS made for the database by itself have a key",
        expected="a customer managed key",
        remedy="aws logs associate-kms-key --log-group-name NAME --kms-key-id ARN; then set a retention.",
        citations=("164.312(a)(2)(iv)",),
        holds=_set,
        nothing="RDS made no log group of its own for the database",
    ),
    LiveCheck(
        slug="logs_stay_in_account",
        service="CloudWatch Logs",
        severity="critical",
        title="No subscription sends the logs to another account",
        expected="destinations of this account only",
        remedy="aws logs delete-subscription-filter --log-group-name NAME --filter-name NAME",
        citations=("164.308(a)(4)(ii)(B)", "164.312(a)(1)"),
        holds=_empty,
        nothing="the stack has no AWS::Logs::LogGroup",
    ),
    LiveCheck(
        slug="sns_alarms_reach_somebody",
        service="SNS",
        severity="high",
        title="Alarms reach somebody: there are subscriptions, and every one is confirmed",
        expected="confirmed",
        remedy="Follow the link in the message that SNS sent, or subscribe somebody (AlarmEmail, a queue, a chat).",
        citations=("164.308(a)(1)(ii)(D)", "164.308(a)(6)(ii)"),
        holds=_is("confirmed"),
        nothing="nobody is subscribed, which an ephemeral environment may do without",
    ),
    LiveCheck(
        slug="sns_subscriptions_encrypted",
        service="SNS",
        severity="high",
        title="No subscription delivers in the clear",
        expected="any protocol but http",
        remedy="aws sns unsubscribe --subscription-arn ARN; subscribe the https address instead.",
        citations=("164.312(e)(1)", "164.312(e)(2)(ii)"),
        holds=lambda value, _now: value != "http",
        nothing="nobody is subscribed to the alarm topic",
    ),
    LiveCheck(
        slug="cloudwatch_alarm_drill",
        service="CloudWatch",
        severity="high",
        title="An alarm that rings sets off its actions",
        expected="ALARM, with actions enabled, all done and none failed",
        remedy="Read the alarm's history: aws cloudwatch describe-alarm-history --history-item-type Action",
        citations=("164.308(a)(6)(ii)",),
        holds=_rang,
        nothing="no drill was asked for (--drill)",
    ),
    LiveCheck(
        slug="rds_plaintext_refused",
        service="RDS",
        severity="critical",
        title="The database refuses a session without TLS",
        expected="TLS offered, plaintext refused",
        remedy="Set rds.force_ssl to 1 in the parameter group.",
        citations=("164.312(e)(1)", "164.312(e)(2)(ii)"),
        holds=_tls_only,
        nothing="no drill was asked for (--drill), or the database cannot be reached from here: run it inside the VPC",
    ),
)  # fmt: skip


def judge_observations(observations: Iterable[Observation], now: datetime.datetime) -> list[Finding]:
    """One finding for each observation, and "not applicable" with the reason where a check has none."""
    by_check: dict[str, list[Observation]] = {}
    for observation in observations:
        by_check.setdefault(observation.check, []).append(observation)
    return [finding for check in LIVE_CHECKS for finding in _ask(check, by_check.get(check.slug, ()), now)]


def _ask(check: LiveCheck, observations: Iterable[Observation], now: datetime.datetime) -> Iterator[Finding]:
    asked = False
    for observation in observations:
        asked = True
        yield _finding(check, observation.resource, observation.property, **_judged(check, observation.value, now))
    if not asked:
        yield _finding(check, "", "", status=Status.NOT_APPLICABLE, reason=check.nothing)


def _judged(check: LiveCheck, value: Any, now: datetime.datetime) -> Mapping[str, Any]:
    if is_unknown(value):
        return {"status": Status.UNKNOWN, "reason": str(value[UNKNOWN])}
    return {
        "status": Status.PASS if check.holds(value, now) else Status.FAIL,
        "actual": "none" if value in ([], {}, "") else value,
    }


def _finding(check: LiveCheck, resource: str, name: str, **judged: Any) -> Finding:
    return Finding(
        control=check.slug,
        resource=resource,
        property=name,
        expected=check.expected,
        citation=", ".join(check.citations),
        remedy=check.remedy,
        severity=check.severity,
        **judged,
    )
