"""The parameters, in the groups and the order in which a person meets them in the CloudFormation console.

Parameters choose size, cost, retention above a floor, what is handed in, and whether an environment is protected or
ephemeral. What must always hold is no parameter: it is a literal in the resources.
"""

from __future__ import annotations

from typing import Any

from troposphere import Parameter, Template

# Standard-support minor versions, the two newest of each major: an upgrade within a major stays possible.
# https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-release-calendar.html
ENGINE_VERSIONS = ("15.18", "15.19", "16.14", "16.15", "17.10", "17.11", "18.4", "18.6")

INSTANCE_CLASSES = (
    "db.t3.small", "db.t3.medium", "db.t3.large",
    "db.t4g.small", "db.t4g.medium", "db.t4g.large",
    "db.m7g.large", "db.m7g.xlarge", "db.m7g.2xlarge",
    "db.r7g.large", "db.r7g.xlarge", "db.r7g.2xlarge",
)  # fmt: skip

# The values that CloudWatch Logs accepts, from the project's floor of 90 days upwards.
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = (90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)

PROCESSOR_SERVICES = ("lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "ec2.amazonaws.com")

_ID = "[0-9a-f]{8,17}"
_OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_ARN = "arn:aws[a-z-]*"
_ROLE_ARN = rf"{_ARN}:iam::\d{{12}}:role/[\w+=,.@/-]+"


def _text(description: str, **constraints: Any) -> Parameter:
    return Parameter("unnamed", Type="String", Description=description, **constraints)


def _number(description: str, default: int, least: int, most: int) -> Parameter:
    return Parameter("unnamed", Type="Number", Description=description, Default=default, MinValue=least, MaxValue=most)


def _choice(description: str, default: str, *allowed: str) -> Parameter:
    return _text(description, Default=default, AllowedValues=list(allowed))


def _switch(description: str, default: str) -> Parameter:
    return _choice(description, default, "true", "false")


def _word(description: str, default: str) -> Parameter:
    return _text(description, Default=default, AllowedPattern="^[a-z][a-z0-9_]{0,62}$")


def _handed_in(description: str, pattern: str) -> Parameter:
    return _text(description, Default="", AllowedPattern=f"^(|{pattern})$")


def groups() -> dict[str, dict[str, Parameter]]:
    """All parameters by group title and logical ID."""
    return {
        "Environment": {
            "EnvironmentSuffix": _text(
                "Ends every explicit name: 2 to 20 lower-case letters, digits or hyphens",
                AllowedPattern="^[a-z][a-z0-9-]{0,18}[a-z0-9]$",
            ),
            "DeletionProtection": _switch(
                "true: protected; needs Multi-AZ, a backup plan, a year of logs, 30 days for the key. false: ephemeral",
                "true",
            ),
        },
        "Encryption": {
            "KeyDeletionWindowDays": _number(
                "Days in which a scheduled deletion of the key can still be cancelled", 30, 7, 30
            ),
        },
        "Network": {
            "VpcCidr": _text(
                "Private address range of a new VPC, /16 to /23; its first two /24 become the subnets",
                Default="10.20.0.0/16",
                AllowedPattern=rf"^(10\.{_OCTET}|172\.(1[6-9]|2\d|3[01])|192\.168)(\.{_OCTET}){{2}}/(1[6-9]|2[0-3])$",
                ConstraintDescription="must be an RFC 1918 range of /16 to /23, such as 10.20.0.0/16",
            ),
            "ExistingVpcId": _handed_in(
                "VPC to use, with DNS support and DNS host names on; empty creates one", f"vpc-{_ID}"
            ),
            "ExistingPrivateSubnetIds": _handed_in(
                "Two or more subnets of that VPC in different zones, separated by commas, with no way to the internet",
                f"subnet-{_ID}(,subnet-{_ID})+",
            ),
            "CreateVpcEndpoints": _switch(
                "Private access to Kinesis, KMS, CloudWatch, Secrets Manager, STS and S3, at a price per hour and zone",
                "true",
            ),
            "ExistingEndpointSecurityGroupId": _handed_in(
                "Security group of interface endpoints that the VPC already has: workloads may reach it on 443",
                f"sg-{_ID}",
            ),
            "S3PrefixListId": _handed_in(
                "Prefix list of S3 in this Region: workloads may reach it on 443; empty leaves that closed", f"pl-{_ID}"
            ),
        },
        "Database": {
            "DatabaseEngineVersion": _choice(
                "PostgreSQL version in standard support; the parameter group family follows from it",
                "17.11",
                *ENGINE_VERSIONS,
            ),
            "DatabaseInstanceClass": _choice(
                "Instance class; burstable ones (db.t) suit development", "db.t4g.medium", *INSTANCE_CLASSES
            ),
            "DatabaseStorageGiB": _number("gp3 storage in GiB", 100, 20, 65536),
            "DatabaseMultiAz": _switch("A synchronous standby in a second zone; doubles the price", "true"),
            "DatabaseBackupDays": _number("Days of point-in-time recovery, up to some minutes ago", 35, 7, 35),
            "DatabaseName": _word("Name of the first database", "healthcare"),
            "DatabaseMasterUsername": _word(
                "Master user; RDS makes, keeps and rotates its password in Secrets Manager", "pipeline_admin"
            ),
            "DatabaseLoginUser": _word("User that may log in by IAM token (GRANT rds_iam TO it)", "pipeline_app"),
            "DatabaseIdleTimeoutMs": _number(
                "Idle sessions and transactions end after this many ms", 900000, 60000, 3600000
            ),
            "DatabaseAuditClasses": _choice(
                "What pgAudit records. Statement texts are never written: they may hold PHI",
                "ddl,role",
                "ddl,role",
                "ddl,role,write",
                "ddl,role,write,read",
            ),
        },
        "Backup": {
            "CreateBackupPlan": _switch("A daily recovery point in a vault, apart from the database's backups", "true"),
            "BackupPlanDays": _number("Days after which a recovery point expires", 35, 35, 3653),
        },
        "Stream": {
            "StreamMode": _choice("ON_DEMAND capacity follows the traffic", "PROVISIONED", "PROVISIONED", "ON_DEMAND"),
            "StreamShards": _number("Provisioned shards, of 1 MB/s or 1,000 records/s in and 2 MB/s out", 1, 1, 500),
            "StreamRetentionHours": _number("Hours for which a record can still be read", 168, 168, 8760),
        },
        "Logs": {
            "LogRetentionDays": _choice(
                "HIPAA names no number for logs; 2192 days treats them as documentation (six years, 164.316(b)(2)(i))",
                "2192",
                *(str(days) for days in LOG_RETENTION_DAYS),
            ),
        },
        "Alarms": {
            "ExistingAlarmTopicArn": _text(
                "Encrypted topic to notify, whose policy and key admit CloudWatch; none creates one",
                Default="none",
                AllowedPattern=rf"^(none|{_ARN}:sns:[a-z0-9-]+:\d{{12}}:[\w-]+)$",
            ),
            "AlarmEmail": _handed_in(
                "E-mail address for the new topic; its owner must confirm", r"[^@\s]+@[^@\s]+\.[^@\s]+"
            ),
            "IteratorAgeThresholdMs": _number(
                "Alarm when the oldest unread record is older (ms)", 60000, 1000, 86400000
            ),
            "CpuThresholdPercent": _number("Alarm above this use of the database's CPU (percent)", 80, 1, 100),
            "FreeStorageThresholdBytes": _number(
                "Alarm below this free storage of the database", 5368709120, 1073741824, 1099511627776
            ),
            "ConnectionsThreshold": _number("Alarm above this number of database connections", 100, 1, 5000),
            "FreeableMemoryThresholdBytes": _number(
                "Alarm below this freeable memory of the database", 268435456, 67108864, 68719476736
            ),
            "FailedLoginThreshold": _number("Alarm from this number of failed log-ins in five minutes on", 5, 1, 1000),
        },
        "Access": {
            "ProcessorService": _choice(
                "Service that may assume the processor role", PROCESSOR_SERVICES[0], *PROCESSOR_SERVICES
            ),
            "PermissionsBoundaryName": _handed_in(
                "Policy of this account, with its path, that bounds every role made here", r"[\w+=,.@/-]+"
            ),
            "ExistingProcessorRoleArn": _handed_in(
                "Role of the processor; empty creates one. Attach the policies below to a role handed in", _ROLE_ARN
            ),
            "ExistingMonitoringRoleArn": _handed_in("Role for RDS enhanced monitoring; empty creates one", _ROLE_ARN),
            "ExistingFlowLogRoleArn": _handed_in("Role for VPC flow logs; empty creates one", _ROLE_ARN),
            "ExistingBackupRoleArn": _handed_in("Role for AWS Backup; empty creates one with the plan", _ROLE_ARN),
        },
    }


def add_parameters(template: Template) -> None:
    """Add every parameter, and the console's groups for them."""
    all_groups = groups()
    for parameters in all_groups.values():
        for logical_id, parameter in parameters.items():
            parameter.title = logical_id
            template.add_parameter(parameter)
    template.set_metadata(
        {
            "AWS::CloudFormation::Interface": {
                "ParameterGroups": [
                    {"Label": {"default": title}, "Parameters": list(parameters)}
                    for title, parameters in all_groups.items()
                ]
            }
        }
    )
