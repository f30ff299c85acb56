"""The record stream: encrypted with the key, retained for recovery."""

from __future__ import annotations

from troposphere import If, NoValue, Ref, Template, kinesis

from hipaa_pipeline.template.encryption import Encryption
from hipaa_pipeline.template.names import name, tags


def add_stream(template: Template, encryption: Encryption) -> kinesis.Stream:
    """Add the Kinesis stream."""
    return template.add_resource(
        kinesis.Stream(
            "RecordStream",
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Retain",
            # Taking this out would not keep encryption as it is: CloudFormation would turn it off.
            Name=name("record-stream"),
            RetentionPeriodHours=Ref("StreamRetentionHours"),
            ShardCount=If("IsProvisioned", Ref("StreamShards"), NoValue),
            StreamModeDetails=kinesis.StreamModeDetails(StreamMode=Ref("StreamMode")),
            StreamEncryption=kinesis.StreamEncryption(EncryptionType="KMS", KeyId=encryption.key_arn),
            Tags=tags(),
        )
    )
