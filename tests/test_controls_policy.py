"""Policies are read as IAM reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls_stacks import ACCOUNT, FOREIGN_ACCOUNT, stack_of
from hipaa_pipeline.controls.actions import has_prefix, is_known_service, needs_every_resource
from hipaa_pipeline.controls.iam import is_everything
from hipaa_pipeline.controls.policy import (
    Statement,
    account_of,
    admits,
    foreign_accounts,
    is_own,
    matches,
    matches_arn,
    statements,
    text_of,
)

TOPIC = "arn:aws:sns:eu-west-1:111122223333:alarms"


def parse(**statement: Any) -> Statement:
    [parsed] = statements({"Statement": [statement]}, "Policy")
    return parsed


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "kms:Decrypt", True),
        ("kms:*", "kms:Decrypt", True),
        ("KMS:decrypt", "kms:Decrypt", True),
        ("kms:De*", "kms:Decrypt", True),
        ("kms:De*", "kms:DescribeKey", True),
        ("kms:De*", "kms:Encrypt", False),
        ("kms:Decryp?", "kms:Decrypt", True),
        ("kms:Decryp?", "kms:Decryption", False),
        ("k*:Decrypt", "kms:Decrypt", True),
        ("kms.Decrypt", "kms:Decrypt", False),
        ("kms:Decrypt", "kms:DecryptMore", False),
    ],
)
def test_wildcards_of_actions(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@given(st.text(max_size=20))
def test_a_text_without_wildcards_matches_itself(text: str) -> None:
    plain = text.replace("*", "").replace("?", "")
    assert matches(plain, plain)
    assert matches(plain + "*", plain + text)


@pytest.mark.parametrize(
    ("pattern", "arn", "expected"),
    [
        ("arn:aws:logs:eu-west-1:1:log-group:a", "arn:aws:logs:eu-west-1:1:log-group:a", True),
        ("arn:aws:logs:*:1:log-group:*", "arn:aws:logs:eu-west-1:1:log-group:a/b", True),
        ("arn:aws:logs:eu-west-1:1:log-group:a:*", "arn:aws:logs:eu-west-1:1:log-group:a", False),
        ("arn:aws:*:1:log-group:a", "arn:aws:logs:eu-west-1:1:log-group:a", False),
        ("arn:aws:logs:eu-west-1:2:log-group:a", "arn:aws:logs:eu-west-1:1:log-group:a", False),
        ("*", "arn:aws:logs:eu-west-1:1:log-group:a", True),
    ],
)
def test_wildcards_of_arns_stay_within_their_part(pattern: str, arn: str, expected: bool) -> None:
    assert matches_arn(pattern, arn) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ({"Ref": "Key"}, "${Key}"),
        ({"Fn::GetAtt": ["Key", "Arn"]}, "${Key.Arn}"),
        ({"Fn::Sub": "${Key.Arn}/x"}, "${Key.Arn}/x"),
        (5432, "5432"),
        (True, "true"),
        (None, ""),
        ({"Unknown": "denied"}, ""),
        (["Key"], ""),
    ],
)
def test_references_become_texts(value: Any, expected: str) -> None:
    assert text_of(value) == expected


def test_one_value_equals_a_list_of_it_and_the_order_of_keys_does_not_matter() -> None:
    one = parse(Effect="Allow", Principal={"AWS": "*"}, Action="kms:Decrypt", Resource="*")
    listed = parse(Resource=["*"], Action=["kms:Decrypt"], Principal={"AWS": ["*"]}, Effect="Allow")
    everyone = parse(Action="kms:Decrypt", Resource="*", Effect="Allow", Principal="*")
    assert one == listed == everyone


def test_a_policy_may_be_a_json_text_and_a_single_statement() -> None:
    document = {"Statement": {"Effect": "Allow", "Action": "sns:Publish", "Resource": TOPIC}}
    [as_text] = statements(json.dumps(document), "Policy")
    [as_mapping] = statements(document, "Policy")
    assert as_text == as_mapping
    assert as_text.path == "Policy.Statement[0]"
    assert as_text.actions == ("sns:Publish",)


def test_a_text_that_is_no_policy_is_unknown() -> None:
    [statement] = statements("no policy", "Policy")
    assert statement.unknowns["Action"] == "the policy is a text that is not JSON"


@pytest.mark.parametrize("document", [None, {}, [], "[]", 5, {"Statement": []}, {"Statement": None}])
def test_no_statements(document: Any) -> None:
    assert statements(document, "Policy") == ()


def test_not_action_speaks_about_every_other_action() -> None:
    statement = parse(Effect="Allow", NotAction=["iam:*"], Resource="*")
    assert statement.acts("kms:Decrypt")
    assert not statement.acts("IAM:CreateUser")


def test_not_principal_speaks_about_everybody_else() -> None:
    statement = parse(Effect="Allow", NotPrincipal={"AWS": ACCOUNT}, Action="sns:Publish", Resource="*")
    assert statement.about("AWS", FOREIGN_ACCOUNT)
    assert not statement.about("AWS", ACCOUNT)


def test_unknown_parts_keep_their_reason_and_the_known_ones() -> None:
    unknown = {"Unknown": "an export"}
    statement = parse(
        Effect="Allow", Principal={"AWS": [unknown, "*"]}, Action="sns:Publish", Resource=unknown, Condition=unknown
    )
    assert statement.principals == (("AWS", "*"),)
    assert statement.unknown_kinds == ("AWS",)
    assert dict(statement.unknowns) == {"Principal": "an export", "Resource": "an export", "Condition": "an export"}


SENT = {"aws:sourceaccount": ACCOUNT, "aws:sourcearn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:cpu-prod"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, True),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEquals": {"AWS:SOURCEACCOUNT": [FOREIGN_ACCOUNT, ACCOUNT]}}, True),
        ({"StringEquals": {"aws:SourceAccount": FOREIGN_ACCOUNT}}, False),
        ({"StringEquals": {"aws:SourceAccount": "1111*"}}, False),
        ({"StringLike": {"aws:SourceAccount": "1111*"}}, True),
        ({"StringEqualsIgnoreCase": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, False),
        ({"StringNotEquals": {"aws:SourceAccount": FOREIGN_ACCOUNT}}, True),
        ({"StringNotEquals": {"aws:SourceOrgID": "o-1"}}, True),
        ({"StringEquals": {"aws:SourceOrgID": "o-1"}}, False),
        ({"StringEqualsIfExists": {"aws:SourceOrgID": "o-1"}}, True),
        ({"StringEqualsIfExists": {"aws:SourceAccount": FOREIGN_ACCOUNT}}, False),
        ({"ForAnyValue:StringEquals": {"aws:SourceAccount": [ACCOUNT]}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:*:111122223333:alarm:*-prod"}}, True),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:*-dev"}}, False),
        ({"Null": {"aws:SourceOrgID": "true"}}, True),
        ({"Null": {"aws:SourceAccount": "true"}}, False),
        ({"Null": {"aws:SourceAccount": False}}, True),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": "arn:aws:s3:::a"}}, False),
        ({"IpAddress": {"aws:SourceAccount": ACCOUNT}}, False),
    ],
)
def test_conditions(condition: Any, expected: bool) -> None:
    statement = parse(Effect="Allow", Principal="*", Action="sns:Publish", Resource="*", Condition=condition)
    assert statement.holds_in(SENT) is expected


ALLOW = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish"}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ([ALLOW], True),
        ([{**ALLOW, "Principal": {"Service": ["events.amazonaws.com", "cloudwatch.amazonaws.com"]}}], True),
        ([{**ALLOW, "Principal": {"AWS": "cloudwatch.amazonaws.com"}}], False),
        ([{**ALLOW, "Principal": {"Service": "events.amazonaws.com"}}], False),
        ([{**ALLOW, "Action": "sns:Subscribe"}], False),
        ([ALLOW, {**ALLOW, "Effect": "Deny"}], False),
        ([ALLOW, {"Effect": "Deny", "Principal": "*", "Action": "sns:*"}], False),
        ([ALLOW, {"Effect": "Deny", "Principal": "*", "Action": "sns:*", "Condition": {
            "Bool": {"aws:SecureTransport": "false"}}}], True),
        ([{"Effect": "Deny", "Principal": "*", "Action": "sns:Subscribe"}], False),
        ([], False),
    ],
)  # fmt: skip
def test_admission(policy: list[Any], expected: bool) -> None:
    parsed = statements({"Statement": policy}, "Policy")
    assert admits(parsed, "Service", "cloudwatch.amazonaws.com", "sns:Publish", SENT) is expected


def test_the_same_document_changed_to_another_is_read_anew() -> None:
    first: dict[str, Any] = {"Statement": [{"Effect": "Allow", "Action": "a:B"}]}
    second: dict[str, Any] = {"Statement": [{"Effect": "Allow", "Action": "c:D"}]}
    assert [each.actions for document in (first, second, first) for each in statements(document, "Policy")] == [
        ("a:B",),
        ("c:D",),
        ("a:B",),
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, True),
        ({"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}, False),
        ({"StringEqualsIfExists": {"aws:PrincipalAccount": ACCOUNT}}, False),
        ({"ForAllValues:StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, False),
        ({"StringLike": {"aws:PrincipalAccount": "*"}}, False),
        ({"Null": {"aws:PrincipalAccount": "false"}}, False),
        ({"StringEquals": {"aws:PrincipalTag/team": "data"}}, False),
        ({}, False),
    ],
)
def test_what_ties_a_principal(condition: Any, expected: bool) -> None:
    statement = parse(Effect="Allow", Principal="*", Action="*", Resource="*", Condition=condition)
    assert statement.ties(frozenset({"aws:principalaccount"})) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ACCOUNT, ACCOUNT),
        (f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/a", ACCOUNT),
        ("arn:aws:s3:::444455556666-files", ""),
        ("arn:aws:iam::cloudfront:user/E123", ""),
        ("o-444455556666", ""),
        ("*", ""),
    ],
)
def test_accounts_in_principals(text: str, expected: str) -> None:
    assert account_of(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ACCOUNT, True),
        (FOREIGN_ACCOUNT, False),
        ("1111*", False),
        (f"arn:aws:cloudwatch:*:{ACCOUNT}:alarm:*", True),
        ("arn:aws:cloudwatch:*:*:alarm:*", False),
        (f"arn:aws:cloudwatch:*:{FOREIGN_ACCOUNT}:alarm:*", False),
        ("arn:aws:s3:::files", True),
        ("arn:aws:s3:::*", False),
        ("${Trail.Arn}", True),
        ("o-0123456789", True),
        ("r-0123", False),
        ("", False),
    ],
)
def test_what_a_condition_ties_to(value: str, expected: bool) -> None:
    assert is_own(value, stack_of({})) is expected


def test_own_and_aws_accounts_are_not_foreign() -> None:
    named = [ACCOUNT, f"arn:aws:iam::{FOREIGN_ACCOUNT}:root", "arn:aws:iam::156460612806:root", "${Role.Arn}"]
    assert foreign_accounts(named, stack_of({})) == [FOREIGN_ACCOUNT]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("kinesis:ListStreams", True),
        ("Kinesis:liststreams", True),
        ("kms:ListKeys", True),
        ("logs:DescribeLogGroups", True),
        ("cloudwatch:PutMetricData", True),
        ("kinesis:PutRecord", False),
        ("kms:Decrypt", False),
        ("rds-db:connect", False),
        ("unheard:Of", False),
    ],
)
def test_actions_that_know_no_resources(action: str, expected: bool) -> None:
    assert needs_every_resource(action) is expected


@pytest.mark.parametrize(
    ("action", "known", "prefix"),
    [
        ("kinesis:PutRecord", True, True),
        ("monitoring:PutMetricData", False, False),
        ("braket:CreateJob", False, True),
        ("*", False, True),
        ("k*:Put", False, True),
        ("CloudWatch:PutMetricData", True, True),
    ],
)
def test_what_is_known_of_services(action: str, known: bool, prefix: bool) -> None:
    assert is_known_service(action) is known
    assert has_prefix(action) is prefix


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("*", True),
        ("**", True),
        ("arn:aws:s3:::*", True),
        ("arn:aws:logs:*:*:*", True),
        ("arn:aws:logs:eu-west-1:111122223333:*:*", True),
        ("arn:aws:s3:::*/*", True),
        ("arn:aws:s3:::files/*", False),
        ("arn:aws:kinesis:*:*:stream/*", False),
        ("${RecordStream.Arn}", False),
        ("${RecordStream.Arn}/consumer/*", False),
    ],
)
def test_resources_that_are_everything(resource: str, expected: bool) -> None:
    assert is_everything(resource) is expected
