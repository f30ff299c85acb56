"""The wire protocols: what botocore writes is understood, and what is answered botocore reads back, for any values."""

from __future__ import annotations

import datetime
import math
from typing import Any

import botocore.awsrequest
import botocore.parsers
import botocore.serialize
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from hipaa_pipeline.local import wire
from hipaa_pipeline.local.wire import ApiError

# A service of each protocol, and operations with lists, maps, nested structures and times.
ANSWERS = [
    ("ec2", "DescribeFlowLogs"),
    ("ec2", "DescribeSecurityGroupRules"),
    ("ec2", "DescribeVpcEndpoints"),
    ("rds", "DescribeDBInstances"),
    ("iam", "GetAccountSummary"),
    ("sns", "GetSubscriptionAttributes"),
    ("cloudformation", "DescribeEvents"),
    ("service-quotas", "ListServiceQuotas"),
    ("kinesis", "DescribeLimits"),
    ("backup", "GetBackupVaultAccessPolicy"),
]
REQUESTS = [
    ("ec2", "DescribeFlowLogs"),
    ("ec2", "ModifyVpcEndpoint"),
    ("ec2", "CreateFlowLogs"),
    ("rds", "ModifyDBInstance"),
    ("rds", "DescribeDBInstances"),
    ("rds", "ModifyDBParameterGroup"),
    ("sns", "Subscribe"),
    ("service-quotas", "RequestServiceQuotaIncrease"),
    ("kinesis", "UpdateStreamMode"),
    ("backup", "PutBackupVaultAccessPolicy"),
]
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=12)
MOMENTS = st.integers(946_684_800, 2_114_380_800).map(
    lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.UTC)
)


NESTED = {"structure", "list", "map"}


@st.composite
def structures(draw: st.DrawFn, shape: Any, depth: int) -> dict[str, Any]:
    """A structure with some of its members: never none, since the protocols cannot tell that from an absent one."""
    flat = [name for name, member in shape.members.items() if member.type_name not in NESTED]
    names = flat if flat and depth > 2 else sorted(shape.members)
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=6, unique=True)) if names else []
    return {name: draw(values(shape.members[name], depth + 1)) for name in {*chosen, *shape.required_members}}


def values(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Any value of a shape."""
    match shape.type_name:
        case "structure":
            return structures(shape, depth)
        case "list":
            return st.lists(values(shape.member, depth + 1), min_size=1, max_size=2)
        case "map":
            return st.dictionaries(_words(shape.key), values(shape.value, depth + 1), min_size=1, max_size=2)
        case "boolean":
            return st.booleans()
        case "integer" | "long":
            return st.integers(0, 2**31 - 1)
        case "float" | "double":
            return st.floats(0, 1e6).filter(math.isfinite)
        case "timestamp":
            return MOMENTS
        case _:
            return _words(shape)


def _words(shape: Any) -> st.SearchStrategy[str]:
    return st.sampled_from(shape.enum) if getattr(shape, "enum", None) else TEXT


@pytest.mark.parametrize(("service", "operation"), ANSWERS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_an_answer_is_read_back_as_it_was_given(service: str, operation: str, data: st.DataObject) -> None:
    shape = wire.model(service).operation_model(operation).output_shape
    answer = data.draw(values(shape))
    status, headers, body = wire.serialize(service, operation, answer)
    parser = botocore.parsers.create_parser(wire.model(service).protocol)
    parsed = parser.parse({"body": body, "headers": headers, "status_code": status}, shape)
    parsed.pop("ResponseMetadata", None)
    assert parsed == answer


@pytest.mark.parametrize(("service", "operation"), REQUESTS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_request_is_understood_as_it_was_made(service: str, operation: str, data: st.DataObject) -> None:
    model = wire.model(service).operation_model(operation)
    given_parameters = data.draw(values(model.input_shape))
    if service == "backup":
        given_parameters["BackupVaultName"] = "vault-1"
    serializer = botocore.serialize.create_serializer(model.service_model.protocol, include_validation=False)
    request = serializer.serialize_to_request(given_parameters, model)
    prepared = botocore.awsrequest.AWSRequest(
        method=request["method"], url="http://127.0.0.1" + request["url_path"],
        data=request["body"], headers=request["headers"],
    ).prepare()  # fmt: skip
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""
    headers = {name.lower(): value.decode() if isinstance(value, bytes) else value
               for name, value in prepared.headers.items()}  # fmt: skip
    assert wire.operation_of(service, request["method"], request["url_path"], headers, body) == operation
    understood = wire.parse(service, operation, request["url_path"], "", body)
    assert plain(understood) == plain(given_parameters)


def plain(value: Any) -> Any:
    """Times and numbers as the protocols carry them."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if item not in ({}, [])}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-central-1/ec2/aws4_request, SignedHeaders=host", "ec2"),
        ("AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/servicequotas/aws4_request, S", "service-quotas"),
        ("AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/monitoring/aws4_request, S", "cloudwatch"),
        ("", ""),
        ("Basic abc", ""),
    ],
)
def test_the_service_of_a_signature(authorization: str, expected: str) -> None:
    assert wire.service_of({"authorization": authorization}) == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/backup-vaults/", "ListBackupVaults"),
        ("GET", "/backup-vaults/v/access-policy", "GetBackupVaultAccessPolicy"),
        ("PUT", "/backup-vaults/v/access-policy", "PutBackupVaultAccessPolicy"),
        ("GET", "/backup/plans/p/selections/s", "GetBackupSelection"),
        ("GET", "/backup/plans/p/", "GetBackupPlan"),
        ("GET", "/tags/arn%3Aaws%3Abackup%3Aeu-central-1%3A1%3Abackup-vault%3Av/", "ListTags"),
        ("PATCH", "/nothing", ""),
    ],
)
def test_the_operation_of_a_rest_request(method: str, path: str, expected: str) -> None:
    assert wire.operation_of("backup", method, path, {}, b"") == expected


@pytest.mark.parametrize(
    ("service", "content_type", "protocol"),
    [
        ("ec2", "application/x-www-form-urlencoded; charset=utf-8", "ec2"),
        ("rds", "application/x-www-form-urlencoded; charset=utf-8", "query"),
        ("service-quotas", "application/x-amz-json-1.1", "json"),
        ("backup", "", "rest-json"),
        ("s3", "", "rest-xml"),
    ],
)
def test_an_error_is_read_with_its_code_and_message(service: str, content_type: str, protocol: str) -> None:
    error = ApiError("Throttling", "Rate <exceeded> & more", 400)
    status, headers, body = wire.error_answer(service, {"content-type": content_type}, error)
    parser = botocore.parsers.create_parser(protocol)
    parsed = parser.parse({"body": body, "headers": headers, "status_code": status}, None)
    assert (parsed["Error"]["Code"], parsed["Error"]["Message"]) == (error.code, error.message)
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    "moment",
    [
        datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        1767323045,
        "2026-01-02T03:04:05.000Z",
        "2026-01-02T03:04:05+00:00",
    ],
)
def test_moments_in_every_form_ministack_keeps(moment: Any) -> None:
    assert wire.moment(moment) == datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
