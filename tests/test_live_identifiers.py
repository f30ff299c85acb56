"""Identifiers into references and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.aws.live.identifiers import Identifiers, Identity
from hipaa_pipeline.stack import Resource

KEY_ID = "0f9e8d7c-1111-2222-3333-444455556666"
KEY_ARN = f"arn:aws:kms:ap-southeast-1:111122223333:key/{KEY_ID}"
STREAM_ARN = "arn:aws:kinesis:ap-southeast-1:111122223333:stream/records"
LOG_ARN = "arn:aws:logs:ap-southeast-1:111122223333:log-group:audit"
IDENTIFIERS = Identifiers(
    {
        "Key": Identity("Key", "AWS::KMS::Key", KEY_ID, {"Arn": KEY_ARN, "KeyId": KEY_ID}),
        "Vpc": Identity("Vpc", "AWS::EC2::VPC", "vpc-0123456789abcdef0", {"CidrBlock": "10.0.0.0/16"}),
        "Stream": Identity("Stream", "AWS::Kinesis::Stream", "records", {"Arn": STREAM_ARN}),
        "Database": Identity("Database", "AWS::RDS::DBInstance", "db", {"DbiResourceId": "db-ABCDEFGH"}),
        "Logs": Identity("Logs", "AWS::Logs::LogGroup", "audit", {"Arn": f"{LOG_ARN}:*"}),
        "Role": Identity("Role", "AWS::IAM::Role", "processor", {"Arn": "arn:aws:iam::111122223333:role/processor"}),
    }
)


@pytest.mark.parametrize(
    ("value", "reference"),
    [
        (KEY_ARN, {"Fn::GetAtt": ["Key", "Arn"]}),
        (KEY_ID, {"Ref": "Key"}),
        ("vpc-0123456789abcdef0", {"Ref": "Vpc"}),
        ("10.0.0.0/16", "10.0.0.0/16"),
        ("vpc-0123456789abcdef00", "vpc-0123456789abcdef00"),
        (f"{STREAM_ARN}/consumer/*", {"Fn::Sub": "${Stream.Arn}/consumer/*"}),
        (f"{STREAM_ARN}-other", f"{STREAM_ARN}-other"),
        ("dbuser:db-ABCDEFGH/${aws:username}", {"Fn::Sub": "dbuser:${Database.DbiResourceId}/${!aws:username}"}),
        ("${aws:username}", "${aws:username}"),
        (f"{LOG_ARN}:*", {"Fn::GetAtt": ["Logs", "Arn"]}),
        (LOG_ARN, {"Fn::GetAtt": ["Logs", "Arn"]}),
        ("records", "records"),
        ({"LogGroupName": "audit"}, {"LogGroupName": {"Ref": "Logs"}}),
        ({"Roles": ["processor", "other"]}, {"Roles": [{"Ref": "Role"}, "other"]}),
        ({"Name": "StreamName", "Value": "records"}, {"Name": "StreamName", "Value": {"Ref": "Stream"}}),
        ({"Name": "Owner", "Value": "records"}, {"Name": "Owner", "Value": "records"}),
        ([True, 3, None, KEY_ID], [True, 3, None, {"Ref": "Key"}]),
        ({"Unknown": KEY_ID}, {"Unknown": KEY_ID}),
    ],
)
def test_identifiers_become_references(value: Any, reference: Any) -> None:
    assert IDENTIFIERS.references(value) == reference


def test_a_resource_does_not_refer_to_itself() -> None:
    value = {"LogGroupName": "audit", "KmsKeyId": KEY_ARN, "Policy": f"{LOG_ARN}:*"}
    assert IDENTIFIERS.references(value, own="Logs") == {**value, "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ({"Ref": "Vpc"}, "vpc-0123456789abcdef0"),
        ({"Fn::GetAtt": ["Vpc", "CidrBlock"]}, "10.0.0.0/16"),
        ({"Fn::Sub": "${Stream.Arn}/${Stream}/${!literal}"}, f"{STREAM_ARN}/records/${{literal}}"),
        ({"Ref": "Elsewhere"}, {"Ref": "Elsewhere"}),
        ({"Fn::GetAtt": ["Vpc", "Unread"]}, {"Fn::GetAtt": ["Vpc", "Unread"]}),
        ({"Fn::Sub": "${Vpc.Unread}/x"}, {"Fn::Sub": "${Vpc.Unread}/x"}),
        ({"a": [{"Ref": "Vpc"}, 1]}, {"a": ["vpc-0123456789abcdef0", 1]}),
    ],
)
def test_references_become_identifiers(reference: Any, text: Any) -> None:
    assert IDENTIFIERS.physical(reference) == text


def test_a_template_is_restated_in_the_words_of_the_read_back() -> None:
    resource = Resource("Alarm", "AWS::CloudWatch::Alarm", {"Dimensions": [{"Name": "StreamName", "Value": "records"}],
                                                            "KmsKeyId": {"Fn::Sub": "${Key.Arn}"}})  # fmt: skip
    assert IDENTIFIERS.restated(resource) == {
        "Dimensions": [{"Name": "StreamName", "Value": {"Ref": "Stream"}}],
        "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
    }


TEXTS = st.lists(
    st.sampled_from([KEY_ARN, KEY_ID, STREAM_ARN, f"{LOG_ARN}:*", "/", ":", "*", "${x}", "plain", " "]), max_size=6
).map("".join)


@given(
    st.recursive(TEXTS | st.integers() | st.booleans(), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner))
)
def test_nothing_is_lost_on_the_way_there_and_back(value: Any) -> None:
    assert IDENTIFIERS.physical(IDENTIFIERS.references(value)) == value


def test_without_any_resource_texts_stay() -> None:
    assert Identifiers({}).references({"a": "b ${c}"}) == {"a": "b ${c}"}
