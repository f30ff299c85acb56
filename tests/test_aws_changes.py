"""Change sets and events in shapes that only AWS has: pages, property values, warnings, echoes of lost answers."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from hipaa_pipeline.aws import changes
from hipaa_pipeline.aws.changes import ChangeSet, Request, Verdict
from hipaa_pipeline.aws.events import failed_events, new_events, validation_warnings
from hipaa_pipeline.aws.session import AwsError, Connection, Session
from hipaa_pipeline.deployment.changes import Kind, summarise
from hipaa_pipeline.deployment.events import Warned
from hipaa_pipeline.errors import ExitCode, UserError
from scenario import QuickClock

ARN = "arn:aws:cloudformation:eu-central-1:111122223333:changeSet/hipaa-pipeline-1/1"
STACK_ID = "arn:aws:cloudformation:eu-central-1:111122223333:stack/s/1"
CHANGE_SET = ChangeSet(ARN, STACK_ID, "hipaa-pipeline-1")
NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)


@pytest.fixture
def session() -> Session:
    return Session(Connection("eu-central-1", None, "http://127.0.0.1:1", "a", "b"), max_attempts=1)


@pytest.fixture
def stub(session: Session) -> Iterator[Stubber]:
    with Stubber(session.client("cloudformation", session.region)) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def described(status: str, **rest: Any) -> dict[str, Any]:
    return {"ChangeSetId": ARN, "StackId": STACK_ID, "StackName": "s", "Status": status, **rest}


def modify(name: str, **rest: Any) -> dict[str, Any]:
    change = {"Action": "Modify", "LogicalResourceId": name, "ResourceType": "AWS::RDS::DBInstance", **rest}
    return {"Type": "Resource", "ResourceChange": change}


def test_all_pages_are_read_with_and_without_property_values(session: Session, stub: Stubber) -> None:
    """A conditional replacement with its values, as CloudFormation documents it."""
    detail = {
        "Target": {"Attribute": "Properties", "Name": "Port", "RequiresRecreation": "Conditionally",
                   "Path": "/Properties/Port", "BeforeValue": "5432", "AfterValue": "5433",
                   "AttributeChangeType": "Modify"},
        "Evaluation": "Static", "ChangeSource": "DirectModification",
    }  # fmt: skip
    parameters = [{"ParameterKey": "P", "ParameterValue": "1"}]
    first = described("CREATE_COMPLETE", Changes=[modify("A")], NextToken="2", Parameters=parameters)
    stub.add_response("describe_change_set", first, {"ChangeSetName": ARN})
    stub.add_response(
        "describe_change_set",
        described("CREATE_COMPLETE", Changes=[modify("B")]),
        {"ChangeSetName": ARN, "NextToken": "2"},
    )
    rich = described("CREATE_COMPLETE", Changes=[modify("B", Replacement="Conditional", Details=[detail])])
    stub.add_response("describe_change_set", rich, {"ChangeSetName": ARN, "IncludePropertyValues": True})
    description = changes.describe(session, CHANGE_SET)
    assert description.parameters == {"P": "1"}
    summary = summarise(description.plain, description.with_values)
    assert [(change.logical_id, change.kind) for change in summary.changes] == [
        ("B", Kind.MAY_REPLACE),
        ("A", Kind.MODIFY),
    ]
    assert (summary.changes[0].properties[0].before, summary.changes[0].properties[0].after) == ("5432", "5433")


@pytest.mark.parametrize(
    ("status", "reason", "verdict"),
    [
        ("CREATE_COMPLETE", "", Verdict.CHANGES),
        ("FAILED", ("The submitted information didn't contain changes. Submit different information to create a change "
                   "set."), Verdict.NO_CHANGES),
        ("FAILED", "No updates are to be performed.", Verdict.NO_CHANGES),
        ("FAILED", "Transform AWS::Serverless failed", Verdict.REFUSED),
    ],
)  # fmt: skip
def test_verdicts(session: Session, stub: Stubber, status: str, reason: str, verdict: Verdict) -> None:
    stub.add_response("describe_change_set", described("CREATE_IN_PROGRESS"))
    stub.add_response("describe_change_set", described(status, StatusReason=reason))
    assert changes.wait(session, QuickClock(), CHANGE_SET)[0] is verdict


def test_a_change_set_that_never_gets_ready(session: Session) -> None:
    client = session.client("cloudformation", session.region)

    def answer(**_: object) -> tuple[Any, dict[str, Any]]:
        from botocore.awsrequest import AWSResponse

        return AWSResponse("", 200, {}, None), described("CREATE_IN_PROGRESS")

    client.meta.events.register("before-call.cloudformation.DescribeChangeSet", answer)
    with pytest.raises(UserError, match="still not ready after 10 minutes") as caught:
        changes.wait(session, QuickClock(), CHANGE_SET)
    assert caught.value.exit_code is ExitCode.UNKNOWN


def test_the_echo_of_a_creation_is_recognised(session: Session, stub: Stubber) -> None:
    stub.add_client_error("create_change_set", service_error_code="AlreadyExistsException")
    stub.add_response("describe_change_set", described("CREATE_COMPLETE"))
    request = Request("s", "hipaa-pipeline-1", "CREATE", "{}", {}, {})
    assert changes.create(session, request) == CHANGE_SET


@pytest.mark.parametrize(("execution", "good"), [("EXECUTE_IN_PROGRESS", True), ("OBSOLETE", False)])
def test_the_echo_of_an_execution_is_recognised(session: Session, stub: Stubber, execution: str, good: bool) -> None:
    stub.add_client_error("execute_change_set", service_error_code="InvalidChangeSetStatus")
    stub.add_response("describe_change_set", described("CREATE_COMPLETE", ExecutionStatus=execution))
    if good:
        changes.execute(session, CHANGE_SET)
        return
    with pytest.raises(AwsError) as caught:
        changes.execute(session, CHANGE_SET)
    assert changes.is_lost(caught.value)


def test_rollback_is_always_on(session: Session, stub: Stubber) -> None:
    """ExecuteChangeSet's own default is to leave a failed creation as it is."""
    expected = {
        "ChangeSetName": ARN,
        "ClientRequestToken": "hipaa-pipeline-1",
        "DisableRollback": False,
        "RetainExceptOnCreate": True,
    }
    stub.add_response("execute_change_set", {}, expected)
    changes.execute(session, CHANGE_SET)


