"""CloudFormation in the local account, where MiniStack's engine would do otherwise than AWS."""

from __future__ import annotations

import dataclasses
import json
import textwrap
import time
from typing import Any

import pytest

from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.local.server import LocalAccount
from local_stacks import CAPABILITIES, STACK, change_set, delete, deploy, physical_ids, reasons, status_at_rest


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


GROUP = resource("AWS::Logs::LogGroup", LogGroupName="g", RetentionInDays=90)
TOPIC = resource("AWS::SNS::Topic", TopicName="t")
STREAM = resource("AWS::Kinesis::Stream", Name="s", ShardCount=1)
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def test_resources_under_a_false_condition_are_no_changes(session: Session) -> None:
    template = {
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}, "Ever": {"Fn::Equals": ["a", "a"]}},
        "Resources": {"Group": {**GROUP, "Condition": "Ever"}, "Topic": {**TOPIC, "Condition": "Never"}},
    }
    made = change_set(session, template)
    assert [each["ResourceChange"]["LogicalResourceId"] for each in made["Changes"]] == ["Group"]


def test_the_same_stack_in_two_regions_has_roles_of_its_own_in_each(account: LocalAccount) -> None:
    """IAM is global: deleting the one stack must not take the other's role."""
    regions = ("ap-southeast-1", "eu-central-1")
    sessions = [Session(dataclasses.replace(account.connection, region=region)) for region in regions]
    role = resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST)
    names = []
    for session in sessions:
        assert deploy(session, {"Role": role}) == "CREATE_COMPLETE"
        names.append(physical_ids(session)["Role"])
    assert len(set(names)) == 2
    assert all(name.startswith(f"{STACK}-Role-") for name in names)
    delete(sessions[0])
    assert sessions[1].call("iam", "get_role", RoleName=names[1])["Role"]["RoleName"] == names[1]


@pytest.mark.parametrize("function", ["Contains", "EachMemberIn"])
def test_rule_functions_have_short_forms(session: Session, function: str) -> None:
    listed = "[[a, b], !Ref Choice]" if function == "Contains" else "[[!Ref Choice], [a, b]]"
    body = f"""
        Parameters: {{Choice: {{Type: String}}}}
        Rules:
          Allowed:
            Assertions:
              - Assert: !{function} {listed}
        Resources: {{Group: {{Type: "AWS::Logs::LogGroup"}}}}
    """
    body = textwrap.dedent(body)

    def make(choice: str) -> dict[str, Any]:
        chosen = [{"ParameterKey": "Choice", "ParameterValue": choice}]
        return session.call("cloudformation", "create_change_set", StackName=STACK, ChangeSetName=f"c{choice}",
                            ChangeSetType="CREATE", TemplateBody=body, Parameters=chosen)  # fmt: skip

    assert make("a")["Id"]
    with pytest.raises(AwsError) as caught:
        make("c")
    assert caught.value.code == "ValidationError"


def test_a_second_create_change_set_joins_the_stack_in_review(account: LocalAccount, session: Session) -> None:
    first = change_set(session, {"Resources": {"Group": GROUP}})
    second = change_set(session, {"Resources": {"Topic": TOPIC}})
    assert second["StackId"] == first["StackId"]
    assert len(account.inventory()["cloudformation.change_set"]) == 2
    with pytest.raises(AwsError):
        change_set(session, {"Resources": {"Bad": {"Type": "AWS::No::Such"}}})
    stack = session.call("cloudformation", "describe_stacks", StackName=first["StackId"])["Stacks"][0]
    assert stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    session.call("cloudformation", "execute_change_set", ChangeSetName=first["ChangeSetId"])
    assert status_at_rest(session) == "CREATE_COMPLETE"
    assert list(physical_ids(session)) == ["Group"]


@pytest.mark.parametrize(
    ("kind", "before", "after", "replacement"),
    [
        ("AWS::Kinesis::Stream", {"Name": "s", "ShardCount": 1}, {"Name": "s", "ShardCount": 2}, "False"),
        ("AWS::Kinesis::Stream", {"Name": "s", "ShardCount": 1}, {"Name": "x", "ShardCount": 1}, "True"),
        ("AWS::Logs::LogGroup", {"LogGroupName": "g"}, {"LogGroupName": "g", "RetentionInDays": 90}, "False"),
        ("AWS::Logs::LogGroup", {"LogGroupName": "g"}, {"LogGroupName": "x"}, "True"),
        ("AWS::KMS::Key", {"KeyPolicy": {}}, {"KeyPolicy": {}, "EnableKeyRotation": True}, "False"),
        ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "10.1.0.0/16"}, "True"),
        ("AWS::EC2::SecurityGroup", {"GroupDescription": "a"}, {"GroupDescription": "b"}, "True"),
        ("AWS::SNS::Topic", {"TopicName": "t"}, {"TopicName": "t", "DisplayName": "x"}, "False"),
    ],
)
def test_a_change_set_tells_replacements(
    session: Session, kind: str, before: dict[str, Any], after: dict[str, Any], replacement: str
) -> None:
    assert deploy(session, {"It": resource(kind, **before)}) == "CREATE_COMPLETE"
    made = change_set(session, {"Resources": {"It": resource(kind, **after)}}, update=True)
    assert [each["ResourceChange"]["Replacement"] for each in made["Changes"]] == [replacement]
    old = physical_ids(session)["It"]
    session.call("cloudformation", "execute_change_set", ChangeSetName=made["ChangeSetId"])
    assert status_at_rest(session) == "UPDATE_COMPLETE"
    assert (physical_ids(session)["It"] != old) == (replacement == "True")


