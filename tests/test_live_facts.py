"""What only a running account tells, observed through the local account's APIs; and the drill's two halves."""

from __future__ import annotations

import datetime
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hipaa_pipeline.aws import drill, live
from hipaa_pipeline.aws.live import drift, facts
from hipaa_pipeline.aws.live.reader import Physical, Reader
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.stack import is_unknown, unknown
from hipaa_pipeline.verification import postgresql
from hipaa_pipeline.verification.live_checks import Observation
from local_stacks import STACK, deploy

NOW = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
OTHER = "arn:aws:iam::999999999999:root"
NO_TOPIC = "arn:aws:sns:ap-southeast-1:111122223333:gone"


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime.datetime:
        return NOW + datetime.timedelta(seconds=self.slept)

    def elapsed(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


@pytest.fixture
def session(account: LocalAccount) -> Session:
    return Session(account.connection)


def observed(session: Session, check: str) -> list[Observation]:
    reader = live.open_reader(session, STACK)
    return [one for one in facts.read_facts(reader) if one.check == check]


KEY = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {}}}
STREAM = {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "records", "ShardCount": 1}}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alarms"}}
ALARM: dict[str, Any] = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "AlarmName": "cpu", "Namespace": "AWS/RDS", "MetricName": "CPUUtilization", "Statistic": "Average",
        "Period": 300, "EvaluationPeriods": 1, "Threshold": 80, "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [{"Ref": "Topic"}],
    },
}  # fmt: skip


def test_the_state_of_the_stack(session: Session) -> None:
    deploy(session, {"Key": KEY})
    assert observed(session, "cloudformation_stack_settled") == [
        Observation("cloudformation_stack_settled", "Stack", "StackStatus", "CREATE_COMPLETE")
    ]


def test_keys_and_their_grants(session: Session) -> None:
    deploy(session, {"Key": KEY})
    assert [one.value for one in observed(session, "kms_key_usable")] == ["Enabled"]
    key = live.open_reader(session, STACK).physical["Key"].id
    for principal in ("rds.ap-southeast-1.amazonaws.com", "arn:aws:iam::111122223333:role/own", OTHER):
        session.call("kms", "create_grant", KeyId=key, GranteePrincipal=principal, Operations=["Decrypt"])
    assert [one.value for one in observed(session, "kms_grants_in_account")] == [[OTHER]]


@pytest.mark.parametrize(
    ("grant", "foreign"),
    [
        ({"GranteeServicePrincipal": "rds.amazonaws.com"}, []),
        ({"GranteePrincipal": OTHER, "GranteeServicePrincipal": "rds.amazonaws.com"}, [OTHER]),
        ({}, ["nobody that KMS names"]),
    ],
)
def test_whom_a_grant_is_for(grant: dict[str, str], foreign: list[str]) -> None:
    canned: Any = Canned(list_grants=[grant])
    physical = {"Key": Physical("Key", "AWS::KMS::Key", "1")}
    reader = Reader(canned, {"StackId": "arn:aws:cloudformation:r:111122223333:stack/s/1", "StackStatus": ""}, physical)
    found = [one.value for one in facts.read_facts(reader) if one.check == "kms_grants_in_account"]
    assert found == [foreign]


def test_a_stream_and_its_policy(session: Session) -> None:
    deploy(session, {"Stream": STREAM})
    assert [one.value for one in observed(session, "kinesis_stream_not_shared")] == [[]]


def reached(session: Session) -> dict[str, Any]:
    """What was observed of whom the alarms reach, by resource."""
    return {one.resource: one.value for one in observed(session, "sns_alarms_reach_somebody")}


def protection(session: Session, resources: dict[str, Any], protected: str) -> None:
    """Deploy resources as an environment that is protected, or is not."""
    deploy(session, resources, parameters={"DeletionProtection": protected})


@pytest.mark.parametrize(("protected", "expected"), [("true", {"Topic": "nobody"}), ("false", {})])
def test_a_topic_without_subscribers(session: Session, protected: str, expected: dict[str, str]) -> None:
    protection(session, {"Topic": TOPIC}, protected)
    assert reached(session) == expected


def test_a_topic_that_is_gone_reaches_nobody(session: Session) -> None:
    protection(session, {"Topic": TOPIC}, "true")
    session.call("sns", "delete_topic", TopicArn=live.open_reader(session, STACK).physical["Topic"].id)
    assert reached(session) == {"Topic": "nobody"}


@pytest.mark.parametrize(("protected", "expected"), [("true", {"Stack": "nobody"}), ("false", {})])
def test_alarms_without_a_topic_reach_nobody(session: Session, protected: str, expected: dict[str, str]) -> None:
    alarm = {**ALARM, "Properties": {**ALARM["Properties"], "AlarmActions": []}}
    protection(session, {"Alarm": alarm}, protected)
    assert reached(session) == expected


