"""After a failed operation: the cause is told whatever else cannot be read, and what was loosened is tight again."""

from __future__ import annotations

import pytest

from hipaa_pipeline.deployment.finishing import POLICY
from hipaa_pipeline.deployment.order import Result
from hipaa_pipeline.findings import Status
from hipaa_pipeline.local.server import LocalAccount
from scenario import Answers, Scenario, remaining

RENAMED = {"EnvironmentSuffix": "other"}
ALLOWED = frozenset({"AuditLogGroup", "BackupVault", "Database", "RecordStream"})


@pytest.fixture
def scenario(account: LocalAccount) -> Scenario:
    return Scenario(account.connection)


@pytest.mark.parametrize(("code", "status"), [("ExpiredToken", 403), ("ThrottlingException", 400)])
def test_the_cause_is_told_from_the_events_when_cloudformations_list_cannot_be_read(
    account: LocalAccount, scenario: Scenario, code: str, status: int
) -> None:
    account.add_fault(logical_id="RecordStream", action="fail", message="The maximum number of shards has been reached")
    account.add_fault(service="cloudformation", operation="DescribeEvents", action="fail", nth=2, times=1000,
                      code=code, status=status, message="no")  # fmt: skip
    outcome = scenario.deploy()
    assert outcome.result is Result.FAILED
    assert outcome.cause is not None
    assert outcome.cause.logical_id == "RecordStream"
    assert remaining(account) == {}
    told = [line for line in scenario.said if line.startswith("CloudFormation's own list of failures")]
    assert told == [f"CloudFormation's own list of failures could not be read: cloudformation:DescribeEvents: {code}"]


def test_a_failed_replacement_leaves_its_snapshot_and_says_so(account: LocalAccount, scenario: Scenario) -> None:
    scenario.deploy()
    account.add_fault(logical_id="RecordStream", phase="update", action="fail", message="limit exceeded")
    outcome = scenario.deploy(RENAMED, allow_replace=ALLOWED)
    assert outcome.result is Result.FAILED
    (snapshot,) = [name for name in remaining(account)["rds.snapshot"] if "before-replacement" in name]
    (told,) = [one for one in outcome.left if one.type == "AWS::RDS::DBSnapshot"]
    assert (told.logical_id, told.physical_id, told.wanted) == ("Database", snapshot, True)
    assert told.next_command == f"aws rds delete-db-snapshot --db-snapshot-identifier {snapshot}"


def test_after_a_failed_update_the_policy_is_back_and_nobody_is_asked_for_a_reboot(
    account: LocalAccount, scenario: Scenario
) -> None:
    scenario.deploy()
    scenario.ask = Answers(True)
    account.add_fault(logical_id="RecordStream", phase="update", action="fail", message="limit exceeded")
    outcome = scenario.deploy({"StreamName": "events"}, allow_replace=frozenset({"RecordStream"}))
    assert outcome.result is Result.FAILED
    assert [(finding.control, finding.status) for finding in outcome.findings] == [(POLICY, Status.PASS)]
    assert scenario.ask.questions == ["Update hipaa-pipeline-test?"]


def test_a_policy_that_stays_loose_after_a_failed_update_is_told(account: LocalAccount, scenario: Scenario) -> None:
    scenario.deploy()
    account.add_fault(logical_id="RecordStream", phase="update", action="fail", message="limit exceeded")
    account.add_fault(service="cloudformation", operation="SetStackPolicy", action="deny", nth=2)
    outcome = scenario.deploy({"StreamName": "events"}, allow_replace=frozenset({"RecordStream"}))
    assert [(finding.control, finding.status, finding.remedy) for finding in outcome.findings] == [
        (POLICY, Status.FAIL, "Allow cloudformation:SetStackPolicy, then make deploy ENV=test.")
    ]


@pytest.mark.parametrize(
    ("deployed", "failing", "told"),
    [
        (False, "Vpc", "The creation of hipaa-pipeline-test ended with ROLLBACK_COMPLETE. What failed first: Vpc "),
        (True, "RecordStream",
         "The update of hipaa-pipeline-test ended with UPDATE_ROLLBACK_COMPLETE. What failed first: RecordStream "),
    ],
)  # fmt: skip
def test_what_ended_how_is_said_of_the_operation_not_of_a_stack_that_is_gone(
    account: LocalAccount, scenario: Scenario, deployed: bool, failing: str, told: str
) -> None:
    if deployed:
        scenario.deploy()
    account.add_fault(
        logical_id=failing, action="fail", message="limit exceeded", phase="update" if deployed else "create"
    )
    assert scenario.deploy({"Shards": "2"}).message.startswith(told)