NAMED = [
    ("AWS::Logs::LogGroup", {"LogGroupName": "g"}),
    ("AWS::SNS::Topic", {"TopicName": "t"}),
    ("AWS::Kinesis::Stream", {"Name": "s"}),
    ("AWS::IAM::Role", {"RoleName": "r", "AssumeRolePolicyDocument": TRUST}),
    ("AWS::IAM::ManagedPolicy", {"ManagedPolicyName": "p", "PolicyDocument": TRUST}),
    ("AWS::KMS::Alias", {"AliasName": "alias/a", "TargetKeyId": "k"}),
    ("AWS::RDS::DBParameterGroup", {"DBParameterGroupName": "pg", "Family": "postgres17", "Description": "d"}),
    ("AWS::RDS::DBInstance", {"DBInstanceIdentifier": "db", "Engine": "postgres", "EngineVersion": "17.11",
                              "DBInstanceClass": "db.t4g.small", "AllocatedStorage": "20"}),
    ("AWS::Backup::BackupVault", {"BackupVaultName": "v"}),
    ("AWS::SecretsManager::Secret", {"Name": "secret"}),
    ("AWS::CloudWatch::Alarm", {"AlarmName": "a", "MetricName": "m", "Namespace": "n", "Threshold": 1,
                                "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Period": 60}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "properties"), NAMED, ids=[row[0] for row in NAMED])