def test_subscriptions(session: Session) -> None:
    deploy(session, {"Topic": TOPIC})
    arn = live.open_reader(session, STACK).physical["Topic"].id
    session.call("sns", "subscribe", TopicArn=arn, Protocol="http", Endpoint="http://collector.example/x")
    assert [one.value for one in observed(session, "sns_subscriptions_encrypted")] == ["http"]
    assert [one.value for one in observed(session, "sns_alarms_reach_somebody")] == ["pending confirmation"]


def test_a_topic_outside_the_stack(session: Session) -> None:
    arn = session.call("sns", "create_topic", Name="shared")["TopicArn"]
    alarm = {**ALARM, "Properties": {**ALARM["Properties"], "AlarmActions": [arn]}}
    deploy(session, {"Alarm": alarm})
    assert observed(session, "sns_alarms_reach_somebody") == [
        Observation("sns_alarms_reach_somebody", arn, "SubscriptionsConfirmed", "nobody")
    ]


def notifying(topic: str, name: str) -> dict[str, Any]:
    """An alarm of a name that notifies a topic."""
    return {**ALARM, "Properties": {**ALARM["Properties"], "AlarmName": name, "AlarmActions": [topic]}}


def test_a_topic_outside_the_stack_that_is_gone_reaches_nobody(session: Session) -> None:
    arn = session.call("sns", "create_topic", Name="shared")["TopicArn"]
    deploy(session, {"Alarm": notifying(arn, "cpu")})
    session.call("sns", "delete_topic", TopicArn=arn)
    assert reached(session) == {arn: "nobody"}


def test_an_alarm_that_is_gone_hides_no_other(session: Session) -> None:
    arn = session.call("sns", "create_topic", Name="shared")["TopicArn"]
    deploy(session, {"Gone": notifying(arn, "gone"), "Alarm": notifying(arn, "cpu")})
    session.call("cloudwatch", "delete_alarms", AlarmNames=["gone"])
    assert reached(session) == {arn: "nobody"}


def test_whom_an_unread_alarm_reaches_is_unknown(account: LocalAccount, session: Session) -> None:
    arn = session.call("sns", "create_topic", Name="shared")["TopicArn"]
    deploy(session, {"Alarm": notifying(arn, "cpu")})
    account.add_fault(service="cloudwatch", operation="DescribeAlarms", action="deny")
    assert {name: is_unknown(value) for name, value in reached(session).items()} == {"Alarm": True}


def test_a_denied_observation_is_unknown(account: LocalAccount, session: Session) -> None:
    deploy(session, {"Key": KEY})
    account.add_fault(service="kms", operation="ListGrants", action="deny")
    (seen,) = observed(session, "kms_grants_in_account")
    assert is_unknown(seen.value)
    assert seen.resource == "Key"


@pytest.mark.parametrize(
    ("principal", "own"),
    [
        ("rds.amazonaws.com", True),
        ("rds.cn-north-1.amazonaws.com.cn", True),
        ("111122223333", True),
        ("arn:aws:iam::111122223333:role/x", True),
        ("*", False),
        ("999999999999", False),
        (OTHER, False),
        ("arn:aws:iam::999999999999:role/rds.amazonaws.com", False),
        ("arn:aws:iam::999999999999:role/a:111122223333", False),
    ],
)
def test_whose_principal_it_is(session: Session, principal: str, own: bool) -> None:
    deploy(session, {"Key": KEY})
    assert facts.is_own(live.open_reader(session, STACK), principal) is own


# Drift detection


def test_no_drift(session: Session) -> None:
    deploy(session, {"Stream": STREAM})
    clock = Clock()
    assert drift.detect(session, STACK, clock) == [
        Observation("cloudformation_drift_free", "Stack", "StackDriftStatus", "IN_SYNC")
    ]


def test_a_denied_detection_is_unknown(account: LocalAccount, session: Session) -> None:
    deploy(session, {"Stream": STREAM})
    account.add_fault(service="cloudformation", operation="DetectStackDrift", action="deny")
    (seen,) = drift.detect(session, STACK, Clock())
    assert is_unknown(seen.value)


class Canned:
    """A session that gives one answer per operation, over and over: what the local account never says."""

    region = "ap-southeast-1"

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def call(self, service: str, operation: str, **arguments: Any) -> Any:
        return self.answers[operation]

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> Any:
        return self.answers[operation]


