"""Who may do what: one processor role, and a policy per task to attach where it is needed. 164.312(a)(1)."""

from __future__ import annotations

import dataclasses
from typing import Any

import awacs.kinesis as kinesis_actions
import awacs.kms as kms_actions
import awacs.logs as logs_actions
import awacs.rds_db as rds_db_actions
from awacs.aws import StringEquals, StringEqualsIfExists
from troposphere import AccountId, GetAtt, If, NoValue, Ref, Sub, Template, iam, kinesis, logs, rds

from hipaa_pipeline.template.encryption import Encryption
from hipaa_pipeline.template.names import aws_managed_policy, permissions_boundary, tags
from hipaa_pipeline.template.policies import allow, policy, service_trust


@dataclasses.dataclass(frozen=True)
class Access:
    """The role and the policies whose ARNs applications need."""

    processor_role: iam.Role
    producer_policy: iam.ManagedPolicy
    consumer_policy: iam.ManagedPolicy
    audit_log_writer_policy: iam.ManagedPolicy
    database_login_policy: iam.ManagedPolicy


def add_access(
    template: Template,
    stream: kinesis.Stream,
    instance: rds.DBInstance,
    audit_log: logs.LogGroup,
    encryption: Encryption,
) -> Access:
    """Add the policies and the processor role, which reads the stream, writes the audit log and logs in."""
    producer = _add_policy(template, "ProducerPolicy", "Write records to the stream", _producer(stream, encryption))
    consumer = _add_policy(template, "ConsumerPolicy", "Read records from the stream", _consumer(stream, encryption))
    audit_log_writer = _add_policy(
        template,
        "AuditLogWriterPolicy",
        "Write to the audit log",
        # The attribute ends in ":*", the form in which IAM compares log groups and their streams.
        [
            allow(
                "WriteAuditLog",
                [logs_actions.CreateLogStream, logs_actions.DescribeLogStreams, logs_actions.PutLogEvents],
                [GetAtt(audit_log, "Arn")],
            )
        ],
    )
    login = _add_policy(template, "DatabaseLoginPolicy", "Log in to the database", [_login(instance)])
    role = template.add_resource(
        iam.Role(
            "ProcessorRole",
            Condition="NewProcessorRole",
            Description="Reads the stream, writes the audit log, logs in to the database",
            Metadata={"Why": "IfExists: Lambda and EC2 do not send aws:SourceAccount, ECS does."},
            AssumeRolePolicyDocument=service_trust(
                Ref("ProcessorService"), StringEqualsIfExists("aws:SourceAccount", AccountId), of_this_account=False
            ),
            ManagedPolicyArns=[Ref(consumer), Ref(audit_log_writer), Ref(login), _network_interfaces()],
            PermissionsBoundary=permissions_boundary(),
            Tags=tags(),
        )
    )
    return Access(role, producer, consumer, audit_log_writer, login)


def _network_interfaces() -> If:
    """Lambda reaches the database through interfaces in the VPC, which it makes with the function's own role.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    """
    return If("ForLambda", aws_managed_policy("service-role/AWSLambdaENIManagementAccess"), NoValue)


def _add_policy(template: Template, logical_id: str, description: str, statements: list[Any]) -> iam.ManagedPolicy:
    # IAM resources have no explicit name: IAM is global, and the stack must fit into an account in several Regions.
    return template.add_resource(
        iam.ManagedPolicy(logical_id, Description=description, PolicyDocument=policy(*statements))
    )


def _producer(stream: kinesis.Stream, encryption: Encryption) -> list[Any]:
    return [
        allow(
            "PutRecords",
            [
                kinesis_actions.DescribeStreamSummary,
                kinesis_actions.ListShards,
                kinesis_actions.PutRecord,
                kinesis_actions.PutRecords,
            ],
            [GetAtt(stream, "Arn")],
        ),
        allow("EncryptRecords", [kms_actions.GenerateDataKey], [encryption.key_arn], _via("kinesis")),
    ]


def _consumer(stream: kinesis.Stream, encryption: Encryption) -> list[Any]:
    return [
        allow(
            "GetRecords",
            [
                kinesis_actions.DescribeStream,
                kinesis_actions.DescribeStreamSummary,
                kinesis_actions.GetRecords,
                kinesis_actions.GetShardIterator,
                kinesis_actions.ListShards,
                kinesis_actions.RegisterStreamConsumer,
            ],
            [GetAtt(stream, "Arn")],
        ),
        allow(
            "EnhancedFanOut",
            [
                kinesis_actions.DeregisterStreamConsumer,
                kinesis_actions.DescribeStreamConsumer,
                kinesis_actions.SubscribeToShard,
            ],
            [Sub(f"${{{stream.title}.Arn}}/consumer/*")],
        ),
        allow("DecryptRecords", [kms_actions.Decrypt], [encryption.key_arn], _via("kinesis")),
    ]


def _login(instance: rds.DBInstance) -> Any:
    user = (
        "arn:${AWS::Partition}:rds-db:${AWS::Region}:${AWS::AccountId}:dbuser:"
        f"${{{instance.title}.DbiResourceId}}/${{DatabaseLoginUser}}"
    )
    return allow("LogInByToken", [rds_db_actions.connect], [Sub(user)])


def _via(service: str) -> StringEquals:
    return StringEquals("kms:ViaService", Sub(f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}"))
