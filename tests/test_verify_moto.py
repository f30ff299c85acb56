"""Against moto, which calls a stack complete without all of its resources and loses properties: it says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from hipaa_pipeline.aws.session import Connection, Session
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.findings import Status, exit_code
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.verification import verify

REGION = "ap-southeast-1"
ACCOUNT = "123456789012"  # moto's own
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "RecordStream": {
            "Type": "AWS::Kinesis::Stream",
            "Properties": {
                "Name": "records",
                "ShardCount": 1,
                "RetentionPeriodHours": 168,
                "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alarms"}},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [{"Ref": "Topic"}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": {"Ref": "Topic"}}
                    ],
                },
            },
        },
        "Vault": {"Type": "AWS::Backup::BackupVault", "Properties": {"BackupVaultName": "vault"}},
        "AuditLogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": "audit", "RetentionInDays": 90},
        },
    }
}


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    try:
        yield Connection(REGION, None, f"http://127.0.0.1:{port}", "testing", "testing")
    finally:
        server.stop()


@pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")  # moto's way to say that it skips a resource
def test_what_moto_lost_is_found(connection: Connection) -> None:
    session = Session(connection, max_attempts=1)
    session.call("cloudformation", "create_stack", StackName="test", TemplateBody=json.dumps(TEMPLATE))
    status = session.call("cloudformation", "describe_stacks", StackName="test")["Stacks"][0]["StackStatus"]
    assert status == "CREATE_COMPLETE"
    expected = resolve(TEMPLATE, {}, region=REGION, account_id=ACCOUNT, stack_name="test")
    found = verify.run(session, expected, clock=SystemClock()).findings
    assert exit_code(found) is ExitCode.FAILED
    failed = {(one.control, one.resource) for one in found if one.status is Status.FAIL}
    assert failed >= {
        ("kinesis_encrypted", "RecordStream"),
        ("live_property_matches", "RecordStream"),
        ("live_resource_exists", "TopicPolicy"),
    }
    passed = {(one.control, one.resource, one.property) for one in found if one.status is Status.PASS}
    assert ("live_property_matches", "AuditLogGroup", "LogGroupName") in passed