def test_a_detection_that_never_ends_is_unknown() -> None:
    canned: Any = Canned(
        detect_stack_drift={"StackDriftDetectionId": "1"},
        describe_stack_drift_detection_status={"DetectionStatus": "DETECTION_IN_PROGRESS"},
        describe_stack_resource_drifts=[],
    )
    clock = Clock()
    (seen,) = drift.detect(canned, STACK, clock)
    assert is_unknown(seen.value)
    assert drift.MAX_SECONDS < clock.slept < drift.MAX_SECONDS + 2 * drift.POLL_SECONDS


def drifted(*resources: dict[str, Any]) -> Any:
    """CloudFormation's answers about a stack of which these resources differ."""
    return Canned(
        detect_stack_drift={"StackDriftDetectionId": "1"},
        describe_stack_drift_detection_status={
            "DetectionStatus": "DETECTION_COMPLETE",
            "StackDriftStatus": "DRIFTED",
        },
        describe_stack_resource_drifts=list(resources),
    )


def test_each_drifted_resource_is_told_with_its_places() -> None:
    canned = drifted(
        {
            "LogicalResourceId": "Stream",
            "StackResourceDriftStatus": "MODIFIED",
            "PropertyDifferences": [{"PropertyPath": "/StreamEncryption/KeyId"}, {"PropertyPath": "/ShardCount"}],
        },
        {"LogicalResourceId": "Logs", "StackResourceDriftStatus": "DELETED"},
    )
    assert [(one.resource, one.property, one.value) for one in drift.detect(canned, STACK, Clock())] == [
        ("Stream", "StreamEncryption.KeyId, ShardCount", "MODIFIED"),
        ("Logs", "", "DELETED"),
        ("Stack", "StackDriftStatus", "DRIFTED"),
    ]


UPGRADED = {"PropertyPath": "/EngineVersion", "ExpectedValue": "17.10", "ActualValue": "17.11"}
OPENED = {"PropertyPath": "/PubliclyAccessible", "ExpectedValue": "false", "ActualValue": "true"}


@pytest.mark.parametrize(
    ("automatic", "differences", "expected"),
    [
        (True, [UPGRADED], [("Stack", "IN_SYNC")]),
        (True, [UPGRADED, OPENED], [("Database", "MODIFIED"), ("Stack", "DRIFTED")]),
        (True, [{**UPGRADED, "ActualValue": "17.9"}], [("Database", "MODIFIED"), ("Stack", "DRIFTED")]),
        (True, [{**UPGRADED, "ActualValue": "18.1"}], [("Database", "MODIFIED"), ("Stack", "DRIFTED")]),
        (False, [UPGRADED], [("Database", "MODIFIED"), ("Stack", "DRIFTED")]),
        (True, [], [("Database", "MODIFIED"), ("Stack", "DRIFTED")]),
    ],
)
def test_a_minor_version_that_rds_raised_as_the_template_lets_it_is_no_drift(
    automatic: bool, differences: list[dict[str, str]], expected: list[tuple[str, str]]
) -> None:
    canned = drifted(
        {
            "LogicalResourceId": "Database",
            "StackResourceDriftStatus": "MODIFIED",
            "PropertyDifferences": differences,
            "ExpectedProperties": json.dumps({"EngineVersion": "17.10", "AutoMinorVersionUpgrade": automatic}),
        },
    )
    assert [(one.resource, one.value) for one in drift.detect(canned, STACK, Clock())] == expected


# The drill


def test_an_alarm_is_rung_and_put_back(session: Session) -> None:
    deploy(session, {"Topic": TOPIC, "Alarm": ALARM})
    session.call("cloudwatch", "set_alarm_state", AlarmName="cpu", StateValue="OK", StateReason="test")
    (seen,) = drill.ring(session, {"Alarm": "cpu"}, Clock())
    assert seen == Observation(
        "cloudwatch_alarm_drill",
        "Alarm",
        "StateValue",
        {"Rang": True, "ActionsEnabled": True, "AlarmActions": 1, "DoneActions": 1, "FailedActions": []},
    )
    alarm = session.call("cloudwatch", "describe_alarms", AlarmNames=["cpu"])["MetricAlarms"][0]
    assert alarm["StateValue"] == "OK"


