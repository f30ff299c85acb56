"""What only a running account tells: every question can pass, fail, be unknown, and not arise."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from hipaa_pipeline.controls import CHECKS, HIPAA
from hipaa_pipeline.findings import Status
from hipaa_pipeline.stack import unknown
from hipaa_pipeline.verification.live_checks import LIVE_CHECKS, Observation, judge_observations
from hipaa_pipeline.verification.verify import QUESTIONS

NOW = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
DRILL = {"Rang": True, "ActionsEnabled": True, "AlarmActions": 1, "DoneActions": 1, "FailedActions": []}
TLS = {"tls": True, "plaintext": "refused", "sqlstate": "28000"}

CASES: tuple[tuple[str, Any, Status], ...] = (
    ("cloudformation_stack_settled", "UPDATE_ROLLBACK_COMPLETE", Status.PASS),
    ("cloudformation_stack_settled", "ROLLBACK_COMPLETE", Status.FAIL),
    ("cloudformation_stack_settled", "UPDATE_IN_PROGRESS", Status.FAIL),
    ("cloudformation_termination_protected", True, Status.PASS),
    ("cloudformation_termination_protected", False, Status.FAIL),
    ("cloudformation_drift_free", "IN_SYNC", Status.PASS),
    ("cloudformation_drift_free", "DRIFTED", Status.FAIL),
    ("kms_key_usable", "Enabled", Status.PASS),
    ("kms_key_usable", "PendingDeletion", Status.FAIL),
    ("kms_grants_in_account", [], Status.PASS),
    ("kms_grants_in_account", ["arn:aws:iam::999999999999:root"], Status.FAIL),
    ("rds_available", "backing-up", Status.PASS),
    ("rds_available", "inaccessible-encryption-credentials", Status.FAIL),
    ("rds_parameter_group_in_sync", "in-sync", Status.PASS),
    ("rds_parameter_group_in_sync", "pending-reboot", Status.FAIL),
    ("rds_nothing_pending", {}, Status.PASS),
    ("rds_nothing_pending", {"MultiAZ": "True"}, Status.FAIL),
    ("rds_certificate_current", "2027-02-21T00:00:00+00:00", Status.PASS),
    ("rds_certificate_current", "2027-02-20T00:00:00+00:00", Status.FAIL),
    ("rds_snapshots_private", [], Status.PASS),
    ("rds_snapshots_private", ["all"], Status.FAIL),
    ("secretsmanager_secret_private", [], Status.PASS),
    ("secretsmanager_secret_private", ["*"], Status.FAIL),
    ("kinesis_stream_not_shared", [], Status.PASS),
    ("kinesis_stream_not_shared", [{"Effect": "Allow"}], Status.FAIL),
    ("vpc_flow_log_delivering", {"FlowLogStatus": "ACTIVE"}, Status.PASS),
    ("vpc_flow_log_delivering", {"FlowLogStatus": "ACTIVE", "DeliverLogsStatus": "FAILED"}, Status.FAIL),
    ("vpc_endpoints_available", "available", Status.PASS),
    ("vpc_endpoints_available", "failed", Status.FAIL),
    ("logs_service_groups_encrypted", "arn:aws:kms:...", Status.PASS),
    ("logs_service_groups_encrypted", "", Status.FAIL),
    ("logs_stay_in_account", [], Status.PASS),
    ("logs_stay_in_account", ["arn:aws:logs:x:999999999999:destination:y"], Status.FAIL),
    ("sns_alarms_reach_somebody", "confirmed", Status.PASS),
    ("sns_alarms_reach_somebody", "pending confirmation", Status.FAIL),
    ("sns_alarms_reach_somebody", "nobody", Status.FAIL),
    ("sns_subscriptions_encrypted", "https", Status.PASS),
    ("sns_subscriptions_encrypted", "http", Status.FAIL),
    ("cloudwatch_alarm_drill", DRILL, Status.PASS),
    ("cloudwatch_alarm_drill", {**DRILL, "FailedActions": ["Failed to execute action"]}, Status.FAIL),
    ("cloudwatch_alarm_drill", {**DRILL, "AlarmActions": 0}, Status.FAIL),
    ("rds_plaintext_refused", TLS, Status.PASS),
    ("rds_plaintext_refused", {**TLS, "plaintext": "accepted"}, Status.FAIL),
    ("rds_plaintext_refused", {**TLS, "sqlstate": "57P03"}, Status.FAIL),
    ("rds_plaintext_refused", {**TLS, "tls": False}, Status.FAIL),
)


@pytest.mark.parametrize(("check", "value", "status"), CASES)
def test_an_observation_is_judged(check: str, value: Any, status: Status) -> None:
    found = [one for one in judge_observations([Observation(check, "R", "P", value)], NOW) if one.control == check]
    assert [(one.status, one.resource, one.property) for one in found] == [(status, "R", "P")]


def test_every_check_has_a_passing_and_a_failing_case() -> None:
    cases = {(check, status) for check, _, status in CASES}
    assert cases == {(check.slug, status) for check in LIVE_CHECKS for status in (Status.PASS, Status.FAIL)}


@pytest.mark.parametrize("check", [check.slug for check in LIVE_CHECKS])
def test_what_could_not_be_observed_is_unknown(check: str) -> None:
    finding = next(
        one for one in judge_observations([Observation(check, "R", "", unknown("denied"))], NOW) if one.control == check
    )
    assert (finding.status, finding.reason) == (Status.UNKNOWN, "denied")


def test_without_observations_no_question_arises_and_each_says_why() -> None:
    found = judge_observations([], NOW)
    assert {one.status for one in found} == {Status.NOT_APPLICABLE}
    assert [one.control for one in found] == [check.slug for check in LIVE_CHECKS]
    assert all(one.reason for one in found)


def test_questions_cite_paragraphs_that_exist_and_have_names_of_their_own() -> None:
    citations = {paragraph.citation for paragraph in HIPAA}
    assert {citation for question in QUESTIONS for citation in question.citations} <= citations
    slugs = [question.slug for question in QUESTIONS] + [check.slug for check in CHECKS]
    assert len(slugs) == len(set(slugs))