def test_a_taken_name_fails_the_change_set_and_the_creation(
    session: Session, kind: str, properties: dict[str, Any]
) -> None:
    resources = {"It": resource(kind, **properties)}
    assert deploy(session, resources, stack="first") == "CREATE_COMPLETE"
    before = physical_ids(session, "first")
    made = change_set(session, {"Resources": resources})
    assert (made["Status"], made["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "[AWS::EarlyValidation::ResourceExistenceCheck]" in made["StatusReason"]
    [event] = session.pages("cloudformation", "describe_events", "OperationEvents", ChangeSetName=made["ChangeSetId"])
    assert (event["ValidationName"], event["ValidationFailureMode"]) == ("NAME_CONFLICT_VALIDATION", "FAIL")
    assert f"'{kind}'" in event["ValidationStatusReason"]
    session.call(
        "cloudformation", "create_stack", StackName="second", TemplateBody=json.dumps({"Resources": resources}),
        Capabilities=CAPABILITIES,
    )  # fmt: skip
    assert status_at_rest(session, "second") == "ROLLBACK_COMPLETE"
    assert "already exists" in reasons(session, "CREATE_FAILED", "second")["It"]
    assert physical_ids(session, "first") == before
    assert delete(session, "first") == "DELETE_COMPLETE"


def test_names_already_of_the_stack_are_its_own(session: Session) -> None:
    deploy(session, {"Group": GROUP})
    made = change_set(session, {"Resources": {"Group": GROUP, "Topic": TOPIC}}, update=True)
    assert made["Status"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(("days", "status"), [(90, "CREATE_COMPLETE"), (366, "FAILED"), (1, "CREATE_COMPLETE")])
def test_a_wrong_retention_fails_the_change_set(session: Session, days: int, status: str) -> None:
    made = change_set(session, {"Resources": {"Group": resource("AWS::Logs::LogGroup", RetentionInDays=days)}})
    assert made["Status"] == status
    assert ("AWS::EarlyValidation::PropertyValidation" in made.get("StatusReason", "")) == (status == "FAILED")


def test_validation_can_be_switched_off_and_then_the_resource_fails(session: Session) -> None:
    template = {"Resources": {"Group": resource("AWS::Logs::LogGroup", RetentionInDays=366)}}
    session.call(
        "cloudformation", "create_change_set", StackName=STACK, ChangeSetName="c", ChangeSetType="CREATE",
        TemplateBody=json.dumps(template), DisableValidation=True,
    )  # fmt: skip
    session.call("cloudformation", "execute_change_set", StackName=STACK, ChangeSetName="c")
    assert status_at_rest(session) == "ROLLBACK_COMPLETE"
    assert "366 is not a valid enum value" in reasons(session, "CREATE_FAILED")["Group"]


# Stack policies

POLICY: dict[str, list[dict[str, Any]]] = {
    "Statement": [
        {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], "Principal": "*",
         "Resource": "LogicalResourceId/Stream"},
    ]
}  # fmt: skip


@pytest.fixture
def protected(session: Session) -> Session:
    """A stack of a stream and a topic, whose policy keeps the stream."""
    deploy(session, {"Stream": STREAM, "Topic": TOPIC})
    session.call("cloudformation", "set_stack_policy", StackName=STACK, StackPolicyBody=json.dumps(POLICY))
    return session


@pytest.mark.parametrize(
    ("resources", "status", "denied"),
    [
        ({"Stream": resource("AWS::Kinesis::Stream", Name="x", ShardCount=1), "Topic": TOPIC},
         "UPDATE_ROLLBACK_COMPLETE", "Update:Replace"),
        ({"Topic": TOPIC}, "UPDATE_ROLLBACK_COMPLETE", "Update:Delete"),
        ({"Stream": resource("AWS::Kinesis::Stream", Name="s", ShardCount=3), "Topic": TOPIC}, "UPDATE_COMPLETE", ""),
        ({"Stream": STREAM}, "UPDATE_COMPLETE", ""),
    ],
    ids=["replaces the stream", "deletes the stream", "modifies the stream", "deletes the topic"],
)  # fmt: skip
def test_a_stack_policy_holds(protected: Session, resources: dict[str, Any], status: str, denied: str) -> None:
    assert deploy(protected, resources, update=True) == status
    failed = reasons(protected, "UPDATE_FAILED")
    assert failed == ({"Stream": DENIED.format(denied)} if denied else {})
    assert protected.call("kinesis", "list_streams")["StreamNames"] == ["s"]


DENIED = "Action denied by stack policy: Statement [#2] does not allow [{}] for resource [Stream]"


def test_a_denied_update_changes_nothing_else(protected: Session) -> None:
    renamed = resource("AWS::SNS::Topic", TopicName="t", DisplayName="new")
    assert deploy(protected, {"Topic": renamed}, update=True) == "UPDATE_ROLLBACK_COMPLETE"
    topic = physical_ids(protected)["Topic"]
    attributes = protected.call("sns", "get_topic_attributes", TopicArn=topic)["Attributes"]
    assert attributes["DisplayName"] == "t"
    assert set(physical_ids(protected)) == {"Stream", "Topic"}


def test_a_rollback_is_not_stopped_by_the_policy(account: LocalAccount, protected: Session) -> None:
    no_smaller = [POLICY["Statement"][0], {**POLICY["Statement"][1], "Action": "Update:Replace"}]
    policy = json.dumps({"Statement": no_smaller})
    protected.call("cloudformation", "set_stack_policy", StackName=STACK, StackPolicyBody=policy)
    account.add_fault(logical_id="Topic", phase="update", action="fail", message="No", times=1)
    changed = {
        "Stream": resource("AWS::Kinesis::Stream", Name="s", ShardCount=3),
        "Topic": {**resource("AWS::SNS::Topic", TopicName="t", DisplayName="new"), "DependsOn": "Stream"},
    }
    assert deploy(protected, changed, update=True) == "UPDATE_ROLLBACK_COMPLETE"
    summary = protected.call("kinesis", "describe_stream_summary", StreamName="s")["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 1


def test_termination_protection_holds(session: Session) -> None:
    deploy(session, {"Group": GROUP})
    session.call("cloudformation", "update_termination_protection", StackName=STACK, EnableTerminationProtection=True)
    with pytest.raises(AwsError, match="TerminationProtection"):
        session.call("cloudformation", "delete_stack", StackName=STACK)


# Events


def test_a_rollback_names_what_failed(account: LocalAccount, session: Session) -> None:
    account.add_fault(logical_id="Topic", action="fail", message="No topic")
    assert deploy(session, {"Group": GROUP, "Topic": {**TOPIC, "DependsOn": "Group"}}) == "ROLLBACK_COMPLETE"
    expected = "The following resource(s) failed to create: [Topic]. Rollback requested by user."
    assert reasons(session, "ROLLBACK_IN_PROGRESS") == {STACK: expected}
    events = session.pages("cloudformation", "describe_events", "OperationEvents", StackName=STACK)
    operations = {(event["OperationId"], event["OperationType"]) for event in events}
    assert sorted(kind for _, kind in operations) == ["CREATE_CHANGESET", "CREATE_STACK", "ROLLBACK"]
    failed = session.pages(
        "cloudformation", "describe_events", "OperationEvents", StackName=STACK, Filters={"FailedEvents": True}
    )
    assert [(each["LogicalResourceId"], each["ResourceStatusReason"], each["EventType"]) for each in failed] == [
        ("Topic", "No topic", "PROVISIONING_ERROR")
    ]
    rollback = next(each for each, kind in operations if kind == "ROLLBACK")
    of_rollback = session.pages("cloudformation", "describe_events", "OperationEvents", OperationId=rollback)
    assert {event["OperationType"] for event in of_rollback} == {"ROLLBACK"}


def test_events_come_in_pages(session: Session) -> None:
    resources = {f"Group{number}": resource("AWS::Logs::LogGroup", LogGroupName=f"g{number}") for number in range(60)}
    deploy(session, resources)
    page = session.call("cloudformation", "describe_events", StackName=STACK)
    assert len(page["OperationEvents"]) == 100
    everything = session.pages("cloudformation", "describe_events", "OperationEvents", StackName=STACK)
    assert len(everything) > 120


@pytest.mark.parametrize("asked", [{"StackName": "absent"}, {"ChangeSetName": "absent"}])
def test_events_of_nothing(session: Session, asked: dict[str, str]) -> None:
    with pytest.raises(AwsError, match="does not exist"):
        session.call("cloudformation", "describe_events", **asked)


# One operation at a time


def execute(session: Session, resources: dict[str, Any], *, update: bool = False) -> str:
    """Start a deployment and do not wait; the stack's ID."""
    made = change_set(session, {"Resources": resources}, update=update)
    session.call("cloudformation", "execute_change_set", ChangeSetName=made["ChangeSetId"])
    return str(made["StackId"])


def await_event(session: Session, stack_id: str, logical_id: str) -> None:
    """Wait until the stack has begun with a resource, 10 s at most."""
    for _ in range(200):
        events = session.call("cloudformation", "describe_stack_events", StackName=stack_id)["StackEvents"]
        if logical_id in {event["LogicalResourceId"] for event in events}:
            return
        time.sleep(0.05)
    pytest.fail(f"{logical_id} was not begun")


def test_a_deletion_stops_the_creation(account: LocalAccount, session: Session) -> None:
    held = account.add_fault(logical_id="Topic", action="latency", hold=True)
    after = {**STREAM, "DependsOn": "Topic"}
    stack_id = execute(session, {"Group": GROUP, "Topic": {**TOPIC, "DependsOn": "Group"}, "Stream": after})
    await_event(session, stack_id, "Topic")
    session.call("cloudformation", "delete_stack", StackName=STACK)
    stack = session.call("cloudformation", "describe_stacks", StackName=stack_id)["Stacks"][0]
    assert stack["StackStatus"] == "DELETE_IN_PROGRESS"
    account.clear_faults(held)
    assert status_at_rest(session) == "DELETE_COMPLETE"
    assert account.inventory() == {}
    assert reasons(session, "CREATE_FAILED", stack_id) == {"Topic": "Resource creation cancelled"}
    assert set(reasons(session, "DELETE_COMPLETE", stack_id)) == {"Group", STACK}


def test_a_second_operation_is_refused_while_one_runs(account: LocalAccount, session: Session) -> None:
    deploy(session, {"Topic": TOPIC})
    waiting = change_set(session, {"Resources": {"Topic": TOPIC, "Stream": STREAM}}, update=True)
    held = account.add_fault(logical_id="Group", action="latency", hold=True)
    body = json.dumps({"Resources": {"Topic": TOPIC, "Group": GROUP}})
    session.call("cloudformation", "update_stack", StackName=STACK, TemplateBody=body)
    refused: list[tuple[str, dict[str, Any]]] = [
        ("execute_change_set", {"ChangeSetName": waiting["ChangeSetId"]}),
        ("update_stack", {"StackName": STACK, "TemplateBody": body}),
        ("delete_stack", {"StackName": STACK}),
        ("create_change_set", {"StackName": STACK, "ChangeSetName": "c", "TemplateBody": body}),
    ]
    for operation, arguments in refused:
        with pytest.raises(AwsError, match="UPDATE_IN_PROGRESS"):
            session.call("cloudformation", operation, **arguments)
    account.clear_faults(held)
    assert status_at_rest(session) == "UPDATE_COMPLETE"


def test_change_sets_are_found_by_the_stacks_id(session: Session) -> None:
    made = change_set(session, {"Resources": {"Group": GROUP}})
    by_id = session.call("cloudformation", "list_change_sets", StackName=made["StackId"])["Summaries"]
    by_name = session.call("cloudformation", "list_change_sets", StackName=STACK)["Summaries"]
    assert [each["ChangeSetId"] for each in by_id] == [each["ChangeSetId"] for each in by_name] == [made["ChangeSetId"]]
    found = session.call(
        "cloudformation", "describe_change_set", StackName=made["StackId"], ChangeSetName=made["ChangeSetName"]
    )
    assert found["ChangeSetId"] == made["ChangeSetId"]