class Actual(Clock):
    """A clock under which CloudWatch puts the alarm right at once, as AWS does within seconds."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def now(self) -> datetime.datetime:
        self._session.call("cloudwatch", "set_alarm_state", AlarmName="cpu", StateValue="OK", StateReason="actual")
        return super().now()


def drilled(session: Session, clock: Clock) -> Any:
    return drill.ring(session, {"Alarm": "cpu"}, clock)[0].value


def test_an_alarm_that_cloudwatch_put_right_in_the_meantime_did_ring(session: Session) -> None:
    """Its state tells nothing any more; its history does."""
    deploy(session, {"Topic": TOPIC, "Alarm": ALARM})
    assert drilled(session, Actual(session))["Rang"] is True


def test_what_failed_before_the_drill_is_not_its_failure(session: Session) -> None:
    deploy(session, {"Alarm": {**ALARM, "Properties": {**ALARM["Properties"], "AlarmActions": [NO_TOPIC]}}})
    clock = Clock()
    assert drilled(session, clock)["FailedActions"] == [f"Failed to execute action {NO_TOPIC}"]
    session.call("sns", "create_topic", Name="gone")
    clock.sleep(1.1)
    time.sleep(1.1)  # the history's times are whole seconds
    seen = drilled(session, clock)
    assert (seen["DoneActions"], seen["FailedActions"]) == (1, [])


def test_an_alarm_that_rings_in_earnest_is_left_alone(session: Session) -> None:
    deploy(session, {"Topic": TOPIC, "Alarm": ALARM})
    session.call("cloudwatch", "set_alarm_state", AlarmName="cpu", StateValue="ALARM", StateReason="test")
    assert drilled(session, Clock()) == unknown("it was in ALARM already, so that nothing could be tried")
    alarm = session.call("cloudwatch", "describe_alarms", AlarmNames=["cpu"])["MetricAlarms"][0]
    assert alarm["StateValue"] == "ALARM"


def test_an_action_that_is_not_recorded_in_time_is_no_done_one(session: Session) -> None:
    deploy(
        session, {"Topic": TOPIC, "Alarm": {**ALARM, "Properties": {**ALARM["Properties"], "ActionsEnabled": False}}}
    )
    clock = Clock()
    seen = drilled(session, clock)
    assert (seen["Rang"], seen["DoneActions"], seen["ActionsEnabled"]) == (True, 0, False)
    assert clock.slept >= drill.ACTION_SECONDS


def test_an_alarm_that_may_not_be_rung_is_unknown(account: LocalAccount, session: Session) -> None:
    deploy(session, {"Topic": TOPIC, "Alarm": ALARM})
    account.add_fault(service="cloudwatch", operation="SetAlarmState", action="deny")
    seen = drill.ring(session, {"Alarm": "cpu"}, Clock())
    assert [(one.resource, is_unknown(one.value)) for one in seen] == [("Alarm", True), ("Stack", True)]


def test_a_database_out_of_reach_gives_no_observation() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert drill.knock([("Database", "127.0.0.1", unused.getsockname()[1], "u", "d")]) == []


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[int]:
    """A server that answers an SSLRequest with the first byte of its script, a start-up message with the rest."""
    script: bytes = request.param
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(10)

    def serve() -> None:
        for answer in (script[:1], script[1:]):
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    thread.join(timeout=10)
    server.close()


def error(code: str, message: str) -> bytes:
    body = f"SFATAL\0C{code}\0M{message}\0\0".encode()
    return b"E" + struct.pack("!i", len(body) + 4) + body


REFUSED = b"S" + error("28000", "no pg_hba.conf entry, no encryption")
ACCEPTED = b"N" + b"R" + struct.pack("!ii", 8, 5)


@pytest.mark.parametrize(
    ("answering", "answer"),
    [
        (REFUSED, postgresql.Answer(True, "refused", "28000", "no pg_hba.conf entry, no encryption")),
        (ACCEPTED, postgresql.Answer(False, "accepted")),
    ],
    indirect=["answering"],
)
def test_what_a_server_answers_without_tls(answering: int, answer: postgresql.Answer) -> None:
    assert postgresql.ask("127.0.0.1", answering, "user", "database") == answer


@pytest.mark.parametrize("answering", [b"SHTTP/1.1 400 Bad Request\r\n", b"S", b"SE\x7f\xff\xff\xff"], indirect=True)
def test_what_is_no_postgresql_is_no_answer(answering: int) -> None:
    with pytest.raises(OSError, match=r"protocol|closed"):
        postgresql.ask("127.0.0.1", answering, "user", "database")


def test_the_start_up_message() -> None:
    message = postgresql.startup_message("user", "base")
    assert message == struct.pack("!ii", len(message), 196608) + b"user\0user\0database\0base\0\0"


def test_policies_that_admit_others(session: Session) -> None:
    deploy(session, {"Key": KEY})
    reader = live.open_reader(session, STACK)
    policy = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": [OTHER, "arn:aws:iam::111122223333:root"]}},
            {"Effect": "Deny", "Principal": "*"},
            {"Effect": "Allow", "Principal": "*"},
        ]
    }
    assert facts.admitted(reader, json.loads(json.dumps(policy))) == ["*", OTHER]
    assert facts.admitted(reader, None) == []
    but_one = {"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": "*", "Resource": "*"}}
    assert facts.admitted(reader, but_one) == ["*"]
