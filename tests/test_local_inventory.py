"""The inventory of the local account: everything that is left, and nothing that every account has."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.local.server import LocalAccount, local_account
from local_stacks import deploy

TRUST = '{"Version":"2012-10-17","Statement":[]}'
MADE: list[tuple[str, str, dict[str, Any], str]] = [
    ("ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}, "ec2.vpc"),
    ("iam", "create_role", {"RoleName": "r", "AssumeRolePolicyDocument": TRUST}, "iam.role"),
    ("iam", "create_user", {"UserName": "u"}, "iam.user"),
    ("kms", "create_key", {}, "kms.key"),
    ("sns", "create_topic", {"Name": "t"}, "sns.topic"),
    ("logs", "create_log_group", {"logGroupName": "g"}, "logs.group"),
    ("kinesis", "create_stream", {"StreamName": "s", "ShardCount": 1}, "kinesis.stream"),
    ("secretsmanager", "create_secret", {"Name": "s", "SecretString": "x"}, "secretsmanager.secret"),
    ("backup", "create_backup_vault", {"BackupVaultName": "v"}, "backup.vault"),
    ("rds", "create_db_parameter_group",
     {"DBParameterGroupName": "p", "DBParameterGroupFamily": "postgres17", "Description": "d"},
     "rds.parameter_group"),
]  # fmt: skip


def test_a_new_account_is_empty(account: LocalAccount, session: Session) -> None:
    assert session.call("ec2", "describe_vpcs")["Vpcs"] != []
    assert account.inventory() == {}


@pytest.mark.parametrize(("service", "operation", "arguments", "kind"), MADE, ids=[row[3] for row in MADE])
def test_what_is_made_is_seen_until_the_reset(
    account: LocalAccount, session: Session, service: str, operation: str, arguments: dict[str, Any], kind: str
) -> None:
    session.call(service, operation, **arguments)
    assert len(account.inventory()[kind]) == 1
    account.reset()
    assert account.inventory() == {}


def test_stacks_are_told_with_their_status(account: LocalAccount, session: Session) -> None:
    deploy(session, {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}}})
    inventory = account.inventory()
    assert inventory["cloudformation.stack"] == ["test CREATE_COMPLETE"]
    assert inventory["sns.topic"] == ["arn:aws:sns:ap-southeast-1:111122223333:t"]


def test_two_accounts_share_nothing(account: LocalAccount, session: Session) -> None:
    session.call("sns", "create_topic", Name="t")
    with local_account() as other:
        assert other.inventory() == {}
        assert other.port != account.port


def test_an_account_of_another_region_tells_of_that_region() -> None:
    with local_account(region="eu-central-1") as other:
        session = Session(other.connection)
        session.call("sns", "create_topic", Name="t", in_region="us-east-1")
        assert other.inventory() == {}
        session.call("sns", "create_topic", Name="t")
        assert other.inventory() == {"sns.topic": ["arn:aws:sns:eu-central-1:111122223333:t"]}


def test_regions_share_nothing_but_what_is_global(account: LocalAccount, session: Session) -> None:
    session.call("sns", "create_topic", Name="t")
    session.call("iam", "create_user", UserName="u")
    assert session.call("sns", "list_topics", in_region="eu-central-1")["Topics"] == []
    assert len(session.call("iam", "list_users", in_region="eu-central-1")["Users"]) == 1
