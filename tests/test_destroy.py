"""Destroying stacks, ephemeral, protected and half done: what goes, what stays on purpose, and the proof of it."""

from __future__ import annotations

import pytest

from hipaa_pipeline.aws.leftovers import Presence
from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment
from hipaa_pipeline.deployment.destroy import Farewell
from hipaa_pipeline.deployment.order import Result
from hipaa_pipeline.documents.reliability import fault
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.source import load_template
from scenario import STACK, Answers, Scenario, remaining

DATABASE = "healthcare-database-test"


@pytest.fixture
def scenario(account: LocalAccount) -> Scenario:
    return Scenario(account.connection)


def test_an_ephemeral_stack_leaves_a_key_with_its_date(account: LocalAccount, scenario: Scenario) -> None:
    scenario.deploy()
    outcome = scenario.destroy()
    assert (outcome.result, outcome.exit_code) == (Result.DESTROYED, ExitCode.GOOD)
    assert remaining(account) == {}
    key = account.inventory()["kms.key_pending_deletion"][0]
    assert [(one.physical_id, one.presence) for one in outcome.left] == [(key, Presence.ENDING)]
    date = scenario.session.call("kms", "describe_key", KeyId=key)["KeyMetadata"]["DeletionDate"]
    assert outcome.left[0].reason == f"KMS deletes it on {date:%Y-%m-%d}; until then that can be cancelled"
    assert outcome.left[0].next_command == f"aws kms cancel-key-deletion --key-id {key}"


def test_a_protected_stack_leaves_a_final_snapshot_and_the_key_to_read_it(
    account: LocalAccount, scenario: Scenario
) -> None:
    scenario.deploy({"DeletionProtection": "true"})
    outcome = scenario.destroy()
    assert (outcome.result, outcome.exit_code) == (Result.DESTROYED, ExitCode.GOOD)
    left = remaining(account)
    assert [*left] == ["kms.key", "logs.group", "rds.snapshot"]
    assert left["rds.snapshot"][0].startswith(f"{DATABASE}-final-")
    assert (
        scenario.session.call("kms", "describe_key", KeyId=left["kms.key"][0])["KeyMetadata"]["KeyState"] == "Enabled"
    )
    assert [(one.type, one.wanted) for one in outcome.left] == [
        ("AWS::Logs::LogGroup", True),
        ("AWS::KMS::Key", True),
        ("AWS::RDS::DBSnapshot", True),
    ]
    assert outcome.left[2].next_command == (
        f"aws rds delete-db-snapshot --db-snapshot-identifier {left['rds.snapshot'][0]}"
    )


def test_a_protected_environment_keeps_its_logs_and_the_key_to_read_them(account: LocalAccount) -> None:
    """The whole template: 164.316(b)(2)(i) wants records for six years, whatever becomes of the stack."""
    configuration = load_environment("prod")
    scenario = Scenario(account.connection, load_template(TEMPLATE_PATH), base_parameters=configuration.parameters)
    scenario.deploy()
    outcome = scenario.destroy()
    assert (outcome.result, outcome.exit_code) == (Result.DESTROYED, ExitCode.GOOD)
    left = remaining(account)
    assert [*left] == ["kms.key", "logs.group", "rds.retained_backup", "rds.snapshot"]
    assert left["logs.group"] == [
        "/aws/rds/instance/healthcare-database-prod/postgresql",
        "/aws/rds/instance/healthcare-database-prod/upgrade",
        "healthcare-audit-log-prod",
        "healthcare-flow-logs-prod",
    ]
    told = {one.physical_id: one for one in outcome.left}
    assert told["healthcare-audit-log-prod"].reason == (
        "kept, because it holds the records of a protected environment, each for 2192 days"
    )
    assert told["healthcare-audit-log-prod"].next_command == (
        "aws logs put-log-group-deletion-protection --log-group-identifier healthcare-audit-log-prod"
        " --no-deletion-protection-enabled && aws logs delete-log-group --log-group-name healthcare-audit-log-prod"
    )
    key = scenario.session.call("kms", "describe_key", KeyId=left["kms.key"][0])["KeyMetadata"]
    assert key["KeyState"] == "Enabled"
    again = scenario.destroy()
    assert (again.result, again.exit_code) == (Result.ABSENT, ExitCode.GOOD)
    assert remaining(account) == left


def test_a_log_group_that_is_gone_already_stops_nothing(account: LocalAccount, scenario: Scenario) -> None:
    scenario.deploy({"DeletionProtection": "true"})
    scenario.session.call("logs", "delete_log_group", logGroupName="healthcare-audit-test")
    outcome = scenario.destroy()
    assert (outcome.result, outcome.exit_code) == (Result.DESTROYED, ExitCode.GOOD)
    assert [*remaining(account)] == ["kms.key", "rds.snapshot"]


