"""The template against the read-back, property by property."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hipaa_pipeline.stack import Resource, Stack, unknown
from hipaa_pipeline.verification.comparison import compare, differences, policy, same, with_attachments


def stack(**resources: tuple[str, Mapping[str, Any]]) -> Stack:
    return Stack(
        {name: Resource(name, type_, properties) for name, (type_, properties) in resources.items()},
        "ap-southeast-1",
        "111122223333",
    )


def compared(type_: str, expected: Mapping[str, Any], live: Mapping[str, Any]) -> list[tuple[str, bool, str]]:
    found = compare(stack(X=(type_, expected)), stack(X=(type_, live)), lambda resource: resource.properties)
    return [(one.property, one.differs, one.unknown) for one in found]


STATEMENT = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": ["*"]}
POLICY = {"Version": "2012-10-17", "Statement": [STATEMENT]}


@pytest.mark.parametrize(
    ("type_", "expected", "live", "result"),
    [
        ("AWS::KMS::Key", {"EnableKeyRotation": "true"}, {"EnableKeyRotation": True},
         [("EnableKeyRotation", False, "")]),
        ("AWS::KMS::Key", {"EnableKeyRotation": True}, {"EnableKeyRotation": False}, [("EnableKeyRotation", True, "")]),
        ("AWS::KMS::Key", {"EnableKeyRotation": True}, {}, [("EnableKeyRotation", True, "")]),
        ("AWS::KMS::Key", {"Description": "x"}, {"Description": unknown("denied")}, [("Description", False, "denied")]),
        ("AWS::KMS::Key", {"Description": unknown("SSM")}, {"Description": "x"}, [("Description", False, "SSM")]),
        ("AWS::KMS::Key", {}, {"Description": "AWS reports more than was asked for"}, []),
        # A rule that nobody asked for is a difference; an egress rule may be AWS's own default.
        ("AWS::EC2::SecurityGroup", {}, {"SecurityGroupIngress": [{"CidrIp": "0.0.0.0/0"}]},
         [("SecurityGroupIngress", True, "")]),
        ("AWS::EC2::SecurityGroup", {}, {"SecurityGroupIngress": []}, [("SecurityGroupIngress", False, "")]),
        ("AWS::IAM::Role", {}, {"Policies": [{"PolicyName": "more"}]},
         [("Policies", True, ""), ("ManagedPolicyArns", False, "")]),
        ("AWS::Backup::BackupVault", {}, {"AccessPolicy": POLICY}, [("AccessPolicy", True, "")]),
        # Policies: the same in another spelling, one statement more, one condition less.
        ("AWS::KMS::Key", {"KeyPolicy": POLICY},
         {"KeyPolicy": {**POLICY, "Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}}},
         [("KeyPolicy", False, "")]),
        ("AWS::KMS::Key", {"KeyPolicy": POLICY},
         {"KeyPolicy": {**POLICY, "Statement": [STATEMENT, {**STATEMENT, "Action": "kms:*"}]}},
         [("KeyPolicy.Statement", True, "")]),
        ("AWS::KMS::Key", {"KeyPolicy": {"Statement": [{**STATEMENT, "Condition": {"Bool": {"a": True}}}]}},
         {"KeyPolicy": {"Statement": [STATEMENT]}}, [("KeyPolicy.Statement", True, "")]),
        # Parameters of a group: more than asked for is a difference too.
        ("AWS::RDS::DBParameterGroup", {"Parameters": {"a": "1"}}, {"Parameters": {"a": "1", "b": "2"}},
         [("Parameters.b", True, "")]),
        ("AWS::RDS::DBParameterGroup", {"Parameters": {"a": "1", "b": "0"}}, {"Parameters": {"a": "0", "b": "0"}},
         [("Parameters.a", True, "")]),
        # Tags: CloudFormation adds the stack's own.
        ("AWS::EC2::VPC", {"Tags": [{"Key": "a", "Value": "1"}]},
         {"Tags": [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]}, [("Tags", False, "")]),
        ("AWS::EC2::VPC", {"Tags": [{"Key": "a", "Value": "1"}]}, {"Tags": []}, [("Tags", True, "")]),
        # What AWS may raise by itself, only where the template lets it.
        ("AWS::RDS::DBInstance", {"EngineVersion": "17.11", "AutoMinorVersionUpgrade": True},
         {"EngineVersion": "17.12", "AutoMinorVersionUpgrade": True},
         [("EngineVersion", False, ""), ("AutoMinorVersionUpgrade", False, "")]),
        ("AWS::RDS::DBInstance", {"EngineVersion": "17.11", "AutoMinorVersionUpgrade": False},
         {"EngineVersion": "17.12", "AutoMinorVersionUpgrade": False},
         [("EngineVersion", True, ""), ("AutoMinorVersionUpgrade", False, "")]),
        ("AWS::RDS::DBInstance", {"EngineVersion": "17.11", "AutoMinorVersionUpgrade": True},
         {"EngineVersion": "16.15", "AutoMinorVersionUpgrade": True},
         [("EngineVersion", True, ""), ("AutoMinorVersionUpgrade", False, "")]),
        ("AWS::RDS::DBInstance", {"AllocatedStorage": "20", "MaxAllocatedStorage": 100},
         {"AllocatedStorage": 35, "MaxAllocatedStorage": 100},
         [("AllocatedStorage", False, ""), ("MaxAllocatedStorage", False, "")]),
        ("AWS::RDS::DBInstance", {"AllocatedStorage": "20"}, {"AllocatedStorage": 35},
         [("AllocatedStorage", True, "")]),
        ("AWS::RDS::DBInstance", {"AllocatedStorage": 100, "MaxAllocatedStorage": "200"},
         {"AllocatedStorage": 200, "MaxAllocatedStorage": 200},
         [("AllocatedStorage", False, ""), ("MaxAllocatedStorage", False, "")]),
        ("AWS::RDS::DBInstance", {"AllocatedStorage": 100, "MaxAllocatedStorage": 200},
         {"AllocatedStorage": 5000, "MaxAllocatedStorage": 200},
         [("AllocatedStorage", True, ""), ("MaxAllocatedStorage", False, "")]),
        ("AWS::RDS::DBInstance", {"AllocatedStorage": 100, "MaxAllocatedStorage": 200},
         {"AllocatedStorage": 50, "MaxAllocatedStorage": 200},
         [("AllocatedStorage", True, ""), ("MaxAllocatedStorage", False, "")]),
        # A major version alone allows its minor ones, and no other major one.
        ("AWS::RDS::DBInstance", {"EngineVersion": "17", "AutoMinorVersionUpgrade": "true"},
         {"EngineVersion": "17.5", "AutoMinorVersionUpgrade": True},
         [("EngineVersion", False, ""), ("AutoMinorVersionUpgrade", False, "")]),
        ("AWS::RDS::DBInstance", {"EngineVersion": "17", "AutoMinorVersionUpgrade": "true"},
         {"EngineVersion": "18", "AutoMinorVersionUpgrade": True},
         [("EngineVersion", True, ""), ("AutoMinorVersionUpgrade", False, "")]),
    ],
)  # fmt: skip
def test_a_property(type_: str, expected: Mapping[str, Any], live: Mapping[str, Any], result: Any) -> None:
    assert compared(type_, expected, live) == result


def test_the_place_and_both_values_are_told() -> None:
    found = list(
        compare(
            stack(Stream=("AWS::Kinesis::Stream", {"StreamEncryption": {"EncryptionType": "KMS"}})),
            stack(Stream=("AWS::Kinesis::Stream", {"StreamEncryption": {"EncryptionType": "NONE"}})),
            lambda resource: resource.properties,
        )
    )
    assert [(one.property, one.expected, one.actual) for one in found] == [
        ("StreamEncryption.EncryptionType", "KMS", "NONE")
    ]


@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [
        ("true", True, True),
        (True, "True", True),
        ("80", 80.0, True),
        (0, "0", True),
        ("16.1", "16.10", False),
        ("1", "1", True),
        (1, True, False),
        ({"Ref": "Key"}, {"Fn::GetAtt": ["Key", "Arn"]}, True),
        ({"Ref": "Group"}, {"Fn::GetAtt": ["Group", "GroupId"]}, True),
        ({"Ref": "Key"}, {"Ref": "Other"}, False),
        ({"Fn::GetAtt": ["Db", "Endpoint.Address"]}, {"Ref": "Db"}, False),
        ({"Fn::Sub": "${A}x"}, {"Fn::Sub": "${A}y"}, False),
        ("x", None, False),
    ],
)
def test_what_means_the_same(expected: Any, actual: Any, equal: bool) -> None:
    assert same(expected, actual) is equal


def test_lists_are_sets() -> None:
    assert list(differences(["a", "b"], ["b", "a"], "P")) == []
    assert list(differences(["a", "a"], ["a", "b"], "P")) == [("P", ["a", "a"], ["a", "b"])]
    assert list(differences(["a"], None, "P")) == [("P", ["a"], None)]
    assert list(differences([], None, "P")) == []


ONE, TWO, THREE = {"A": 1}, {"A": 1, "B": 2}, {"A": 1, "B": 2, "C": 3}


@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [
        ([ONE, TWO], [TWO, ONE], True),
        ([ONE, TWO, THREE], [THREE, TWO, ONE], True),
        # AWS says more of each than was asked for: still each has one of its own.
        ([ONE, TWO], [THREE, {"A": 1, "C": 3}], True),
        ([ONE, TWO], [THREE, THREE], True),
        ([TWO, TWO], [ONE, THREE], False),
        ([ONE, TWO], [THREE], False),
        ([ONE], [ONE, TWO], False),
    ],
)
def test_items_that_say_little_leave_the_others_their_match(expected: Any, actual: Any, equal: bool) -> None:
    assert (list(differences(expected, actual, "P")) == []) is equal
    assert (list(differences([{"L": expected}], [{"L": actual}], "P")) == []) is equal


def test_one_spelling_of_policies() -> None:
    spelled = policy(
        {"Statement": {"Principal": "*", "Action": "a", "Resource": "r", "Condition": {"Bool": {"k": True}}}}
    )
    statement = {
        "Principal": {"AWS": ["*"]},
        "Action": ["a"],
        "Resource": ["r"],
        "Condition": {"Bool": {"k": ["true"]}},
    }
    assert spelled == {"Statement": [statement]}
    accounts = policy({"Statement": [{"Principal": {"AWS": ["arn:aws:iam::111122223333:root", "999999999999"]}}]})
    assert accounts == {"Statement": [{"Principal": {"AWS": ["111122223333", "999999999999"]}}]}
    assert policy("not a policy") == "not a policy"


def test_an_attachment_is_said_by_both_ends() -> None:
    role, managed = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"
    by_role = with_attachments(stack(R=(role, {"ManagedPolicyArns": [{"Ref": "P"}]}), P=(managed, {})))
    by_policy = with_attachments(stack(R=(role, {}), P=(managed, {"Roles": [{"Ref": "R"}]})))
    assert by_role == by_policy
    assert by_role.resources["R"].properties["ManagedPolicyArns"] == [{"Ref": "P"}]


def test_an_attachment_that_the_template_lacks_is_a_difference() -> None:
    expected = stack(R=("AWS::IAM::Role", {}))
    live = stack(R=("AWS::IAM::Role", {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}))
    found = [one.property for one in compare(expected, live, lambda resource: resource.properties) if one.differs]
    assert found == ["ManagedPolicyArns"]


def test_only_resources_of_both_stacks_are_compared() -> None:
    expected, live = stack(A=("AWS::KMS::Key", {"Enabled": True})), stack(B=("AWS::KMS::Key", {"Enabled": True}))
    assert list(compare(expected, live, lambda resource: resource.properties)) == []
