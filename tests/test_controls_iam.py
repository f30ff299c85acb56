"""Identity and trust policies at their edges."""

from __future__ import annotations

from typing import Any

import pytest

from controls_stacks import ACCOUNT, FAIL, PASS, UNKNOWN, about, ask
from hipaa_pipeline.stack import unknown


def trust(principal: dict[str, Any], condition: dict[str, Any], action: Any = "sts:AssumeRole") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Condition": condition}
    return about("AWS::IAM::Role", AssumeRolePolicyDocument={"Statement": [statement]})


@pytest.mark.parametrize(
    ("service", "condition", "expected"),
    [
        ("ecs-tasks.amazonaws.com", {}, FAIL),
        ("ecs-tasks.amazonaws.com", {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, PASS),
        ("ecs-tasks.amazonaws.com", {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}, PASS),
        ("ecs-tasks.amazonaws.com", {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, FAIL),
        ("ecs-tasks.amazonaws.com", {"ArnLike": {"aws:SourceArn": "*"}}, FAIL),
        ("ecs-tasks.amazonaws.com", unknown("denied"), UNKNOWN),
        ("lambda.amazonaws.com", {}, PASS),
        ("ec2.amazonaws.com", {}, PASS),
    ],
)
def test_confused_deputies(service: str, condition: dict[str, Any], expected: str) -> None:
    """Only services that always send their source can be asked for it."""
    assert ask("iam_trust_source", trust({"Service": service}, condition)).status == expected


GITHUB, EKS = "token.actions.githubusercontent.com", "oidc.eks.eu-west-1.amazonaws.com/id/0123"
COGNITO = "cognito-identity.amazonaws.com"
POOL = {f"{COGNITO}:aud": "eu-west-1:0a1b"}


@pytest.mark.parametrize(
    ("provider", "condition", "expected"),
    [
        (GITHUB, {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}, FAIL),
        (GITHUB, {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": "repo:a/b:main"}}, PASS),
        (GITHUB, {"StringLike": {f"{GITHUB}:sub": "repo:a/*"}}, PASS),
        (GITHUB, {"StringLike": {f"{GITHUB}:sub": ["repo:a/b:*", "repo:*"]}}, FAIL),
        (GITHUB, {"StringLike": {f"{GITHUB}:sub": "*"}}, FAIL),
        (GITHUB, {"StringNotLike": {f"{GITHUB}:sub": "repo:a/b:*"}}, FAIL),
        (GITHUB, {"ForAllValues:StringLike": {f"{GITHUB}:sub": "repo:a/b:*"}}, FAIL),
        (GITHUB, {"StringLike": {f"{GITHUB}:job_workflow_ref": "a/b/.github/workflows/deploy.yml@*"}}, PASS),
        (GITHUB, unknown("an export"), UNKNOWN),
        (EKS, {"StringEquals": {f"{EKS}:aud": "sts.amazonaws.com"}}, FAIL),
        (EKS, {"StringLike": {f"{EKS}:sub": "system:serviceaccount:*"}}, FAIL),
        (EKS, {"StringEquals": {f"{EKS}:sub": "system:serviceaccount:data:processor"}}, PASS),
        (COGNITO, {"StringEquals": POOL}, FAIL),
        (COGNITO, {"StringEquals": POOL, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "unauthenticated"}}, FAIL),
        (COGNITO, {"StringEquals": POOL, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}}, PASS),
        ("accounts.google.com", {"StringEquals": {"accounts.google.com:aud": "66677788899900pro0"}}, FAIL),
        ("www.amazon.com", {"StringEquals": {"www.amazon.com:user_id": "amzn1.account.0"}}, PASS),
        (unknown("an export"), {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}, UNKNOWN),
    ],
)  # fmt: skip
def test_who_comes_with_a_token(provider: Any, condition: dict[str, Any], expected: str) -> None:
    resources = trust({"Federated": provider}, condition, "sts:AssumeRoleWithWebIdentity")
    assert ask("iam_trust_federation", resources).status == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, FAIL),
        ({"StringEquals": {"SAML:iss": "https://idp.example.com"}}, FAIL),
        ({"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}, PASS),
    ],
)
def test_who_comes_with_an_assertion(condition: dict[str, Any], expected: str) -> None:
    provider = f"arn:aws:iam::{ACCOUNT}:saml-provider/staff"
    resources = trust({"Federated": provider}, condition, ["sts:AssumeRoleWithSAML", "sts:TagSession"])
    assert ask("iam_trust_federation", resources).status == expected


@pytest.mark.parametrize(
    ("principal", "condition", "slug", "expected"),
    [
        ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, "iam_trust_not_public", PASS),
        ({"AWS": "*"}, {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, "iam_trust_not_public", FAIL),
        ({"AWS": unknown("an export")}, {}, "iam_trust_not_public", UNKNOWN),
        ({"AWS": unknown("an export")}, {}, "iam_trust_federation", PASS),
        ({"AWS": unknown("an export")}, {}, "iam_trust_source", PASS),
        ({"Service": unknown("an export")}, {}, "iam_trust_source", UNKNOWN),
        ({"AWS": {"Fn::GetAtt": ["Key", "Arn"]}}, {}, "iam_trust_own_account", PASS),
        ({"AWS": "444455556666"}, {}, "iam_trust_own_account", FAIL),
        ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalAccount": "444455556666"}}, "iam_trust_own_account", FAIL),
        ({"AWS": ACCOUNT}, {"StringEquals": {"aws:SourceVpc": "vpc-444455556666"}}, "iam_trust_own_account", PASS),
    ],
)
def test_trust(principal: Any, condition: Any, slug: str, expected: str) -> None:
    assert ask(slug, trust(principal, condition)).status == expected


@pytest.mark.parametrize(
    ("statement", "slug", "expected"),
    [
        ({"Action": "cloudwatch:PutMetricData", "Resource": "*"}, "iam_resources_named", PASS),
        ({"Action": "logs:DescribeLogGroups", "Resource": "*"}, "iam_resources_named", PASS),
        ({"Action": "ec2:Describe*", "Resource": "*"}, "iam_resources_named", PASS),
        ({"Action": "ec2:Describe*", "Resource": "*"}, "iam_actions_named", PASS),
        ({"Action": "s3:GetObject", "Resource": "*"}, "iam_resources_named", FAIL),
        ({"Action": "unheard:Of", "Resource": "*"}, "iam_resources_named", PASS),
        ({"Action": "s3:GetObject", "Resource": unknown("an export")}, "iam_resources_named", UNKNOWN),
        ({"Action": "logs:DescribeLogGroups", "Resource": unknown("an export")}, "iam_resources_named", PASS),
        ({"Action": "logs:DescribeLogGroups", "Resource": unknown("an export")}, "iam_grants_take_effect", UNKNOWN),
        ({"Action": "s3:GetObject", "Resource": unknown("an export")}, "iam_grants_take_effect", PASS),
        ({"Action": "s3:GetObject", "Resource": "*", "Condition": {
            "StringEquals": {"aws:ResourceTag/team": "data"}}}, "iam_resources_named", PASS),
        ({"Action": ["kinesis:ListStreams", "kinesis:PutRecord"], "Resource": "${Stream.Arn}"},
         "iam_grants_take_effect", FAIL),
        ({"Action": ["kinesis:ListStreams"], "Resource": ["*", "${Stream.Arn}"]}, "iam_grants_take_effect", PASS),
        ({"Effect": "Deny", "Action": "*", "Resource": "*"}, "iam_no_admin", PASS),
        ({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}, "iam_no_inversion", PASS),
        ({"Effect": "Deny", "Action": "monitoring:*", "Resource": "*"}, "iam_actions_exist", FAIL),
        ({"Action": "*:*", "Resource": "*"}, "iam_no_admin", FAIL),
        ({"Action": "*", "Resource": "arn:aws:s3:::files/*"}, "iam_no_admin", PASS),
        ({"Action": "*", "Resource": "arn:aws:s3:::files/*"}, "iam_no_full_service", FAIL),
        ({"Action": "kms:Decrypt", "Resource": "${Key.Arn}"}, "iam_keys_named", PASS),
        ({"Action": "kms:Decrypt", "Resource": "arn:aws:kms:*:*:alias/*"}, "iam_keys_named", FAIL),
        ({"Action": "kms:ReEncrypt*", "Resource": "*"}, "iam_keys_named", FAIL),
        ({"Action": "kms:Decrypt", "Resource": "*", "Condition": {
            "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/own"}}}, "iam_keys_named", PASS),
        ({"Action": "iam:PassRole", "Resource": "arn:aws:iam::1:role/one"}, "iam_no_escalation", PASS),
        ({"Action": "iam:Put*", "Resource": "arn:aws:iam::1:role/one"}, "iam_no_escalation", FAIL),
        ({"Action": "rds-db:connect", "Resource": "*"}, "iam_database_login", FAIL),
        ({"Action": "rds-db:*", "Resource": "arn:aws:rds-db:eu-west-1:1:dbuser:db-A/app"}, "iam_database_login", PASS),
        ({"Action": "rds-db:connect", "Resource": "arn:aws:rds-db:*:1:dbuser:*/app"}, "iam_database_login", FAIL),
    ],
)  # fmt: skip
def test_identity_policies(statement: dict[str, Any], slug: str, expected: str) -> None:
    """Effect is written last, and where it is missing it is Allow's place that is judged."""
    document = {"Statement": {**statement, "Effect": statement.get("Effect", "Allow")}}
    assert ask(slug, about("AWS::IAM::ManagedPolicy", PolicyDocument=document)).status == expected