def test_what_a_rolled_back_creation_has_deleted_already_is_not_said_to_stay(
    account: LocalAccount, scenario: Scenario
) -> None:
    """A protected creation that rolled back: CloudFormation still lists the group, which is gone."""
    account.add_fault(logical_id="RecordStream", action="fail", message="limit exceeded", times=1)
    account.add_fault(service="cloudformation", operation="DeleteStack", action="deny")
    assert scenario.deploy({"DeletionProtection": "true"}).result is Result.FAILED
    account.clear_faults()
    outcome = scenario.destroy()
    farewell = scenario.shown[-1]
    assert isinstance(farewell, Farewell)
    assert farewell.records == []
    assert outcome.result is Result.DESTROYED


def test_logs_that_may_not_be_protected_stop_the_destruction_before_anything_goes(
    account: LocalAccount, scenario: Scenario
) -> None:
    scenario.deploy({"DeletionProtection": "true"})
    before = remaining(account)
    account.add_fault(service="logs", operation="PutLogGroupDeletionProtection", action="deny")
    with pytest.raises(AwsError):
        scenario.destroy()
    assert remaining(account) == before


def test_a_log_group_that_rds_made_again_goes_with_its_stack(account: LocalAccount) -> None:
    """RDS writes its last lines when CloudFormation has deleted the group already."""
    configuration = load_environment("local")
    scenario = Scenario(account.connection, load_template(TEMPLATE_PATH), base_parameters=configuration.parameters)
    scenario.deploy()
    scenario.destroy()
    name = "/aws/rds/instance/healthcare-database-local/postgresql"
    scenario.session.call("logs", "create_log_group", logGroupName=name)
    outcome = scenario.destroy()
    assert (outcome.result, outcome.exit_code) == (Result.ABSENT, ExitCode.GOOD)
    assert remaining(account) == {}


def test_the_key_of_an_earlier_life_is_not_held_against_this_one(account: LocalAccount, scenario: Scenario) -> None:
    """It carries the environment's tag until KMS deletes it, a month later."""
    for _ in range(2):
        scenario.deploy()
        outcome = scenario.destroy()
        assert (outcome.result, outcome.exit_code) == (Result.DESTROYED, ExitCode.GOOD)
        assert [one.type for one in outcome.left] == ["AWS::KMS::Key"]
    assert len(account.inventory()["kms.key_pending_deletion"]) == 2


def test_a_manual_snapshot_keeps_the_key_of_an_ephemeral_stack_too(account: LocalAccount, scenario: Scenario) -> None:
    """A person saved the data; deleting the key would lose it all the same."""
    scenario.deploy()
    scenario.session.call(
        "rds", "create_db_snapshot", DBInstanceIdentifier=DATABASE, DBSnapshotIdentifier="before-the-migration"
    )
    scenario.destroy()
    assert {*remaining(account)} == {"kms.key", "rds.snapshot"}


def test_a_vault_with_recovery_points_is_kept_with_its_key(account: LocalAccount, scenario: Scenario) -> None:
    """CloudFormation cannot delete it, and emptying it would be losing data: everything else goes."""
    scenario.deploy()
    scenario.session.call(
        "backup",
        "start_backup_job",
        BackupVaultName="healthcare-vault-test",
        ResourceArn=f"arn:aws:rds:ap-southeast-1:111122223333:db:{DATABASE}",
        IamRoleArn="arn:aws:iam::111122223333:role/backup",
    )
    outcome = scenario.destroy()
    farewell = scenario.shown[-1]
    assert isinstance(farewell, Farewell)
    assert [vault.logical_id for vault in farewell.full_vaults] == ["BackupVault"]
    assert (outcome.result, outcome.exit_code) == (Result.DESTROYED, ExitCode.GOOD)
    assert {*remaining(account)} == {"backup.vault", "kms.key"}
    assert [(one.type, one.wanted) for one in outcome.left] == [
        ("AWS::Backup::BackupVault", True),
        ("AWS::KMS::Key", True),
        ("AWS::Backup::RecoveryPoint", True),
    ]


def test_what_is_shown_before_the_question(scenario: Scenario) -> None:
    scenario.deploy({"DeletionProtection": "true"})
    scenario.ask = Answers(False)
    outcome = scenario.destroy()
    farewell = scenario.shown[-1]
    assert isinstance(farewell, Farewell)
    assert farewell.protected
    assert [database.physical_id for database in farewell.databases] == [DATABASE]
    assert (outcome.result, outcome.exit_code) == (Result.REFUSED, ExitCode.FAILED)
    assert scenario.stack()["StackStatus"] == "CREATE_COMPLETE"
    assert scenario.stack()["EnableTerminationProtection"] is True


