"""What applications need to know, exported under names with the suffix. No output shows a secret."""

from __future__ import annotations

from typing import Any

from troposphere import Export, GetAtt, Join, Output, Ref, Template, kinesis, logs

from hipaa_pipeline.template.access import Access
from hipaa_pipeline.template.database import Database
from hipaa_pipeline.template.encryption import Encryption
from hipaa_pipeline.template.names import kebab, name
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
) -> None:
    """Add every output, in the order of the resources. What was handed in is no output: its owner knows it."""
    instance = database.instance

    def add(logical_id: str, description: str, value: Any, condition: str = "") -> None:
        extra = {"Condition": condition} if condition else {}
        export = Export(name(kebab(logical_id)))
        template.add_output(Output(logical_id, Description=description, Value=value, Export=export, **extra))

    add("KeyArn", "Key that encrypts data and logs", encryption.key_arn)
    add("VpcId", "VPC of the pipeline", GetAtt("DatabaseSecurityGroup", "VpcId"))
    add("PrivateSubnetIds", "Private subnets of a new VPC", Join(",", network.new_subnet_ids), "NewVpc")
    add("WorkloadSecurityGroupId", "Group to attach to workloads", GetAtt("WorkloadSecurityGroup", "GroupId"))
    add("DatabaseEndpoint", "Host name, for sslmode=verify-full on port 5432", GetAtt(instance, "Endpoint.Address"))
    add("DatabaseMasterSecretArn", "Where RDS keeps the password", GetAtt(instance, "MasterUserSecret.SecretArn"))
    add("StreamName", "Stream for records", Ref(stream))
    add("StreamArn", "ARN of the stream", GetAtt(stream, "Arn"))
    add("AuditLogGroupName", "Log group for the audit trail of applications", Ref(audit_log))
    add("AlarmTopicArn", "New topic that alarms notify", Ref("AlarmTopic"), "NewAlarmTopic")
    add("ProcessorRoleArn", "New role for the processor", GetAtt(access.processor_role, "Arn"), "NewProcessorRole")
    add("ProducerPolicyArn", "Policy to attach to producers", Ref(access.producer_policy))
    add("ConsumerPolicyArn", "Policy to attach to consumers", Ref(access.consumer_policy))
    add("AuditLogWriterPolicyArn", "Policy to attach to audit-log writers", Ref(access.audit_log_writer_policy))
    add("DatabaseLoginPolicyArn", "Policy to attach to whatever logs in", Ref(access.database_login_policy))
