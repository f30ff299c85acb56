"""Names that are taken already: every explicit name of the stack is looked up before CloudFormation trips over it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.existing import Existing, existing_stack
from hipaa_pipeline.preflight.facts import Facts, Problem, Read, absent, together
from hipaa_pipeline.preflight.subject import Subject
from hipaa_pipeline.stack import Resource, Stack, is_reference

CONTROL = "names_free"


@dataclasses.dataclass(frozen=True)
class Naming:
    """How resources of one type are named: the property, the read that finds a name, and the test of its answer.

    The default test: an answer means the name is taken, "not found" that it is free. `delete` is the command that
    would free the name, for a person to judge.
    """

    property: str
    read: Callable[[str, Stack], Read]
    taken: Callable[[Any, str], bool] = lambda answer, _: bool(answer)
    delete: str = ""


def _listed(key: str) -> Callable[[Any, str], bool]:
    return lambda items, name: any(item[key] == name for item in items)


def _alarm_names(stack: Stack) -> list[str]:
    """All alarm names of the stack: one call answers for up to a hundred of them."""
    return sorted(
        name for resource in stack.of_type("AWS::CloudWatch::Alarm") if (name := literal_name(resource, "AlarmName"))
    )


NAMINGS = {
    "AWS::Backup::BackupVault": Naming(
        "BackupVaultName",
        # DescribeBackupVault answers AccessDenied for a vault that does not exist, so the list is asked.
        lambda _, __: aws.LIST_BACKUP_VAULTS(MaxResults=1000),
        _listed("BackupVaultName"),
        "aws backup delete-backup-vault --backup-vault-name",
    ),
    "AWS::CloudWatch::Alarm": Naming(
        "AlarmName",
        lambda _, stack: aws.DESCRIBE_ALARMS(AlarmNames=_alarm_names(stack)),
        _listed("AlarmName"),
        "aws cloudwatch delete-alarms --alarm-names",
    ),
    "AWS::IAM::ManagedPolicy": Naming(
        "ManagedPolicyName",
        lambda name, stack: aws.GET_POLICY(PolicyArn=f"arn:{stack.partition}:iam::{stack.account_id}:policy/{name}"),
        delete="aws iam delete-policy --policy-arn",
    ),
    "AWS::IAM::Role": Naming(
        "RoleName", lambda name, _: aws.GET_ROLE(RoleName=name), delete="aws iam delete-role --role-name"
    ),
    "AWS::KMS::Alias": Naming(
        "AliasName",
        lambda _, __: aws.LIST_ALIASES(Limit=100),
        _listed("AliasName"),
        "aws kms delete-alias --alias-name",
    ),
    "AWS::Kinesis::Stream": Naming(
        "Name",
        lambda name, _: aws.DESCRIBE_STREAM_SUMMARY(StreamName=name),
        delete="aws kinesis delete-stream --stream-name",
    ),
    "AWS::Logs::LogGroup": Naming(
        "LogGroupName",
        lambda _, __: aws.DESCRIBE_LOG_GROUPS(limit=50),
        _listed("logGroupName"),
        "aws logs delete-log-group --log-group-name",
    ),
    "AWS::RDS::DBInstance": Naming(
        "DBInstanceIdentifier",
        lambda name, _: aws.DESCRIBE_DB_INSTANCES(DBInstanceIdentifier=name),
        delete="aws rds delete-db-instance --db-instance-identifier",
    ),
    "AWS::RDS::DBParameterGroup": Naming(
        "DBParameterGroupName",
        lambda name, _: aws.DESCRIBE_DB_PARAMETER_GROUPS(DBParameterGroupName=name),
        delete="aws rds delete-db-parameter-group --db-parameter-group-name",
    ),
    "AWS::RDS::DBSubnetGroup": Naming(
        "DBSubnetGroupName",
        lambda name, _: aws.DESCRIBE_DB_SUBNET_GROUPS(DBSubnetGroupName=name),
        delete="aws rds delete-db-subnet-group --db-subnet-group-name",
    ),
    "AWS::SNS::Topic": Naming(
        "TopicName",
        lambda name, stack: aws.GET_TOPIC_ATTRIBUTES(
            TopicArn=f"arn:{stack.partition}:sns:{stack.region}:{stack.account_id}:{name}"
        ),
        delete="aws sns delete-topic --topic-arn",
    ),
}


def literal_name(resource: Resource, path: str) -> str:
    """The name at a property as a literal text; empty where there is none or it is a reference."""
    value = resource.get(path)
    return value if isinstance(value, str) and not is_reference(value) else ""


def naming_property(resource_type: str) -> str:
    """The property that names a resource of this type explicitly; empty for a type that has none."""
    naming = NAMINGS.get(resource_type)
    if naming:
        return naming.property
    return "GroupName" if resource_type == "AWS::EC2::SecurityGroup" else ""


def explicit_name(resource: Resource) -> str:
    """The explicit name of a resource; empty where CloudFormation makes one up."""
    path = naming_property(resource.type)
    return literal_name(resource, path) if path else ""


def names_free(subject: Subject, facts: Facts) -> list[Finding]:
    """No explicit name of a resource that is to be created belongs to something else already."""
    stack = subject.stack
    named = [(resource, name) for resource in stack.resources.values() if (name := explicit_name(resource))]
    reads = [read for resource, name in named if (read := _read(resource, name, stack))]
    exports = _exported_names(stack)
    reads += [aws.LIST_EXPORTS()] if exports else []
    # All are asked at once, even those of which DescribeStacks will say that they are the stack's own.
    existing, _ = together(lambda: existing_stack(stack, facts), lambda: facts.each(*reads))
    return [
        *(
            _finding(resource, name, stack, existing, facts)
            for resource, name in named
            if not _is_own(resource, name, existing)
        ),
        *(_export_finding(output, name, stack, facts) for output, name in exports.items()),
    ]


def _exported_names(stack: Stack) -> dict[str, str]:
    """Export names by output: they too are unique in an account and Region."""
    names = {output: value.get("Export", {}).get("Name") for output, value in stack.outputs.items()}
    return {output: name for output, name in names.items() if isinstance(name, str)}


def _export_finding(output: str, name: str, stack: Stack, facts: Facts) -> Finding:
    free = Finding(
        control=CONTROL,
        rule="export_name_free",
        status=Status.PASS,
        resource=output,
        expected=f"no other stack exports {name}",
        actual="free",
    )
    answer = facts.each(aws.LIST_EXPORTS())[0]
    if isinstance(answer, Problem):
        return dataclasses.replace(free, status=Status.UNKNOWN, actual=None, reason=answer.reason, remedy=answer.remedy)
    owners = [each["ExportingStackId"] for each in answer if each["Name"] == name]
    others = [owner.split("/")[1] for owner in owners if f":stack/{stack.name}/" not in owner]
    if not others:
        return free
    remedy = f"choose another EnvironmentSuffix: stack {others[0]} exports this name"
    return dataclasses.replace(free, status=Status.FAIL, actual="taken", remedy=remedy)


def _is_own(resource: Resource, name: str, existing: Existing) -> bool:
    """Whether the stack has the resource under this name already, so that nothing is created."""
    old = existing.old(resource.logical_id)
    if old is not None:
        return explicit_name(old) == name
    return resource.logical_id in existing.physical_ids


def _read(resource: Resource, name: str, stack: Stack) -> Read | None:
    if resource.type in NAMINGS:
        return NAMINGS[resource.type].read(name, stack)
    return aws.DESCRIBE_SECURITY_GROUPS() if isinstance(resource.get("VpcId"), str) else None


def _finding(resource: Resource, name: str, stack: Stack, existing: Existing, facts: Facts) -> Finding:
    free = Finding(
        control=CONTROL,
        status=Status.PASS,
        resource=resource.logical_id,
        expected=f"no other {resource.type} named {name}",
        actual="free",
    )
    read = _read(resource, name, stack)
    if read is None:  # a security group in a VPC that this stack creates
        return free
    answer = facts.each(read)[0]
    if isinstance(answer, Problem):
        if absent(answer):
            return free
        return dataclasses.replace(free, status=Status.UNKNOWN, actual=None, reason=answer.reason, remedy=answer.remedy)
    if not _is_taken(resource, name, answer):
        return free
    return dataclasses.replace(free, status=Status.FAIL, actual="taken", remedy=_remedy(resource, name, existing))


def _is_taken(resource: Resource, name: str, answer: Any) -> bool:
    if resource.type in NAMINGS:
        return NAMINGS[resource.type].taken(answer, name)
    return any(group["GroupName"] == name and group.get("VpcId") == resource.get("VpcId") for group in answer)


def _remedy(resource: Resource, name: str, existing: Existing) -> str:
    """Never to remove what the stack itself holds, under another logical ID."""
    for logical_id in existing.physical_ids:
        old = existing.old(logical_id)
        if old is not None and old.type == resource.type and explicit_name(old) == name:
            return f"{logical_id} of this very stack has the name: keep its logical ID, or choose another name"
    if resource.type == "AWS::Logs::LogGroup":
        return (
            f"choose another EnvironmentSuffix; {name} may have been kept by destroy, with the records of a protected"
            " environment and under deletion protection, or be a left-over of yours: aws logs delete-log-group"
            " --log-group-name …"
        )
    delete = NAMINGS[resource.type].delete if resource.type in NAMINGS else "aws ec2 delete-security-group --group-id"
    return f"choose another EnvironmentSuffix; or, if {name} is a left-over of yours: {delete} …"
