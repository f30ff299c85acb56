"""The template as a whole: what is committed, what is literal, what each parameter may do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hipaa_pipeline.configuration import environments, load_environment
from hipaa_pipeline.resolve import ParameterError, resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import Resource, Stack
from hipaa_pipeline.template import MAX_BODY_BYTES, build_template, template_text
from hipaa_pipeline.template.parameters import groups

ROOT = Path(__file__).parent.parent
COMMITTED = ROOT / "templates" / "hipaa-pipeline.yaml"
BODY = load_template(COMMITTED).body
REGION = "ap-southeast-1"

ROLE_PARAMETERS = {
    "ExistingMonitoringRoleArn": "arn:aws:iam::111122223333:role/monitoring",
    "ExistingFlowLogRoleArn": "arn:aws:iam::111122223333:role/flow-logs",
    "ExistingBackupRoleArn": "arn:aws:iam::111122223333:role/backup",
}
EXISTING_VPC = {
    "ExistingVpcId": "vpc-0123456789abcdef0",
    "ExistingPrivateSubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
}
NAME_PROPERTIES = {
    "AlarmName", "AliasName", "BackupVaultName", "DBInstanceIdentifier", "DBParameterGroupName", "DBSubnetGroupName",
    "FilterName", "LogGroupName", "ManagedPolicyName", "Name", "RoleName", "TopicName",
}  # fmt: skip
UNTAGGABLE = {
    "AWS::KMS::Alias", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::SecurityGroupIngress",
    "AWS::Backup::BackupSelection", "AWS::Logs::MetricFilter", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription",
    "AWS::IAM::ManagedPolicy",
}  # fmt: skip


def resolved(environment: str, **parameters: str) -> Stack:
    chosen = {**load_environment(environment, ROOT / "parameters").parameters, **parameters}
    return resolve(BODY, chosen, region=REGION)


def test_committed_template_is_what_the_source_builds() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == template_text()


def test_template_needs_no_bucket() -> None:
    assert len(template_text().encode()) <= MAX_BODY_BYTES == 51200


def test_hash_seed_does_not_change_the_template() -> None:
    script = "import hipaa_pipeline.template as t, sys; sys.stdout.write(t.template_text())"
    texts = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {COMMITTED.read_bytes()}


def test_console_groups_name_every_parameter_once_in_order() -> None:
    named = [name for parameters in groups().values() for name in parameters]
    interface = BODY["Metadata"]["AWS::CloudFormation::Interface"]
    assert [name for group in interface["ParameterGroups"] for name in group["Parameters"]] == named
    assert list(BODY["Parameters"]) == named


@pytest.mark.parametrize("name", list(BODY["Parameters"]))
def test_every_parameter_is_described_and_used(name: str) -> None:
    assert BODY["Parameters"][name]["Description"]
    rest = json.dumps({section: BODY[section] for section in ("Rules", "Conditions", "Resources")})
    assert f'{{"Ref": "{name}"}}' in rest or f"${{{name}}}" in rest


@pytest.mark.parametrize("condition", list(BODY["Conditions"]))
def test_every_condition_is_used(condition: str) -> None:
    rest = json.dumps({section: BODY[section] for section in ("Conditions", "Resources", "Outputs")})
    assert f'"Condition": "{condition}"' in rest or f'"Fn::If": ["{condition}"' in rest


def test_environments_are_the_three_documented_ones() -> None:
    assert environments(ROOT / "parameters") == ["dev", "local", "prod"]


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_every_explicit_name_carries_prefix_and_suffix(environment: str) -> None:
    pattern = re.compile(rf"(alias/|/aws/rds/instance/)?healthcare-[a-z0-9-]+-{environment}(/postgresql|/upgrade)?")
    named = [
        resource.properties[key]
        for resource in resolved(environment).resources.values()
        for key in NAME_PROPERTIES & resource.properties.keys()
        if isinstance(resource.properties[key], str)
    ]
    assert len(named) > 15
    assert [name for name in named if not pattern.fullmatch(name)] == []


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_everything_taggable_is_tagged(environment: str) -> None:
    untagged = {
        resource.type for resource in resolved(environment).resources.values() if tag(resource, "Environment") is None
    }
    assert untagged <= UNTAGGABLE
    assert {tag(r, "Environment") for r in resolved(environment).resources.values()} == {None, environment}


def tag(resource: Resource, key: str) -> Any:
    for name in ("Tags", "BackupVaultTags", "BackupPlanTags"):
        tags = resource.properties.get(name, {})
        pairs = tags.items() if isinstance(tags, dict) else ((entry["Key"], entry["Value"]) for entry in tags)
        found = dict(pairs).get(key)
        if found is not None:
            return found
    return None


def test_existing_vpc_means_no_vpc_subnet_or_route_table() -> None:
    types = {resource.type for resource in resolved("prod", **EXISTING_VPC).resources.values()}
    assert types.isdisjoint(
        {
            "AWS::EC2::VPC",
            "AWS::EC2::Subnet",
            "AWS::EC2::RouteTable",
            "AWS::EC2::SubnetRouteTableAssociation",
        }
    )
    assert resolved("prod", **EXISTING_VPC).resources["FlowLog"].get("ResourceId") == "vpc-0123456789abcdef0"


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_service_roles_handed_in_leave_one_role(environment: str) -> None:
    roles = resolved(environment, **ROLE_PARAMETERS).of_type("AWS::IAM::Role")
    assert [role.logical_id for role in roles] == ["ProcessorRole"]


def test_all_roles_handed_in_leave_none() -> None:
    processor = {"ExistingProcessorRoleArn": "arn:aws:iam::111122223333:role/processor"}
    assert resolved("prod", **ROLE_PARAMETERS, **processor).of_type("AWS::IAM::Role") == ()


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"ExistingVpcId": EXISTING_VPC["ExistingVpcId"]}, "ExistingPrivateSubnetIds"),
        ({"ExistingPrivateSubnetIds": EXISTING_VPC["ExistingPrivateSubnetIds"]}, "ExistingVpcId"),
        ({"ExistingPrivateSubnetIds": "subnet-0123456789abcdef0"}, "ExistingPrivateSubnetIds"),
        ({"DatabaseMultiAz": "false"}, "DatabaseMultiAz"),
        ({"CreateBackupPlan": "false"}, "CreateBackupPlan"),
        ({"LogRetentionDays": "180"}, "LogRetentionDays"),
        ({"LogRetentionDays": "2190"}, "LogRetentionDays"),
        ({"DatabaseBackupDays": "6"}, "DatabaseBackupDays"),
        ({"DatabaseBackupDays": "36"}, "DatabaseBackupDays"),
        ({"KeyDeletionWindowDays": "6"}, "KeyDeletionWindowDays"),
        ({"KeyDeletionWindowDays": "7"}, "A protected environment needs KeyDeletionWindowDays 30"),
        ({"KeyDeletionWindowDays": "29"}, "A protected environment needs KeyDeletionWindowDays 30"),
        ({"StreamRetentionHours": "167"}, "StreamRetentionHours"),
        ({"StreamRetentionHours": "8761"}, "StreamRetentionHours"),
        ({"DatabaseEngineVersion": "15"}, "DatabaseEngineVersion"),
        ({"DatabaseInstanceClass": "db.t2.small"}, "DatabaseInstanceClass"),
        ({"VpcCidr": "10.0.0.0/24"}, "VpcCidr"),
        ({"VpcCidr": "8.8.0.0/16"}, "VpcCidr"),
        ({"VpcCidr": "10.256.0.0/16"}, "VpcCidr"),
        ({"DeletionProtection": "yes"}, "DeletionProtection"),
        ({"EnvironmentSuffix": "Prod"}, "EnvironmentSuffix"),
        (
            {"AlarmEmail": "a@example.com", "ExistingAlarmTopicArn": "arn:aws:sns:ap-southeast-1:111122223333:x"},
            "ExistingAlarmTopicArn",
        ),
        ({"ExistingEndpointSecurityGroupId": "sg-0123456789abcdef0"}, "CreateVpcEndpoints"),
        ({"StorageEncrypted": "false"}, "StorageEncrypted"),
    ],
)
def test_what_must_not_be_typed_is_refused(parameters: dict[str, str], named: str) -> None:
    with pytest.raises(ParameterError, match=named):
        resolved("prod", **parameters)


@pytest.mark.parametrize(
    ("logical_id", "path", "literal"),
    [
        ("Key", "EnableKeyRotation", True),
        ("Database", "StorageEncrypted", True),
        ("Database", "KmsKeyId", {"Fn::GetAtt": ["Key", "Arn"]}),
        ("Database", "PubliclyAccessible", False),
        ("Database", "ManageMasterUserPassword", True),
        ("Database", "EnableIAMDatabaseAuthentication", True),
        ("Database", "EnablePerformanceInsights", True),
        ("Database", "PerformanceInsightsKMSKeyId", {"Fn::GetAtt": ["Key", "Arn"]}),
        ("DatabaseParameterGroup", "Parameters.log_min_error_statement", "panic"),
        ("RecordStream", "StreamEncryption", {"EncryptionType": "KMS", "KeyId": {"Fn::GetAtt": ["Key", "Arn"]}}),
        ("FlowLog", "TrafficType", "ALL"),
        ("AuditLogGroup", "KmsKeyId", {"Fn::GetAtt": ["Key", "Arn"]}),
        ("AlarmTopic", "KmsMasterKeyId", {"Ref": "Key"}),
        ("BackupVault", "EncryptionKeyArn", {"Fn::GetAtt": ["Key", "Arn"]}),
    ],
)
def test_safety_is_a_literal_not_a_parameter(logical_id: str, path: str, literal: Any) -> None:
    value: Any = BODY["Resources"][logical_id]["Properties"]
    for step in path.split("."):
        value = value[step]
    assert value == literal


def test_outputs_are_exported_under_the_suffix_and_show_no_secret() -> None:
    outputs = BODY["Outputs"]
    assert {name: output["Export"]["Name"]["Fn::Sub"] for name, output in outputs.items()} == {
        name: f"healthcare-{re.sub('(?<!^)(?=[A-Z])', '-', name).lower()}-${{EnvironmentSuffix}}" for name in outputs
    }
    assert "resolve:secretsmanager" not in json.dumps(outputs)


def test_topics_stand_above_their_first_resource() -> None:
    headings = build_template().headings
    assert list(headings)[:3] == ["Key", "Vpc", "DatabaseSecurityGroup"]
    assert set(headings) <= set(BODY["Resources"])
