"""Injected faults: each is met as AWS would let a caller meet it, as often as it was asked for, and nowhere else."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hipaa_pipeline.aws.session import AwsError, ErrorKind, Session
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.local.faults import Fault, Faults
from hipaa_pipeline.local.server import LocalAccount, local_account
from local_stacks import STACK, change_set, delete, deploy, reasons, status_at_rest

GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "g"}}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}, "DependsOn": "Group"}
STACK_RESOURCES = {"Group": GROUP, "Topic": TOPIC}


# A call of each protocol: query, EC2's own, JSON, REST with JSON, and CloudWatch's.
CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("rds", "describe_db_instances", {}, "DescribeDBInstances"),
    ("ec2", "describe_vpcs", {}, "DescribeVpcs"),
    ("kms", "list_keys", {}, "ListKeys"),
    ("backup", "list_backup_vaults", {}, "ListBackupVaults"),
    ("cloudwatch", "describe_alarms", {}, "DescribeAlarms"),
    ("service-quotas", "list_service_quotas", {"ServiceCode": "vpc"}, "ListServiceQuotas"),
    ("sns", "list_topics", {}, "ListTopics"),
    ("sts", "get_caller_identity", {}, "GetCallerIdentity"),
    ("s3", "list_buckets", {}, "ListBuckets"),
]
IDS = [row[0] for row in CALLS]


@pytest.mark.parametrize(("service", "operation", "arguments", "name"), CALLS, ids=IDS)
def test_a_denial_is_read_as_one(
    account: LocalAccount, session: Session, service: str, operation: str, arguments: dict[str, Any], name: str
) -> None:
    number = account.add_fault(service=service, operation=name, action="deny")
    with pytest.raises(AwsError, match=f"not authorized to perform.*{name}") as caught:
        session.call(service, operation, **arguments)
    assert caught.value.kind is ErrorKind.DENIED
    account.clear_faults(number)
    session.call(service, operation, **arguments)


@pytest.mark.parametrize(("service", "operation", "arguments", "name"), CALLS, ids=IDS)
def test_throttling_is_tried_again(
    account: LocalAccount, session: Session, service: str, operation: str, arguments: dict[str, Any], name: str
) -> None:
    account.add_fault(service=service, operation=name, action="throttle", times=1)
    session.call(service, operation, **arguments)
    assert account.calls() == [f"{service}.{name}"] * 2


@pytest.mark.parametrize(
    ("action", "made"), [("drop-before", 1), ("drop-after", 2)], ids=["before it acts", "after it acted"]
)
def test_a_dropped_connection_is_tried_again_and_may_act_twice(
    account: LocalAccount, session: Session, action: str, made: int
) -> None:
    account.add_fault(service="ec2", operation="CreateVpc", action=action, times=1)
    session.call("ec2", "create_vpc", CidrBlock="10.0.0.0/16")
    assert len(account.inventory()["ec2.vpc"]) == made


def test_a_connection_that_is_always_dropped_is_unreachable(account: LocalAccount, session: Session) -> None:
    account.add_fault(service="kms", operation="ListKeys", action="drop-before")
    with pytest.raises(AwsError) as caught:
        session.call("kms", "list_keys")
    assert caught.value.kind is ErrorKind.UNREACHABLE


def test_a_failure_has_the_code_and_words_it_was_given(account: LocalAccount, session: Session) -> None:
    account.add_fault(service="rds", action="fail", code="StorageQuotaExceeded", message="No room <left>")
    with pytest.raises(AwsError, match="No room <left>") as caught:
        session.call("rds", "describe_db_snapshots")
    assert caught.value.code == "StorageQuotaExceeded"
    session.call("sns", "list_topics")


@pytest.mark.parametrize(("service", "operation", "name"), [
    ("rds", "describe_db_instances", "DescribeDBInstances"), ("ec2", "describe_vpcs", "DescribeVpcs"),
])  # fmt: skip
def test_a_malformed_answer_is_no_answer(
    account: LocalAccount, session: Session, service: str, operation: str, name: str
) -> None:
    account.add_fault(service=service, operation=name, action="malformed")
    with pytest.raises(AwsError) as caught:
        session.call(service, operation)
    assert caught.value.kind is ErrorKind.OTHER


@pytest.mark.parametrize(("service", "operation", "name"), [
    ("kms", "list_keys", "ListKeys"), ("backup", "list_backup_vaults", "ListBackupVaults"),
])  # fmt: skip
def test_botocore_takes_a_malformed_json_answer_for_an_empty_one(
    account: LocalAccount, session: Session, service: str, operation: str, name: str
) -> None:
    account.add_fault(service=service, operation=name, action="malformed")
    assert session.call(service, operation) == {}


def test_the_nth_call_only(account: LocalAccount, session: Session) -> None:
    account.add_fault(service="kms", operation="List*", action="deny", nth=3, times=1)
    outcomes = []
    for _ in range(4):
        try:
            session.call("kms", "list_keys")
            outcomes.append("answered")
        except AwsError as error:
            outcomes.append(str(error.kind))
    assert outcomes == ["answered", "answered", "denied", "answered"]


def test_latency_holds_up_the_answers_of_a_service(account: LocalAccount, session: Session) -> None:
    account.add_fault(service="kms", action="latency", milliseconds=200)
    started = time.monotonic()
    session.call("kms", "list_keys")
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("phase", ["create", "update", "delete"])
def test_a_resource_fails_in_one_phase(account: LocalAccount, session: Session, phase: str) -> None:
    number = account.add_fault(resource_type="AWS::SNS::Topic", phase=phase, action="fail", message="No topic today")
    created = deploy(session, STACK_RESOURCES)
    renamed = {**TOPIC, "Properties": {"TopicName": "t", "DisplayName": "x"}}
    statuses = {
        "create": lambda: created,
        "update": lambda: deploy(session, {"Group": GROUP, "Topic": renamed}, update=True),
        "delete": lambda: delete(session),
    }
    expected = {"create": "ROLLBACK_COMPLETE", "update": "UPDATE_ROLLBACK_COMPLETE", "delete": "DELETE_FAILED"}
    assert statuses[phase]() == expected[phase]
    assert reasons(session, f"{phase.upper()}_FAILED")["Topic"] == "No topic today"
    account.clear_faults(number)
    assert delete(session) == "DELETE_COMPLETE"
    assert account.inventory() == {}


def test_a_resource_fails_by_its_logical_id_a_number_of_times(account: LocalAccount, session: Session) -> None:
    account.add_fault(logical_id="Topic", action="fail", message="Once", times=1)
    assert deploy(session, STACK_RESOURCES) == "ROLLBACK_COMPLETE"
    assert account.inventory() == {
        "cloudformation.change_set": account.inventory()["cloudformation.change_set"],
        "cloudformation.stack": [f"{STACK} ROLLBACK_COMPLETE"],
    }
    delete(session)
    assert deploy(session, STACK_RESOURCES) == "CREATE_COMPLETE"


def test_a_held_resource_waits_while_others_are_answered(account: LocalAccount, session: Session) -> None:
    number = account.add_fault(logical_id="Topic", action="latency", hold=True)
    made = change_set(session, {"Resources": STACK_RESOURCES})
    session.call("cloudformation", "execute_change_set", ChangeSetName=made["ChangeSetId"])
    deadline = time.monotonic() + 10
    while "Topic" not in reasons(session, "CREATE_IN_PROGRESS") and time.monotonic() < deadline:
        time.sleep(0.02)
    stack = session.call("cloudformation", "describe_stacks", StackName=STACK)["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_IN_PROGRESS"
    assert account.inventory()["logs.group"] == ["g"]
    assert "sns.topic" not in account.inventory()
    account.clear_faults(number)
    assert status_at_rest(session) == "CREATE_COMPLETE"


def test_resources_take_their_time_and_a_reset_ends_what_is_under_way(account: LocalAccount, session: Session) -> None:
    account.set_creation_delay(400)
    made = change_set(session, {"Resources": STACK_RESOURCES})
    session.call("cloudformation", "execute_change_set", ChangeSetName=made["ChangeSetId"])
    assert reasons(session, "CREATE_COMPLETE") == {}
    account.reset()
    time.sleep(1.0)
    assert account.inventory() == {}
    assert deploy(session, STACK_RESOURCES) == "CREATE_COMPLETE"


def test_faults_are_listed_cleared_and_given_at_start() -> None:
    given: dict[str, Any] = {"service": "sns", "operation": "*", "action": "deny"}
    with local_account(faults=[given]) as account:
        session = Session(account.connection)
        with pytest.raises(AwsError):
            session.call("sns", "list_topics")
        [listed] = account.admin("GET", "faults")
        assert {name: listed[name] for name in given} == given
        account.clear_faults()
        assert account.admin("GET", "faults") == []
        session.call("sns", "list_topics")


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "explode"},
        {"action": "fail", "resource_type": "AWS::SNS::Topic", "phase": "never"},
        {"action": "throttle", "resource_type": "AWS::SNS::Topic"},
        {"action": "deny", "colour": "red"},
    ],
)
def test_faults_that_make_no_sense_are_refused(account: LocalAccount, fault: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="refused"):
        account.admin("POST", "faults", fault)
    assert account.admin("GET", "faults") == []


def test_a_fault_is_met_only_where_it_matches() -> None:
    faults = Faults([{"service": "ec2", "operation": "Describe*", "action": "deny"}])
    assert faults.take_for_call("ec2", "CreateVpc") is None
    assert faults.take_for_call("rds", "DescribeDBInstances") is None
    met = faults.take_for_call("ec2", "DescribeVpcs")
    assert met is not None
    assert (met.service, met.operation) == ("ec2", "DescribeVpcs")
    assert faults.take_for_resource("create", "AWS::EC2::VPC", "Vpc") == []
    assert not faults.any_of_resource()


@pytest.mark.parametrize(
    ("service", "action", "code"),
    [
        ("ec2", "deny", "UnauthorizedOperation"),
        ("ec2", "throttle", "RequestLimitExceeded"),
        ("cloudformation", "deny", "AccessDenied"),
        ("cloudformation", "throttle", "Throttling"),
        ("sns", "deny", "AuthorizationError"),
        ("kinesis", "deny", "AccessDeniedException"),
        ("kinesis", "throttle", "ThrottlingException"),
    ],
)
def test_each_service_says_it_in_its_own_words(service: str, action: str, code: str) -> None:
    error = Fault(action=action, service=service, operation="X").error
    assert error is not None
    assert error.code == code
