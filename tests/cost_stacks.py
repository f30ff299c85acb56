"""A stack of the shape of the project's template, small enough to price by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.stack import Resource, Stack

REGION = "ap-southeast-1"
ENDPOINTS = ("Kinesis", "Kms", "Logs", "Monitoring", "SecretsManager", "Sts")
ALARMS = ("IteratorAge", "ReadThrottled", "WriteThrottled", "Cpu", "FreeStorage", "Connections", "FailedLogin")


@dataclasses.dataclass(frozen=True)
class Shape:
    """The parameters that change what a stack costs."""

    instance_class: str = "db.t4g.small"
    storage: int = 20
    multi_az: bool = False
    backup_days: int = 7
    monitoring_seconds: int = 60
    plan_days: int | None = None
    mode: str = "PROVISIONED"
    shards: int = 1
    retention_hours: int = 168
    log_days: int = 365
    imported_vpc: bool = False
    endpoints: bool = True
    zones: int = 2
    email: bool = False


def stack(shape: Shape, region: str = REGION) -> Stack:
    """The resolved stack of a shape."""
    bodies = {**_network(shape), **_data(shape), **_logs(shape), **_monitoring(shape)}
    resources = {name: Resource(name, kind, properties) for name, (kind, properties) in bodies.items()}
    return Stack(resources, region=region, account_id="111122223333")


Bodies = Mapping[str, tuple[str, dict[str, Any]]]


def _network(shape: Shape) -> Bodies:
    if shape.imported_vpc:
        return {}
    subnets = [{"Ref": f"PrivateSubnet{zone}"} for zone in "ABC"[: shape.zones]]
    interface = {"VpcEndpointType": "Interface", "SubnetIds": subnets}
    endpoints = {f"{name}Endpoint": ("AWS::EC2::VPCEndpoint", interface) for name in ENDPOINTS if shape.endpoints}
    return {
        "Vpc": ("AWS::EC2::VPC", {}),
        "PrivateSubnetA": ("AWS::EC2::Subnet", {}),
        "PrivateSubnetB": ("AWS::EC2::Subnet", {}),
        "FlowLog": ("AWS::EC2::FlowLog", {"LogGroupName": {"Ref": "FlowLogGroup"}}),
        "FlowLogGroup": ("AWS::Logs::LogGroup", {"RetentionInDays": str(shape.log_days)}),
        "S3Endpoint": ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"}),
        **endpoints,
    }


def _data(shape: Shape) -> Bodies:
    database = {
        "DBInstanceClass": shape.instance_class,
        "AllocatedStorage": str(shape.storage),
        "StorageType": "gp3",
        "MultiAZ": shape.multi_az,
        "BackupRetentionPeriod": shape.backup_days,
        "ManageMasterUserPassword": True,
        "MonitoringInterval": shape.monitoring_seconds,
        "EnablePerformanceInsights": True,
        "PerformanceInsightsRetentionPeriod": 7,
    }
    stream = {
        "StreamModeDetails": {"StreamMode": shape.mode},
        "RetentionPeriodHours": shape.retention_hours,
        **({"ShardCount": shape.shards} if shape.mode == "PROVISIONED" else {}),
    }
    rule = {"RuleName": "daily", "Lifecycle": {"DeleteAfterDays": shape.plan_days}}
    plan = {"BackupPlan": ("AWS::Backup::BackupPlan", {"BackupPlan": {"BackupPlanRule": [rule]}})}
    return {
        "Key": ("AWS::KMS::Key", {"EnableKeyRotation": True}),
        "Database": ("AWS::RDS::DBInstance", database),
        "RecordStream": ("AWS::Kinesis::Stream", stream),
        **(plan if shape.plan_days else {}),
    }


def _logs(shape: Shape) -> Bodies:
    names = {
        "PostgresqlLogGroup": "/aws/rds/instance/healthcare-database-dev/postgresql",
        "UpgradeLogGroup": "/aws/rds/instance/healthcare-database-dev/upgrade",
        "AuditLogGroup": "healthcare-audit-dev",
    }
    return {
        name: ("AWS::Logs::LogGroup", {"LogGroupName": group, "RetentionInDays": shape.log_days})
        for name, group in names.items()
    }


def _monitoring(shape: Shape) -> Bodies:
    alarms = {f"{name}Alarm": ("AWS::CloudWatch::Alarm", {"Period": 300}) for name in ALARMS}
    email = {"AlarmEmailSubscription": ("AWS::SNS::Subscription", {"Protocol": "email"})} if shape.email else {}
    return {
        "FailedLoginMetric": ("AWS::Logs::MetricFilter", {"MetricTransformations": [{}]}),
        "AlarmTopic": ("AWS::SNS::Topic", {}),
        **alarms,
        **email,
    }
