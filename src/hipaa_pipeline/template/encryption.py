"""One customer-managed key for everything that is stored: 164.312(a)(2)(iv) encryption and decryption."""

from __future__ import annotations

import dataclasses

import awacs.kms as kms_actions
from awacs.aws import Allow, ArnLike, BoolIfExists, Condition, Deny, PolicyDocument, Principal, Statement, StringEquals
from troposphere import AccountId, GetAtt, Ref, Sub, Template, kms

from hipaa_pipeline.template.names import arn, name_text, tags


@dataclasses.dataclass(frozen=True)
class Encryption:
    """The key as others refer to it."""

    key_id: Ref
    key_arn: GetAtt


def add_encryption(template: Template) -> Encryption:
    """Add the key, its policy and its alias."""
    key = template.add_resource(
        kms.Key(
            "Key",
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Retain",
            Description=Sub("Data and logs of the healthcare pipeline ${EnvironmentSuffix}"),
            EnableKeyRotation=True,
            RotationPeriodInDays=365,
            PendingWindowInDays=Ref("KeyDeletionWindowDays"),
            KeyPolicy=key_policy(),
            Tags=tags(),
        )
    )
    template.add_resource(kms.Alias("KeyAlias", AliasName=Sub(f"alias/{name_text('key')}"), TargetKeyId=Ref(key)))
    return Encryption(key_id=Ref(key), key_arn=GetAtt(key, "Arn"))


def key_policy() -> PolicyDocument:
    """Who may use the key.

    Only services that call KMS as themselves are named. RDS, Kinesis, Secrets Manager and AWS Backup act with the
    caller's rights, so a statement for them would grant nothing
    (https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service).
    """
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Sid="AccountAdministersKey",
                Effect=Allow,
                Principal=Principal("AWS", Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")),
                Action=[kms_actions.Action("*")],
                Resource=["*"],
            ),
            Statement(
                Sid="LogsEncryptOwnGroups",
                Effect=Allow,
                Principal=Principal("Service", Sub("logs.${AWS::Region}.${AWS::URLSuffix}")),
                Action=[
                    kms_actions.Action("Decrypt*"),
                    kms_actions.Action("Describe*"),
                    kms_actions.Action("Encrypt*"),
                    kms_actions.Action("GenerateDataKey*"),
                    kms_actions.Action("ReEncrypt*"),
                ],
                Resource=["*"],
                Condition=Condition(
                    ArnLike(
                        "kms:EncryptionContext:aws:logs:arn",
                        [
                            arn("logs", f"log-group:{name_text('*')}"),
                            arn("logs", f"log-group:/aws/rds/instance/{name_text('database')}/*"),
                        ],
                    )
                ),
            ),
            Statement(
                Sid="AlarmsReachEncryptedTopic",
                Effect=Allow,
                Principal=Principal("Service", "cloudwatch.amazonaws.com"),
                Action=[kms_actions.Decrypt, kms_actions.Action("GenerateDataKey*")],
                Resource=["*"],
                Condition=Condition(
                    [
                        StringEquals("aws:SourceAccount", AccountId),
                        ArnLike("aws:SourceArn", arn("cloudwatch", f"alarm:{name_text('*')}")),
                    ]
                ),
            ),
            Statement(
                Sid="GrantsOnlyForAwsServices",
                Effect=Deny,
                Principal=Principal("AWS", "*"),
                Action=[kms_actions.CreateGrant],
                Resource=["*"],
                # As AWS Control Tower's CT.KMS.PV.1 has it: services also make grants of their own.
                Condition=Condition(
                    BoolIfExists({"kms:GrantIsForAWSResource": False, "aws:PrincipalIsAWSService": False})
                ),
            ),
        ],
    )
