"""CloudFormation's own drift detection, as a second opinion on the types it supports.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.stack import unknown
from hipaa_pipeline.verification.comparison import raised_by_aws
from hipaa_pipeline.verification.live_checks import Observation

CHECK = "cloudformation_drift_free"
POLL_SECONDS = 3.0
MAX_SECONDS = 600.0
_DRIFTED = ["MODIFIED", "DELETED"]


def detect(session: Session, stack_name: str, clock: Clock) -> list[Observation]:
    """Have CloudFormation look for drift, wait for it, and observe each drifted resource and the stack as a whole.

    Starting a detection changes nothing in the account but needs `cloudformation:DetectStackDrift`; the session must
    therefore not be read-only. A detection that fails, is denied or takes over ten minutes is observed as unknown.
    """
    try:
        return list(_observations(session, stack_name, clock))
    except AwsError as error:
        return [Observation(CHECK, "Stack", "StackDriftStatus", unknown(error.reason))]


def _observations(session: Session, stack_name: str, clock: Clock) -> Iterator[Observation]:
    started = session.call("cloudformation", "detect_stack_drift", StackName=stack_name)
    status = _finished(session, started["StackDriftDetectionId"], clock)
    drifts = session.pages(
        "cloudformation",
        "describe_stack_resource_drifts",
        "StackResourceDrifts",
        StackName=stack_name,
        StackResourceDriftStatusFilters=_DRIFTED,
    )
    moved = [drift for drift in drifts if not _raised(drift)]
    for drift in moved:
        yield Observation(CHECK, drift["LogicalResourceId"], _places(drift), drift["StackResourceDriftStatus"])
    if status["DetectionStatus"] == "DETECTION_COMPLETE":
        drifted = moved or not drifts
        yield Observation(
            CHECK, "Stack", "StackDriftStatus", status.get("StackDriftStatus", "IN_SYNC") if drifted else "IN_SYNC"
        )
    else:
        reason = status.get("DetectionStatusReason") or status["DetectionStatus"]
        yield Observation(CHECK, "Stack", "StackDriftStatus", unknown(str(reason)))


def _finished(session: Session, detection_id: str, clock: Clock) -> dict[str, Any]:
    """The last status of a detection: the final one, or the one after ten minutes."""
    deadline = clock.elapsed() + MAX_SECONDS
    while True:
        status = session.call(
            "cloudformation", "describe_stack_drift_detection_status", StackDriftDetectionId=detection_id
        )
        if status["DetectionStatus"] != "DETECTION_IN_PROGRESS" or clock.elapsed() > deadline:
            return status
        clock.sleep(POLL_SECONDS)


def _raised(drift: dict[str, Any]) -> bool:
    """Whether all that moved is what AWS raises by itself because the template lets it: a minor version, the storage.

    CloudFormation calls that drift too: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1309
    """
    differences = drift.get("PropertyDifferences", ())
    properties = json.loads(drift.get("ExpectedProperties") or "{}")
    return bool(differences) and all(
        raised_by_aws(item["PropertyPath"].strip("/"), item.get("ExpectedValue"), item.get("ActualValue"), properties)
        for item in differences
    )


def _places(drift: dict[str, Any]) -> str:
    return ", ".join(item["PropertyPath"].strip("/").replace("/", ".") for item in drift.get("PropertyDifferences", ()))
