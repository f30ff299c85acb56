"""The stacks that the checks are tested on: ours, resolved for each environment, and services ours does not use."""

from __future__ import annotations

import copy
import dataclasses
import functools
from pathlib import Path
from typing import Any

from hipaa_pipeline.configuration import load_environment
from hipaa_pipeline.controls import CHECKS, judge
from hipaa_pipeline.findings import Finding
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import Resource, Stack

ROOT = Path(__file__).parent.parent
REGION = "ap-southeast-1"
ACCOUNT = "111122223333"
FOREIGN_ACCOUNT = "444455556666"


@functools.cache
def environment(name: str, region: str = REGION) -> Stack:
    """Our template with an environment's parameters."""
    configuration = load_environment(name, ROOT / "parameters")
    template = load_template(ROOT / "templates" / "hipaa-pipeline.yaml")
    return resolve(
        template, configuration.parameters, region=region, account_id=ACCOUNT, stack_name=configuration.stack_name
    )


@functools.cache
def production() -> Stack:
    """Our `prod` stack, together with a good example of each service that ours does not use."""
    return with_resources(environment("prod"), OTHER_SERVICES)


@functools.cache
def development() -> Stack:
    """Our `dev` stack."""
    return environment("dev")


def with_resources(stack: Stack, resources: dict[str, Any]) -> Stack:
    """A stack with more resources, given as in a template."""
    more = {name: resource(name, body) for name, body in resources.items()}
    return dataclasses.replace(stack, resources={**stack.resources, **more})


def stack_of(resources: dict[str, Any], **parameters: Any) -> Stack:
    """A stack of nothing but these resources, given as in a template."""
    return with_resources(Stack({}, REGION, ACCOUNT, parameters=parameters), resources)


def resource(logical_id: str, body: dict[str, Any]) -> Resource:
    """A resource from its form in a template; the body is copied."""
    body = copy.deepcopy(body)
    attributes = {key: value for key, value in body.items() if key not in ("Type", "Properties")}
    return Resource(logical_id, body["Type"], body.get("Properties", {}), attributes)


PASS, FAIL, UNKNOWN, NOT_ASKED = "pass", "fail", "unknown", "not-applicable"

KEY_REFERENCE = {"Ref": "Key"}


def ask(slug: str, resources: dict[str, Any], **parameters: Any) -> Finding:
    """The answer about the resource called `It` (or the stack itself)."""
    check = [check for check in CHECKS if check.slug == slug]
    found = [f for f in judge(stack_of(resources, **parameters), checks=check) if f.resource in ("It", "Stack", "")]
    assert len(found) == 1
    return found[0]


def about(type_: str, **properties: Any) -> dict[str, Any]:
    """A stack with one resource, `It`, and a key to refer to."""
    return {
        "Key": {"Type": "AWS::KMS::Key"},
        "KeyAlias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/own", "TargetKeyId": KEY_REFERENCE}},
        "It": {"Type": type_, "Properties": properties},
    }


_TAGS = [{"Key": "Environment", "Value": "prod"}]
_KEY = {"Fn::GetAtt": ["Key", "Arn"]}
_TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::healthcare-files-prod", "arn:aws:s3:::healthcare-files-prod/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}

OTHER_SERVICES: dict[str, Any] = {
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "BucketName": "healthcare-files-prod",
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": _KEY}}
                ]
            },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "VersioningConfiguration": {"Status": "Enabled"},
            "LoggingConfiguration": {"LogFilePrefix": "access/"},
            "Tags": _TAGS,
        },
    },
    "BucketPolicy": {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": "Bucket"},
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    _TLS_ONLY,
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": {"Fn::GetAtt": ["ProcessorRole", "Arn"]}},
                        "Action": "s3:GetObject",
                        "Resource": "arn:aws:s3:::healthcare-files-prod/*",
                    },
                ],
            },
        },
    },
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "healthcare-function-prod",
            "VpcConfig": {
                "SubnetIds": [{"Ref": "PrivateSubnetA"}, {"Ref": "PrivateSubnetB"}],
                "SecurityGroupIds": [{"Fn::GetAtt": ["WorkloadSecurityGroup", "GroupId"]}],
            },
            "DeadLetterConfig": {"TargetArn": {"Ref": "AlarmTopic"}},
            "ReservedConcurrentExecutions": 5,
            "Environment": {"Variables": {"SECRET_ARN": {"Ref": "Secret"}, "LEVEL": "INFO"}},
            "Tags": _TAGS,
        },
    },
    "Permission": {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": "Function"},
            "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com",
            "SourceArn": {"Fn::GetAtt": ["Bucket", "Arn"]},
            "SourceAccount": ACCOUNT,
        },
    },
    "Trail": {
        "Type": "AWS::CloudTrail::Trail",
        "Properties": {
            "TrailName": "healthcare-trail-prod",
            "S3BucketName": {"Ref": "Bucket"},
            "KMSKeyId": _KEY,
            "EnableLogFileValidation": True,
            "CloudWatchLogsLogGroupArn": {"Fn::GetAtt": ["AuditLogGroup", "Arn"]},
            "IsMultiRegionTrail": True,
            "IsLogging": True,
            "Tags": _TAGS,
        },
    },
    "Secret": {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {
            "Name": "healthcare-secret-prod",
            "KmsKeyId": _KEY,
            "GenerateSecretString": {"PasswordLength": 32},
            "Tags": _TAGS,
        },
    },
    "SecretRotation": {
        "Type": "AWS::SecretsManager::RotationSchedule",
        "Properties": {"SecretId": {"Ref": "Secret"}, "RotationRules": {"AutomaticallyAfterDays": 30}},
    },
    "User": {"Type": "AWS::IAM::User", "Properties": {"UserName": "healthcare-user-prod", "Tags": _TAGS}},
    "Subscription": {
        "Type": "AWS::SNS::Subscription",
        "Properties": {
            "TopicArn": {"Ref": "AlarmTopic"},
            "Protocol": "https",
            "Endpoint": "https://alarms.example.com/",
        },
    },
    "PipelineRole": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "healthcare-pipeline-role-prod",
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {
                            "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
                        },
                        "Action": "sts:AssumeRoleWithWebIdentity",
                        "Condition": {
                            "StringEquals": {
                                "token.actions.githubusercontent.com:sub": "repo:example/pipeline:ref:refs/heads/main"
                            }
                        },
                    }
                ],
            },
            "Tags": _TAGS,
        },
    },
}
