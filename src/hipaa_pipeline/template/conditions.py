"""Conditions, rules and mappings: what follows from the parameters, and which combinations are refused."""

from __future__ import annotations

from typing import Any

from troposphere import And, Condition, Equals, Not, Ref, Template

from hipaa_pipeline.template.parameters import ENGINE_VERSIONS, LOG_RETENTION_DAYS

YEAR_DAYS = 365
KEY_DELETION_DAYS = 30  # KMS's default, and the longest it takes


def add_conditions(template: Template) -> None:
    """What to create, from what was handed in and switched on."""
    conditions = {
        "IsProtected": _is("DeletionProtection", "true"),
        "NewVpc": _is("ExistingVpcId", ""),
        "NewEndpoints": _is("CreateVpcEndpoints", "true"),
        "NewGatewayEndpoint": And(Condition("NewVpc"), Condition("NewEndpoints")),
        "HasEndpointGroup": Not(_is("ExistingEndpointSecurityGroupId", "")),
        "HasS3PrefixList": Not(_is("S3PrefixListId", "")),
        "WithBackup": _is("CreateBackupPlan", "true"),
        "HasBackupRole": Not(_is("ExistingBackupRoleArn", "")),
        "NewBackupRole": And(Condition("WithBackup"), Not(Condition("HasBackupRole"))),
        "NewProcessorRole": _is("ExistingProcessorRoleArn", ""),
        "ForLambda": _is("ProcessorService", "lambda.amazonaws.com"),
        "NewMonitoringRole": _is("ExistingMonitoringRoleArn", ""),
        "NewFlowLogRole": _is("ExistingFlowLogRoleArn", ""),
        "IsProvisioned": _is("StreamMode", "PROVISIONED"),
        "NewAlarmTopic": _is("ExistingAlarmTopicArn", "none"),
        "SubscribeEmail": And(Condition("NewAlarmTopic"), Not(_is("AlarmEmail", ""))),
        "HasBoundary": Not(_is("PermissionsBoundaryName", "")),
    }
    for name, condition in conditions.items():
        template.add_condition(name, condition)


def add_rules(template: Template) -> None:
    """Combinations that CloudFormation refuses before it creates anything."""
    existing_vpc, subnets = Not(_is("ExistingVpcId", "")), Not(_is("ExistingPrivateSubnetIds", ""))
    protected = _is("DeletionProtection", "true")
    long_retention = [str(days) for days in LOG_RETENTION_DAYS if days >= YEAR_DAYS]
    rules = {
        "ExistingVpcNeedsSubnets": (
            existing_vpc,
            [(subnets, "ExistingVpcId needs ExistingPrivateSubnetIds")],
        ),
        "ExistingSubnetsNeedVpc": (
            subnets,
            [(existing_vpc, "ExistingPrivateSubnetIds needs ExistingVpcId")],
        ),
        "ProtectedIsRecoverable": (
            protected,
            [
                (_is("DatabaseMultiAz", "true"), "A protected environment needs DatabaseMultiAz true"),
                (_is("CreateBackupPlan", "true"), "A protected environment needs CreateBackupPlan true"),
                (
                    _is("KeyDeletionWindowDays", str(KEY_DELETION_DAYS)),
                    f"A protected environment needs KeyDeletionWindowDays {KEY_DELETION_DAYS}",
                ),
                (
                    {"Fn::Contains": [long_retention, Ref("LogRetentionDays")]},
                    f"A protected environment needs LogRetentionDays of {YEAR_DAYS} or more",
                ),
            ],
        ),
        "EmailNeedsNewTopic": (
            Not(_is("AlarmEmail", "")),
            [
                (
                    _is("ExistingAlarmTopicArn", "none"),
                    "AlarmEmail goes to the new topic, so it needs ExistingAlarmTopicArn none",
                )
            ],
        ),
        "EndpointGroupNeedsNoEndpoints": (
            Not(_is("ExistingEndpointSecurityGroupId", "")),
            [
                (
                    _is("CreateVpcEndpoints", "false"),
                    "ExistingEndpointSecurityGroupId needs CreateVpcEndpoints false",
                )
            ],
        ),
    }
    for name, (when, assertions) in rules.items():
        template.add_rule(
            name,
            {
                "RuleCondition": when,
                "Assertions": [{"Assert": test, "AssertDescription": text} for test, text in assertions],
            },
        )


def add_mappings(template: Template) -> None:
    """The parameter group family of each engine version: one fact, not one more parameter to get wrong."""
    template.add_mapping(
        "PostgresqlVersions", {version: {"Family": f"postgres{version.split('.')[0]}"} for version in ENGINE_VERSIONS}
    )


def _is(parameter: str, value: str) -> Any:
    return Equals(Ref(parameter), value)