@pytest.mark.parametrize(
    ("typed", "result"), [(STACK, Result.DESTROYED), ("yes", Result.REFUSED), ("", Result.REFUSED)]
)
def test_the_name_of_the_stack_must_be_typed(scenario: Scenario, typed: str, result: Result) -> None:
    scenario.deploy()
    scenario.ask = Answers(typed)
    assert scenario.destroy().result is result


def test_nobody_to_ask(account: LocalAccount, scenario: Scenario) -> None:
    from hipaa_pipeline.ask import Nobody

    scenario.deploy()
    before = remaining(account)
    scenario.ask = Nobody()  # type: ignore[assignment]
    with pytest.raises(UserError) as caught:
        scenario.destroy()
    assert caught.value.exit_code is ExitCode.USAGE
    assert remaining(account) == before


def test_nothing_to_destroy(scenario: Scenario) -> None:
    outcome = scenario.destroy()
    assert (outcome.result, outcome.exit_code) == (Result.ABSENT, ExitCode.GOOD)
    assert outcome.message == f"There is no stack {STACK} in ap-southeast-1, so there is nothing to destroy."


def test_a_destruction_that_was_done_already_is_proven_again(account: LocalAccount, scenario: Scenario) -> None:
    """The process may have been killed between the deletion and its proof."""
    scenario.deploy()
    first = scenario.destroy()
    again = scenario.destroy()
    assert (again.result, again.exit_code) == (Result.ABSENT, ExitCode.GOOD)
    assert again.left == first.left


def test_what_somebody_put_back_is_found(account: LocalAccount, scenario: Scenario) -> None:
    """A service that re-creates a log group after the deletion, or a person."""
    scenario.deploy()
    scenario.destroy()
    scenario.session.call("logs", "create_log_group", logGroupName="healthcare-audit-test")
    outcome = scenario.destroy()
    assert (outcome.result, outcome.exit_code) == (Result.ABSENT, ExitCode.FAILED)
    assert outcome.message == f"{STACK} is gone already, but 1 of its resources are still there."
    assert [one.logical_id for one in outcome.left if not one.wanted] == ["AuditLogGroup", "Key"]


def test_what_carries_the_stacks_tag_is_found(account: LocalAccount, scenario: Scenario) -> None:
    """Created beside the stack, by a person or a service, and tagged as the stack's own."""
    scenario.deploy()
    tags = [{"Key": "hipaa-pipeline:environment", "Value": "test"}]
    scenario.session.call("sns", "create_topic", Name="forgotten", Tags=tags)
    outcome = scenario.destroy()
    assert (outcome.result, outcome.exit_code) == (Result.DESTROYED, ExitCode.FAILED)
    assert [one.physical_id for one in outcome.left if one.presence is Presence.THERE] == [
        "arn:aws:sns:ap-southeast-1:111122223333:forgotten"
    ]


def test_a_proof_that_cannot_be_completed_is_no_proof(account: LocalAccount, scenario: Scenario) -> None:
    scenario.deploy()
    account.add_fault(service="resourcegroupstaggingapi", operation="GetResources", action="deny")
    outcome = scenario.destroy()
    assert (outcome.result, outcome.exit_code) == (Result.DESTROYED, ExitCode.UNKNOWN)
    assert "tag:GetResources" in outcome.findings[0].reason


def test_log_groups_that_rds_writes_are_told(scenario: Scenario) -> None:
    scenario.deploy()
    for name in ("RDSOSMetrics", f"/aws/rds/instance/{DATABASE}/postgresql"):
        scenario.session.call("logs", "create_log_group", logGroupName=name)
    outcome = scenario.destroy()
    assert outcome.exit_code is ExitCode.GOOD
    assert [(one.physical_id, one.reason) for one in outcome.left if one.type == "AWS::Logs::LogGroup"] == [
        (f"/aws/rds/instance/{DATABASE}/postgresql", "created by RDS after the stack's own was deleted"),
        ("RDSOSMetrics", "shared by all databases of the Region"),
    ]


@pytest.mark.parametrize("kind", fault("deletion_fails").points)
def test_deletion_fails(account: LocalAccount, scenario: Scenario, kind: str) -> None:
    """What could not be deleted is named with AWS's reason; run again, it goes on."""
    scenario.deploy()
    account.add_fault(resource_type=kind, phase="delete", action="fail", message="is in use by somebody", times=1)
    outcome = scenario.destroy()
    assert (outcome.result, outcome.exit_code, outcome.next_command) == (
        Result.FAILED,
        ExitCode.FAILED,
        "make destroy ENV=test",
    )
    assert outcome.cause is not None
    assert outcome.cause.type == kind
    assert outcome.cause.logical_id in [one.logical_id for one in outcome.left]
    assert scenario.destroy().result is Result.DESTROYED
    assert remaining(account) == {}
