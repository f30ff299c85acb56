"""Deployments that fail, at each resource type in turn: the cause is named, and nothing is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.failure import Kind
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.order import Result
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template, parse_template
from scenario import Scenario, remaining

_WRITTEN = load_template(Path(__file__).parents[1] / "templates" / "hipaa-pipeline.yaml")
PIPELINE = parse_template(json.dumps(_WRITTEN.body, separators=(",", ":")))  # JSON is read ten times faster
EVERYTHING = {
    "EnvironmentSuffix": "test",
    "DeletionProtection": "false",
    "CreateVpcEndpoints": "true",
    "CreateBackupPlan": "true",
    "AlarmEmail": "security@example.com",
}
TYPES = sorted(
    {resource.type for resource in resolve(PIPELINE, EVERYTHING, region="ap-southeast-1").resources.values()}
)


@pytest.fixture
def scenario(account: LocalAccount) -> Scenario:
    return Scenario(account.connection)


@pytest.mark.parametrize("kind", TYPES)
def test_a_creation_that_fails_at_a_resource_type(account: LocalAccount, kind: str) -> None:
    scenario = Scenario(account.connection, template=PIPELINE, base_parameters=EVERYTHING)
    account.add_fault(resource_type=kind, action="fail", message=f"The maximum number of {kind} has been reached.")
    outcome = scenario.deploy()
    assert (outcome.result, outcome.exit_code) == (Result.FAILED, ExitCode.FAILED)
    assert outcome.cause is not None
    assert (outcome.cause.type, outcome.cause.kind) == (kind, Kind.QUOTA)
    assert f"{outcome.cause.logical_id} ({kind}): " in outcome.message
    assert remaining(account) == {}
    assert {one.type for one in outcome.left} <= {"AWS::KMS::Key"}
