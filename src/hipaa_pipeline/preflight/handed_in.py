"""What is handed in exists and can be used: roles, keys, topics, security groups, boundary, prefix lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.facts import Facts, Problem, Read, absent
from hipaa_pipeline.preflight.subject import Subject, literals, parameter_of
from hipaa_pipeline.stack import Stack

CONTROL = "handed_in"

# Where a role's ARN may be handed in, and the service that must be able to assume it.
ROLES = {
    ("AWS::RDS::DBInstance", "MonitoringRoleArn"): "monitoring.rds.amazonaws.com",
    ("AWS::EC2::FlowLog", "DeliverLogsPermissionArn"): "vpc-flow-logs.amazonaws.com",
    ("AWS::Backup::BackupSelection", "BackupSelection.IamRoleArn"): "backup.amazonaws.com",
}
# The processor's role is used by no resource: it is only an output, so the parameter is looked at.
PROCESSOR_ROLE = "ExistingProcessorRoleArn"
PROCESSOR_SERVICE = "ProcessorService"

_KEYS = {
    ("AWS::RDS::DBInstance", "KmsKeyId"): "key",
    ("AWS::RDS::DBInstance", "PerformanceInsightsKMSKeyId"): "key",
    ("AWS::RDS::DBInstance", "MasterUserSecret.KmsKeyId"): "key",
    ("AWS::Kinesis::Stream", "StreamEncryption.KeyId"): "key",
    ("AWS::Logs::LogGroup", "KmsKeyId"): "key",
    ("AWS::SNS::Topic", "KmsMasterKeyId"): "key",
    ("AWS::Backup::BackupVault", "EncryptionKeyArn"): "key",
}
_TOPICS = {
    ("AWS::CloudWatch::Alarm", "AlarmActions"): "topic",
    ("AWS::CloudWatch::Alarm", "InsufficientDataActions"): "topic",
    ("AWS::CloudWatch::Alarm", "OKActions"): "topic",
    ("AWS::SNS::Subscription", "TopicArn"): "topic",
}
_GROUPS = {
    ("AWS::EC2::SecurityGroup", "SecurityGroupEgress[].DestinationSecurityGroupId"): "group",
    ("AWS::EC2::SecurityGroup", "SecurityGroupIngress[].SourceSecurityGroupId"): "group",
    ("AWS::EC2::SecurityGroupEgress", "DestinationSecurityGroupId"): "group",
    ("AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId"): "group",
    ("AWS::EC2::SecurityGroupIngress", "GroupId"): "group",
    ("AWS::EC2::SecurityGroupEgress", "GroupId"): "group",
}
_BOUNDARIES = {("AWS::IAM::Role", "PermissionsBoundary"): "policy"}
_PREFIX_LISTS = {
    ("AWS::EC2::SecurityGroup", "SecurityGroupEgress[].DestinationPrefixListId"): "prefix list",
    ("AWS::EC2::SecurityGroupEgress", "DestinationPrefixListId"): "prefix list",
}

# A judgement of an answer: what is wrong with it; empty when nothing is.
Judgement = Callable[[Any], str]


def handed_in(subject: Subject, facts: Facts) -> list[Finding]:
    """Every identifier handed in is there, and usable for what it is handed in for."""
    stack = subject.stack
    asked = [
        *_each("role", ROLES, stack, _role_read, _role),
        *_processor_role(stack),
        *_each("key", _KEYS, stack, lambda key: aws.DESCRIBE_KEY(KeyId=key), lambda _: _key),
        *_each("topic", _TOPICS, stack, lambda arn: aws.GET_TOPIC_ATTRIBUTES(TopicArn=arn), lambda _: _anything),
        *_each("security_group", _GROUPS, stack, _group_read, lambda _: _anything),
        *_each("boundary", _BOUNDARIES, stack, lambda arn: aws.GET_POLICY(PolicyArn=arn), lambda _: _anything),
        *_each("prefix_list", _PREFIX_LISTS, stack, _prefix_list_read, lambda _: _anything),
    ]
    if not asked:
        return [Finding(control=CONTROL, status=Status.NOT_APPLICABLE, reason="nothing is handed in")]
    facts.each(*(read for _, _, read, _ in asked))  # asked together
    return [_judge(rule, value, read, judgement, stack, facts) for rule, value, read, judgement in asked]


def _processor_role(stack: Stack) -> list[tuple[str, str, Read, Judgement]]:
    arn = stack.parameters.get(PROCESSOR_ROLE)
    if not arn:
        return []
    return [("role", str(arn), _role_read(str(arn)), _role(str(stack.parameters.get(PROCESSOR_SERVICE))))]


def _role_read(arn: str) -> Read:
    return aws.GET_ROLE(RoleName=arn.rsplit("/", 1)[-1])


def _each(
    rule: str,
    uses: dict[tuple[str, str], str],
    stack: Stack,
    read: Callable[[str], Read],
    judgement: Callable[[str], Judgement],
) -> list[tuple[str, str, Read, Judgement]]:
    found = dict.fromkeys((value, use) for _, value, use in literals(stack, uses))
    return [(rule, value, read(value), judgement(use)) for value, use in found]


def _group_read(group_id: str) -> Read:
    return aws.DESCRIBE_SECURITY_GROUPS(GroupIds=[group_id])


def _prefix_list_read(prefix_list_id: str) -> Read:
    return aws.DESCRIBE_PREFIX_LISTS(PrefixListIds=[prefix_list_id])


def _judge(rule: str, value: str, read: Read, judgement: Judgement, stack: Stack, facts: Facts) -> Finding:
    answer = facts.each(read)[0]
    parameter = parameter_of(stack, value)
    if isinstance(answer, Problem) and not absent(answer):
        wrong, status = answer.reason, Status.UNKNOWN
    else:
        wrong = "does not exist" if isinstance(answer, Problem) else judgement(answer)
        status = Status.FAIL if wrong else Status.PASS
    return Finding(
        control=CONTROL,
        rule=f"{CONTROL}_{rule}",
        status=status,
        resource=value,
        property=parameter,
        expected="exists and can be used",
        actual=wrong if status is Status.FAIL else ("usable" if status is Status.PASS else None),
        reason=wrong if status is Status.UNKNOWN else "",
        remedy=f"correct {parameter or 'the property'}, or leave it empty" if status is Status.FAIL else "",
    )


def _anything(answer: Any) -> str:
    return "" if answer else "does not exist"


def _key(answer: Any) -> str:
    key = answer["KeyMetadata"]
    state = key["KeyState"]
    if state != "Enabled":
        return f"its state is {state}"
    return "" if key.get("KeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT" else "it is not a symmetric key"


def _role(service: str) -> Judgement:
    def judge(answer: Any) -> str:
        document = answer["Role"]["AssumeRolePolicyDocument"]
        return "" if trusts(document, service) else f"its trust policy does not let {service} assume it"

    return judge


def trusts(document: Any, service: str) -> bool:
    """Whether a trust policy lets a service assume the role; conditions, which only narrow it, are not evaluated."""
    parsed = json.loads(document) if isinstance(document, str) else document
    statements = parsed.get("Statement", [])
    return any(
        statement.get("Effect") == "Allow"
        and _holds(statement.get("Action"), "sts:AssumeRole", "sts:*", "*")
        and _holds((statement.get("Principal") or {}).get("Service"), service)
        for statement in (statements if isinstance(statements, list) else [statements])
        if isinstance(statement.get("Principal"), dict)
    )


def _holds(value: Any, *wanted: str) -> bool:
    return any(each in wanted for each in (value if isinstance(value, list) else [value]))