def stack_event(number: int) -> dict[str, Any]:
    return {"StackId": STACK_ID, "StackName": "s", "EventId": str(number), "LogicalResourceId": "A",
            "Timestamp": NOW + datetime.timedelta(seconds=number), "ResourceStatus": "CREATE_COMPLETE"}  # fmt: skip


def test_events_are_read_back_to_the_last_one_known(session: Session, stub: Stubber) -> None:
    """AWS gives the newest first, a hundred at a time; the pages behind the known ones are not read again."""
    stub.add_response("describe_stack_events", {"StackEvents": [stack_event(5), stack_event(4)], "NextToken": "2"})
    stub.add_response("describe_stack_events", {"StackEvents": [stack_event(3), stack_event(2)], "NextToken": "3"})
    seen = {"2"}
    assert [event.event_id for event in new_events(session, STACK_ID, seen)] == ["3", "4", "5"]
    assert seen == {"2", "3", "4", "5"}


def operation_event(kind: str, **rest: Any) -> dict[str, Any]:
    return {"EventId": "1", "StackId": STACK_ID, "EventType": kind, "Timestamp": NOW, **rest}


def test_warnings_of_early_validation(session: Session, stub: Stubber) -> None:
    finding = operation_event(
        "VALIDATION_ERROR", ValidationFailureMode="WARN", ValidationStatus="FAILED", LogicalResourceId="Vpc",
        ValidationName="SERVICE_QUOTA_VALIDATION", ValidationPath="/Resources/Vpc", ValidationStatusReason="5 of 5",
    )  # fmt: skip
    stub.add_response("describe_events", {"OperationEvents": [finding, operation_event("STACK_EVENT")]})
    assert validation_warnings(session, ARN) == (
        [Warned("SERVICE_QUOTA_VALIDATION", False, "Vpc", "/Resources/Vpc", "5 of 5")],
        "",
    )


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAction", "ValidationError"])
def test_warnings_that_may_not_be_read(session: Session, stub: Stubber, code: str) -> None:
    stub.add_client_error("describe_events", service_error_code=code, service_message="no")
    assert validation_warnings(session, ARN) == ([], "cloudformation:DescribeEvents: no")


def test_failures_come_oldest_first_without_those_of_the_rollback(session: Session, stub: Stubber) -> None:
    def failure(second: int, name: str, **rest: Any) -> dict[str, Any]:
        time = NOW + datetime.timedelta(seconds=second)
        told = {"LogicalResourceId": name, "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "r"}
        return operation_event("PROVISIONING_ERROR", **{"EventId": name, "Timestamp": time, **told, **rest})

    hook = failure(1, "Hook", EventType="HOOK_INVOCATION_ERROR", HookStatusReason="h")
    del hook["ResourceStatus"], hook["ResourceStatusReason"]
    events = [
        failure(9, "Undo", OperationType="ROLLBACK"),
        failure(2, "Late"),
        failure(1, "B"),
        hook,
        failure(-5, "Old"),
    ]
    stub.add_response(
        "describe_events", {"OperationEvents": events}, {"StackName": STACK_ID, "Filters": {"FailedEvents": True}}
    )
    found = failed_events(session, STACK_ID, NOW)
    assert [(event.logical_id, event.reason) for event in found] == [("Hook", "h"), ("B", "r"), ("Late", "r")]
    assert all(event.failed for event in found)


def test_failures_that_may_not_be_read_are_none(session: Session, stub: Stubber) -> None:
    stub.add_client_error("describe_events", service_error_code="AccessDenied")
    assert failed_events(session, STACK_ID, NOW) == []
