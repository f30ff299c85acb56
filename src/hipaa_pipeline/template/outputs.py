"""What applications need to know, exported under names with the suffix. No output shows a secret."""

from __future__ import annotations

from typing import Any

from troposphere import Export, GetAtt, If, Join, Output, Ref, Template, kinesis, logs

from hipaa_pipeline.template.access import Access
from hipaa_pipeline.template.database import Database
from hipaa_pipeline.template.encryption import Encryption
from hipaa_pipeline.template.names import name
from hipaa_pipeline.template.network import Network


def add_outputs(
    template: Template,
    *,
    encryption: Encryption,
    network: Network,
    database: Database,
    stream: kinesis.Stream,
    audit_log: logs.LogGroup,
    access: Access,
    topic_arn: If,
) -> None:
    """Add every output, in the order of the resources."""
    instance = database.instance
    outputs: dict[str, tuple[str, Any]] = {
        "KeyArn": ("Key that encrypts data and logs", encryption.key_arn),
        "VpcId": ("VPC of the pipeline", network.vpc_id),
        "PrivateSubnetIds": ("Private subnets for workloads", Join(",", network.subnet_ids)),
        "WorkloadSecurityGroupId": (
            "Security group to attach to workloads",
            GetAtt("WorkloadSecurityGroup", "GroupId"),
        ),
        "DatabaseEndpoint": (
            "Host name (port 5432); connect with sslmode=verify-full",
            GetAtt(instance, "Endpoint.Address"),
        ),
        "DatabaseMasterSecretArn": (
            "Where RDS keeps the master password (the ARN, not the password)",
            GetAtt(instance, "MasterUserSecret.SecretArn"),
        ),
        "StreamName": ("Stream for records", Ref(stream)),
        "StreamArn": ("ARN of the stream", GetAtt(stream, "Arn")),
        "AuditLogGroupName": ("Log group for the audit trail of applications", Ref(audit_log)),
        "AlarmTopicArn": ("Topic that alarms notify", topic_arn),
        "ProcessorRoleArn": ("Role for the processor", GetAtt(access.processor_role, "Arn")),
        "ProducerPolicyArn": ("Policy to attach to producers", Ref(access.producer_policy)),
        "ConsumerPolicyArn": ("Policy to attach to further consumers", Ref(access.consumer_policy)),
        "AuditLogWriterPolicyArn": ("Policy to attach to audit-log writers", Ref(access.audit_log_writer_policy)),
        "DatabaseLoginPolicyArn": ("Policy to attach to whatever logs in", Ref(access.database_login_policy)),
    }
    for logical_id, (description, value) in outputs.items():
        kind = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in logical_id).lstrip("-")
        template.add_output(Output(logical_id, Description=description, Value=value, Export=Export(name(kind))))
