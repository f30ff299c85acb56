"""CloudFormation's validation events, in the shapes of DescribeEvents."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_pipeline.findings import Status
from hipaa_pipeline.preflight import validation_findings, validation_unread


def event(**changes: Any) -> dict[str, Any]:
    return {
        "EventId": "1",
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": "Vpc",
        "ResourceType": "AWS::EC2::VPC",
        "ValidationFailureMode": "WARN",
        "ValidationName": "SERVICE_QUOTA_VALIDATION",
        "ValidationStatus": "FAILED",
        "ValidationStatusReason": "VPCs per Region would exceed 5",
        "ValidationPath": "/Resources/Vpc",
        **changes,
    }


NAME = {
    "ValidationFailureMode": "FAIL",
    "ValidationName": "NAME_CONFLICT_VALIDATION",
    "ValidationStatusReason": "taken",
}
EMPTINESS = {"ValidationName": "BUCKET_EMPTINESS_VALIDATION", "ValidationStatusReason": "not empty"}
SKIPPED = {"ValidationStatus": "SKIPPED", "ValidationStatusReason": "took too long"}


@pytest.mark.parametrize(
    ("change", "accept", "control", "status"),
    [
        ({}, False, "change_set_quota", Status.FAIL),
        ({}, True, "change_set_quota", Status.WAIVED),
        (
            {"ValidationName": "X", "ValidationStatusReason": "the limit is reached"},
            False,
            "change_set_quota",
            Status.FAIL,
        ),
        (NAME, False, "change_set_validation", Status.FAIL),
        (NAME, True, "change_set_validation", Status.FAIL),
        (EMPTINESS, False, "change_set_validation", Status.FAIL),
        (EMPTINESS, True, "change_set_validation", Status.WAIVED),
        (SKIPPED, False, "change_set_quota", Status.UNKNOWN),
        (SKIPPED, True, "change_set_quota", Status.UNKNOWN),
    ],
)
def test_each_kind_of_event(change: dict[str, Any], accept: bool, control: str, status: Status) -> None:
    (finding,) = validation_findings([event(**change)], accept_warnings=accept)
    assert (finding.control, finding.status, finding.resource, finding.property) == (
        control,
        status,
        "Vpc",
        "/Resources/Vpc",
    )
    assert bool(finding.remedy) == (status is Status.FAIL)
    assert bool(finding.reason) == (status in {Status.WAIVED, Status.UNKNOWN})


@pytest.mark.parametrize("events", [[], [{"EventType": "STACK_EVENT"}, {"EventType": "PROGRESS_EVENT"}]])
def test_nothing_found_is_one_pass(events: list[dict[str, Any]]) -> None:
    assert [finding.status for finding in validation_findings(events)] == [Status.PASS]


def test_events_that_could_not_be_read_are_unknown_and_name_the_action() -> None:
    (finding,) = validation_unread("cloudformation:DescribeEvents is denied")
    assert finding.status is Status.UNKNOWN
    assert finding.reason.startswith("cloudformation:DescribeEvents is denied: ")
    assert "cloudformation:DescribeEvents" in finding.remedy
