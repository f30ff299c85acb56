"""What CloudFormation's own validation found, judged: a warning stops too, unless it is accepted."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hipaa_pipeline.deployment.events import Warned
from hipaa_pipeline.findings import Status
from hipaa_pipeline.preflight import validation_findings

QUOTA = Warned("SERVICE_QUOTA_VALIDATION", False, "Vpc", "/Resources/Vpc", "VPCs per Region would exceed 5")
NAME = {"name": "NAME_CONFLICT_VALIDATION", "blocking": True, "reason": "taken"}
EMPTINESS = {"name": "BUCKET_EMPTINESS_VALIDATION", "reason": "not empty"}
SKIPPED = {"skipped": True, "reason": "took too long"}


@pytest.mark.parametrize(
    ("change", "accept", "control", "status"),
    [
        ({}, False, "change_set_quota", Status.FAIL),
        ({}, True, "change_set_quota", Status.WAIVED),
        ({"name": "X", "reason": "the limit is reached"}, False, "change_set_quota", Status.FAIL),
        (NAME, False, "change_set_validation", Status.FAIL),
        (NAME, True, "change_set_validation", Status.FAIL),
        (EMPTINESS, False, "change_set_validation", Status.FAIL),
        (EMPTINESS, True, "change_set_validation", Status.WAIVED),
        (SKIPPED, False, "change_set_quota", Status.UNKNOWN),
        (SKIPPED, True, "change_set_quota", Status.UNKNOWN),
    ],
)
def test_each_kind_of_warning(change: dict[str, Any], accept: bool, control: str, status: Status) -> None:
    (finding,) = validation_findings([dataclasses.replace(QUOTA, **change)], accept_warnings=accept)
    assert (finding.control, finding.status, finding.resource, finding.property) == (
        control,
        status,
        "Vpc",
        "/Resources/Vpc",
    )
    assert bool(finding.remedy) == (status is Status.FAIL)
    assert bool(finding.reason) == (status in {Status.WAIVED, Status.UNKNOWN})


def test_nothing_found_is_one_pass() -> None:
    assert [finding.status for finding in validation_findings([])] == [Status.PASS]
