"""Sessions over one connection share its clients, which are made once each."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.stub import Stubber

from hipaa_pipeline.aws.session import AwsError, Connection, ErrorKind, Session, gather

REGION = "ap-southeast-1"


def connection(**fields: str) -> Connection:
    given = {"region": REGION, "endpoint_url": "http://127.0.0.1:9", "access_key_id": "x", "secret_access_key": "y"}
    return Connection(**{**given, **fields})


def test_sessions_over_one_connection_share_its_clients() -> None:
    shared = connection()
    reading, writing = Session(shared, read_only=True), Session(shared)
    assert reading.client("sts", REGION) is writing.client("sts", REGION)


@pytest.mark.parametrize(
    ("service", "region", "max_attempts"), [("sns", REGION, 5), ("sts", "us-east-1", 5), ("sts", REGION, 2)]
)
def test_another_service_region_or_number_of_attempts_is_another_client(
    service: str, region: str, max_attempts: int
) -> None:
    shared = connection()
    client = Session(shared).client("sts", REGION)
    other = Session(shared, max_attempts=max_attempts).client(service, region)
    assert other is not client
    assert (other.meta.service_model.service_name, other.meta.region_name) == (service, region)
    assert other.meta.config.retries["total_max_attempts"] == max_attempts


def test_equal_connections_have_clients_of_their_own() -> None:
    one, other = connection(), connection()
    assert one == other
    assert Session(one).client("sts", REGION) is not Session(other).client("sts", REGION)


def test_a_client_is_made_once_however_many_ask_for_it_at_the_same_time() -> None:
    session = Session(connection())
    assert len({id(client) for client in gather([lambda: session.client("sts", REGION)] * 16)}) == 1


def test_an_endpoint_that_is_no_url_is_unreachable() -> None:
    session = Session(connection(endpoint_url="nowhere"))
    with pytest.raises(AwsError) as caught:
        session.call("sts", "get_caller_identity")
    assert caught.value.kind is ErrorKind.UNREACHABLE
    assert caught.value.message == "Invalid endpoint: nowhere"


def test_a_secret_is_in_no_representation() -> None:
    shown = repr(connection(secret_access_key="kept", session_token="kept too"))
    assert "kept" not in shown


def drift(name: str) -> dict[str, Any]:
    return {
        "StackId": "s", "LogicalResourceId": name, "ResourceType": "AWS::SNS::Topic",
        "StackResourceDriftStatus": "MODIFIED", "Timestamp": 0,
    }  # fmt: skip


DRIFTS = ("cloudformation", "describe_stack_resource_drifts", "StackResourceDrifts")
KINESIS_TAGS = ("kinesis", "list_tags_for_stream", "Tags")
BACKUP_TAGS = ("backup", "list_tags", "Tags")


@pytest.mark.parametrize(
    ("asked", "arguments", "answers", "items"),
    [
        (
            DRIFTS,
            {"StackName": "s"},
            [
                ({}, {"StackResourceDrifts": [drift("A")], "NextToken": "2"}),
                ({"NextToken": "2"}, {"StackResourceDrifts": [drift("B")], "NextToken": "3"}),
                ({"NextToken": "3"}, {"StackResourceDrifts": [drift("C")]}),
            ],
            [drift("A"), drift("B"), drift("C")],
        ),
        (DRIFTS, {"StackName": "s"}, [({}, {"StackResourceDrifts": []})], []),
        (
            KINESIS_TAGS,
            {"StreamName": "s"},
            [
                ({}, {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b"}], "HasMoreTags": True}),
                ({"ExclusiveStartTagKey": "b"}, {"Tags": [{"Key": "c"}], "HasMoreTags": False}),
            ],
            [{"Key": "a", "Value": "1"}, {"Key": "b"}, {"Key": "c"}],
        ),
        (
            BACKUP_TAGS,
            {"ResourceArn": "arn"},
            [
                ({}, {"Tags": {"a": "1"}, "NextToken": "2"}),
                ({"NextToken": "2"}, {"Tags": {"b": "2"}}),
            ],
            [("a", "1"), ("b", "2")],
        ),
    ],
)
def test_pages_are_read_to_the_end_also_where_botocore_has_no_paginator(
    asked: tuple[str, str, str],
    arguments: dict[str, Any],
    answers: list[tuple[dict[str, Any], dict[str, Any]]],
    items: list[Any],
) -> None:
    service, operation, key = asked
    session = Session(connection(), read_only=True)
    client = session.client(service, REGION)
    assert not client.can_paginate(operation)
    with Stubber(client) as stub:
        for more, answer in answers:
            stub.add_response(operation, answer, {**arguments, **more})
        assert session.pages(service, operation, key, **arguments) == items
        stub.assert_no_pending_responses()
    assert session.calls == len(answers)


def test_a_page_that_leads_to_itself_is_an_error() -> None:
    session = Session(connection(), read_only=True)
    with Stubber(session.client("backup", REGION)) as stub:
        for _ in range(2):
            stub.add_response("list_tags", {"Tags": {}, "NextToken": "2"})
        with pytest.raises(AwsError) as caught:
            session.pages("backup", "list_tags", "Tags", ResourceArn="arn")
    assert caught.value.code == "PaginationError"


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("AccessDenied", "", ErrorKind.DENIED),
        ("ThrottlingException", "Rate exceeded", ErrorKind.THROTTLED),
        ("LimitExceededException", "Rate exceeded for DescribeLimits", ErrorKind.THROTTLED),
        ("LimitExceededException", "This request would exceed the shard limit", ErrorKind.OTHER),
        ("ExpiredToken", "", ErrorKind.CREDENTIALS),
        ("DBInstanceNotFound", "", ErrorKind.NOT_FOUND),
        ("NoSuchEntity", "", ErrorKind.NOT_FOUND),
        ("ValidationError", "Stack with id x does not exist", ErrorKind.INVALID),
        ("InternalFailure", "", ErrorKind.OTHER),
    ],
)
def test_the_kind_of_what_aws_answers(code: str, message: str, kind: ErrorKind) -> None:
    session = Session(connection(), max_attempts=1)
    with Stubber(session.client("kinesis", REGION)) as stub:
        stub.add_client_error("describe_limits", code, message)
        with pytest.raises(AwsError) as caught:
            session.call("kinesis", "describe_limits")
    assert (caught.value.kind, caught.value.code, caught.value.message) == (kind, code, message)


@pytest.mark.parametrize(
    ("kind", "message", "nothing"),
    [
        (ErrorKind.NOT_FOUND, "", True),
        (ErrorKind.INVALID, "Stack with id x does not exist", True),
        (ErrorKind.INVALID, "Cannot find Backup plan with ID x", True),
        (ErrorKind.INVALID, "Value not valid", False),
        (ErrorKind.DENIED, "x does not exist, or access is denied", False),
    ],
)
def test_errors_that_name_what_does_not_exist(kind: ErrorKind, message: str, nothing: bool) -> None:
    assert AwsError(kind, "backup", "get_backup_plan", "", message).names_nothing is nothing
