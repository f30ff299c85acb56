"""Kinesis, SNS, Backup, KMS, IAM and Logs in the local account: what MiniStack loses is there."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.local.server import LocalAccount
from local_stacks import delete, deploy, physical_ids, reasons

KEY = "arn:aws:kms:ap-southeast-1:111122223333:key/1"
TAGS = [{"Key": "a", "Value": "b"}]


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


# Kinesis


def stream(**changed: Any) -> dict[str, Any]:
    encryption = {"EncryptionType": "KMS", "KeyId": KEY}
    return {
        "Stream": resource(
            "AWS::Kinesis::Stream",
            **{
                "Name": "s",
                "ShardCount": "2",
                "RetentionPeriodHours": "168",
                "StreamEncryption": encryption,
                **changed,
            },
        )
    }


def summary(session: Session) -> dict[str, Any]:
    answer: dict[str, Any] = session.call("kinesis", "describe_stream_summary", StreamName="s")[
        "StreamDescriptionSummary"
    ]
    return answer


def test_a_stream_is_encrypted_and_has_its_shards(session: Session) -> None:
    assert deploy(session, stream()) == "CREATE_COMPLETE"
    shown = summary(session)
    assert (shown["EncryptionType"], shown["KeyId"]) == ("KMS", KEY)
    assert (shown["OpenShardCount"], shown["RetentionPeriodHours"]) == (2, 168)


def test_a_streams_shards_and_mode_change(session: Session) -> None:
    deploy(session, stream())
    assert deploy(session, stream(ShardCount="5"), update=True) == "UPDATE_COMPLETE"
    assert summary(session)["OpenShardCount"] == 5
    on_demand = stream(StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert deploy(session, on_demand, update=True) == "UPDATE_COMPLETE"
    assert summary(session)["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    arn = summary(session)["StreamARN"]
    session.call("kinesis", "update_stream_mode", StreamARN=arn, StreamModeDetails={"StreamMode": "PROVISIONED"})
    assert summary(session)["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    with pytest.raises(AwsError, match="not found"):
        session.call(
            "kinesis", "update_stream_mode", StreamARN=f"{arn}x", StreamModeDetails={"StreamMode": "ON_DEMAND"}
        )


def test_a_streams_encryption_is_stopped_and_started(session: Session) -> None:
    deploy(session, stream())
    session.call("kinesis", "stop_stream_encryption", StreamName="s", EncryptionType="KMS", KeyId=KEY)
    assert summary(session)["EncryptionType"] == "NONE"
    assert "KeyId" not in summary(session)
    session.call("kinesis", "start_stream_encryption", StreamName="s", EncryptionType="KMS", KeyId=KEY)
    assert (summary(session)["EncryptionType"], summary(session)["KeyId"]) == ("KMS", KEY)


# SNS

TOPIC = {"Topic": resource("AWS::SNS::Topic", TopicName="t", KmsMasterKeyId=KEY, Tags=TAGS)}
SUBSCRIPTION = {
    "Subscription": resource(
        "AWS::SNS::Subscription", TopicArn={"Ref": "Topic"}, Protocol="email", Endpoint="oncall@clinic.internal"
    )
}


def attributes(session: Session, topic: str) -> dict[str, str]:
    answer: dict[str, str] = session.call("sns", "get_topic_attributes", TopicArn=topic)["Attributes"]
    return answer


def test_a_topic_has_its_key_until_it_is_taken_away(session: Session) -> None:
    assert deploy(session, TOPIC) == "CREATE_COMPLETE"
    topic = physical_ids(session)["Topic"]
    assert attributes(session, topic)["KmsMasterKeyId"] == KEY
    assert {"Key": "a", "Value": "b"} in session.call("sns", "list_tags_for_resource", ResourceArn=topic)["Tags"]
    deploy(session, {"Topic": resource("AWS::SNS::Topic", TopicName="t")}, update=True)
    assert "KmsMasterKeyId" not in attributes(session, topic)


def test_an_email_subscription_waits_for_its_owner(account: LocalAccount, session: Session) -> None:
    assert deploy(session, {**TOPIC, **SUBSCRIPTION}) == "CREATE_COMPLETE"
    ids = physical_ids(session)

    def listed() -> list[str]:
        found = session.call("sns", "list_subscriptions_by_topic", TopicArn=ids["Topic"])["Subscriptions"]
        return [each["SubscriptionArn"] for each in found]

    def pending() -> str:
        shown = session.call("sns", "get_subscription_attributes", SubscriptionArn=ids["Subscription"])["Attributes"]
        assert (shown["Protocol"], shown["Endpoint"]) == ("email", "oncall@clinic.internal")
        assert shown["TopicArn"] == ids["Topic"]
        return str(shown["PendingConfirmation"])

    assert (listed(), pending()) == (["PendingConfirmation"], "true")
    assert attributes(session, ids["Topic"])["SubscriptionsPending"] == "1"
    assert account.confirm_subscriptions() == [ids["Subscription"]]
    assert (listed(), pending()) == ([ids["Subscription"]], "false")
    assert account.confirm_subscriptions() == []


def test_an_example_address_is_confirmed_by_itself(account: LocalAccount, session: Session) -> None:
    topic = session.call("sns", "create_topic", Name="t")["TopicArn"]
    for protocol, endpoint in [("email", "a@example.com"), ("http", "http://example.com/x")]:
        session.call("sns", "subscribe", TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    found = session.call("sns", "list_subscriptions_by_topic", TopicArn=topic)["Subscriptions"]
    assert [each["SubscriptionArn"] == "PendingConfirmation" for each in found] == [False, True]


def test_subscribing_through_the_api_asks_who_must_be_asked(account: LocalAccount, session: Session) -> None:
    topic = session.call("sns", "create_topic", Name="t")["TopicArn"]
    session.call("sns", "subscribe", TopicArn=topic, Protocol="email", Endpoint="a@clinic.internal")
    queue = "arn:aws:sqs:ap-southeast-1:111122223333:q"
    session.call("sns", "subscribe", TopicArn=topic, Protocol="sqs", Endpoint=queue)
    found = session.call("sns", "list_subscriptions_by_topic", TopicArn=topic)["Subscriptions"]
    assert [each["SubscriptionArn"] == "PendingConfirmation" for each in found] == [True, False]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("get_subscription_attributes", {"SubscriptionArn": "arn:aws:sns:ap-southeast-1:111122223333:t:x"}),
        ("list_subscriptions_by_topic", {"TopicArn": "arn:aws:sns:ap-southeast-1:111122223333:t"}),
    ],
)
def test_what_does_not_exist_is_not_found(session: Session, operation: str, arguments: dict[str, str]) -> None:
    with pytest.raises(AwsError, match="does not exist") as caught:
        session.call("sns", operation, **arguments)
    assert caught.value.code.startswith("NotFound")


# Backup

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "backup:*"}]}
ROLE = "arn:aws:iam::111122223333:role/backup"
VAULT = {
    "Vault": resource(
        "AWS::Backup::BackupVault",
        BackupVaultName="v", EncryptionKeyArn=KEY, AccessPolicy=POLICY, BackupVaultTags={"a": "b"},
        LockConfiguration={"MinRetentionDays": "7"},
        Notifications={"BackupVaultEvents": ["BACKUP_JOB_FAILED"], "SNSTopicArn": "arn:aws:sns:x:1:t"},
    )
}  # fmt: skip
PLAN = {
    "Plan": resource(
        "AWS::Backup::BackupPlan",
        BackupPlan={
            "BackupPlanName": "p",
            "BackupPlanRule": [{"RuleName": "r", "TargetBackupVault": {"Ref": "Vault"}}],
        },
    ),
    "Selection": resource(
        "AWS::Backup::BackupSelection",
        BackupPlanId={"Ref": "Plan"},
        BackupSelection={"SelectionName": "s", "IamRoleArn": ROLE, "Resources": ["arn:aws:rds:x:1:db:d"]},
    ),
}


def test_a_vault_is_described_whole(session: Session) -> None:
    assert deploy(session, VAULT) == "CREATE_COMPLETE"
    vault = session.call("backup", "describe_backup_vault", BackupVaultName="v")
    assert (vault["EncryptionKeyArn"], vault["Locked"], vault["MinRetentionDays"]) == (KEY, True, 7)
    policy = session.call("backup", "get_backup_vault_access_policy", BackupVaultName="v")["Policy"]
    assert '"Deny"' in policy
    notifications = session.call("backup", "get_backup_vault_notifications", BackupVaultName="v")
    assert notifications["BackupVaultEvents"] == ["BACKUP_JOB_FAILED"]
    session.call("backup", "delete_backup_vault_access_policy", BackupVaultName="v")
    with pytest.raises(AwsError, match="does not exist"):
        session.call("backup", "get_backup_vault_access_policy", BackupVaultName="v")
    session.call("backup", "put_backup_vault_access_policy", BackupVaultName="v", Policy="{}")
    assert session.call("backup", "get_backup_vault_access_policy", BackupVaultName="v")["Policy"] == "{}"


@pytest.mark.parametrize("operation", ["get_backup_vault_access_policy", "get_backup_vault_notifications"])
def test_a_vault_that_does_not_exist(session: Session, operation: str) -> None:
    with pytest.raises(AwsError) as caught:
        session.call("backup", operation, BackupVaultName="absent")
    assert caught.value.code == "ResourceNotFoundException"


def test_a_vault_without_policy_and_notifications(session: Session) -> None:
    session.call("backup", "create_backup_vault", BackupVaultName="bare")
    for operation in ("get_backup_vault_access_policy", "get_backup_vault_notifications"):
        with pytest.raises(AwsError) as caught:
            session.call("backup", operation, BackupVaultName="bare")
        assert caught.value.code == "ResourceNotFoundException"


def test_a_selection_is_read_by_its_plan_and_goes_with_the_stack(account: LocalAccount, session: Session) -> None:
    assert deploy(session, {**VAULT, **PLAN}) == "CREATE_COMPLETE"
    ids = physical_ids(session)
    plan_id, _, selection_id = ids["Selection"].partition("_")
    assert plan_id == ids["Plan"]
    listed = session.call("backup", "list_backup_selections", BackupPlanId=plan_id)["BackupSelectionsList"]
    assert [each["SelectionId"] for each in listed] == [selection_id]
    shown = session.call("backup", "get_backup_selection", BackupPlanId=plan_id, SelectionId=selection_id)
    assert shown["BackupSelection"]["Resources"] == ["arn:aws:rds:x:1:db:d"]
    assert shown["BackupSelection"]["IamRoleArn"] == ROLE
    assert delete(session) == "DELETE_COMPLETE"
    assert account.inventory() == {}


def test_a_selection_of_no_plan_fails(session: Session) -> None:
    orphan = {
        "Selection": {**PLAN["Selection"], "Properties": {**PLAN["Selection"]["Properties"], "BackupPlanId": "x"}}
    }
    assert deploy(session, orphan) == "ROLLBACK_COMPLETE"
    assert "Plan 'x' not found" in reasons(session, "CREATE_FAILED")["Selection"]


def test_a_vault_with_recovery_points_is_not_deleted(session: Session) -> None:
    deploy(session, VAULT)
    session.call("backup", "start_backup_job", BackupVaultName="v", ResourceArn="arn:aws:rds:x:1:db:d", IamRoleArn=ROLE)
    [point] = session.call("backup", "list_recovery_points_by_backup_vault", BackupVaultName="v")["RecoveryPoints"]
    assert (point["ResourceArn"], point["EncryptionKeyArn"], point["Status"]) == (
        "arn:aws:rds:x:1:db:d", KEY, "COMPLETED",
    )  # fmt: skip
    assert delete(session) == "DELETE_FAILED"
    assert "contains 1 recovery points" in reasons(session, "DELETE_FAILED")["Vault"]
    with pytest.raises(AwsError, match="contains 1 recovery points"):
        session.call("backup", "delete_backup_vault", BackupVaultName="v")
    arn = point["RecoveryPointArn"]
    session.call("backup", "delete_recovery_point", BackupVaultName="v", RecoveryPointArn=arn)
    with pytest.raises(AwsError, match="Cannot find Recovery Point"):
        session.call("backup", "delete_recovery_point", BackupVaultName="v", RecoveryPointArn=arn)
    assert delete(session) == "DELETE_COMPLETE"


# KMS


def test_numbers_and_switches_of_a_key_may_be_text(session: Session) -> None:
    key = resource(
        "AWS::KMS::Key", EnableKeyRotation="true", RotationPeriodInDays="180", PendingWindowInDays="7", KeyPolicy=POLICY
    )
    assert deploy(session, {"Key": key}) == "CREATE_COMPLETE"
    key_id = physical_ids(session)["Key"]
    rotation = session.call("kms", "get_key_rotation_status", KeyId=key_id)
    assert (rotation["KeyRotationEnabled"], rotation["RotationPeriodInDays"]) == (True, 180)
    off = {**key, "Properties": {**key["Properties"], "EnableKeyRotation": "false"}}
    assert deploy(session, {"Key": off}, update=True) == "UPDATE_COMPLETE"
    assert session.call("kms", "get_key_rotation_status", KeyId=key_id)["KeyRotationEnabled"] is False
    assert delete(session) == "DELETE_COMPLETE"
    metadata = session.call("kms", "describe_key", KeyId=key_id)["KeyMetadata"]
    assert metadata["KeyState"] == "PendingDeletion"
    left = metadata["DeletionDate"] - metadata["CreationDate"]
    assert left.days == 7


def test_a_scheduled_deletion_is_cancelled_and_the_key_enabled(account: LocalAccount, session: Session) -> None:
    key_id = session.call("kms", "create_key")["KeyMetadata"]["KeyId"]
    session.call("kms", "schedule_key_deletion", KeyId=key_id, PendingWindowInDays=7)
    assert account.inventory() == {"kms.key_pending_deletion": [key_id]}
    session.call("kms", "cancel_key_deletion", KeyId=key_id)
    assert session.call("kms", "describe_key", KeyId=key_id)["KeyMetadata"]["KeyState"] == "Disabled"
    session.call("kms", "enable_key", KeyId=key_id)
    assert session.call("kms", "describe_key", KeyId=key_id)["KeyMetadata"]["KeyState"] == "Enabled"


# IAM


def test_a_roles_boundary_is_kept_and_removed(session: Session) -> None:
    boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    role = resource("AWS::IAM::Role", RoleName="r", AssumeRolePolicyDocument=trust)
    bounded = {**role, "Properties": {**role["Properties"], "PermissionsBoundary": boundary}}
    assert deploy(session, {"Role": bounded}) == "CREATE_COMPLETE"
    shown = session.call("iam", "get_role", RoleName="r")["Role"]
    assert shown["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert deploy(session, {"Role": role}, update=True) == "UPDATE_COMPLETE"
    assert "PermissionsBoundary" not in session.call("iam", "get_role", RoleName="r")["Role"]


@pytest.mark.parametrize("action", ["ec2:CreateVpc", "rds:DeleteDBInstance"])
def test_the_callers_permissions_are_simulated(session: Session, action: str) -> None:
    arn = session.call("iam", "get_role", RoleName="local-administrator")["Role"]["Arn"]

    def decision() -> str:
        answer = session.call("iam", "simulate_principal_policy", PolicySourceArn=arn, ActionNames=[action])
        return str(answer["EvaluationResults"][0]["EvalDecision"])

    assert decision() == "allowed"
    document = f'{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Action":"{action}","Resource":"*"}}]}}'
    session.call("iam", "put_role_policy", RoleName="local-administrator", PolicyName="no", PolicyDocument=document)
    assert decision() == "explicitDeny"


# Logs


def group(**properties: Any) -> dict[str, Any]:
    return {"Group": resource("AWS::Logs::LogGroup", LogGroupName="g", RetentionInDays=90, **properties)}


def described(session: Session) -> dict[str, Any]:
    answer: dict[str, Any] = session.call("logs", "describe_log_groups", logGroupNamePrefix="g")["logGroups"][0]
    return answer


def test_a_log_groups_key_is_taken_away_and_given_back(session: Session) -> None:
    deploy(session, group(KmsKeyId=KEY))
    assert (described(session)["kmsKeyId"], described(session)["retentionInDays"]) == (KEY, 90)
    session.call("logs", "disassociate_kms_key", logGroupName="g")
    assert "kmsKeyId" not in described(session)
    session.call("logs", "associate_kms_key", logGroupName="g", kmsKeyId=KEY)
    assert described(session)["kmsKeyId"] == KEY
    with pytest.raises(AwsError, match="does not exist"):
        session.call("logs", "associate_kms_key", logGroupName="absent", kmsKeyId=KEY)


def test_a_protected_log_group_is_deleted_by_no_one(session: Session) -> None:
    deploy(session, group(DeletionProtectionEnabled="true"))
    assert described(session)["deletionProtectionEnabled"] is True
    assert delete(session) == "DELETE_FAILED"
    with pytest.raises(AwsError, match="deletion protection"):
        session.call("logs", "delete_log_group", logGroupName="g")
    arn = "arn:aws:logs:ap-southeast-1:111122223333:log-group:g"
    session.call("logs", "put_log_group_deletion_protection", logGroupIdentifier=arn, deletionProtectionEnabled=False)
    assert described(session)["deletionProtectionEnabled"] is False
    assert delete(session) == "DELETE_COMPLETE"
