"""The summary of a change set and the data-loss guard: recorded shapes in, exact values out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.deployment.changes import (
    STATEFUL_TYPES,
    Kind,
    ParameterChange,
    PropertyChange,
    endangered,
    impossible,
    parameter_changes,
    stack_policy,
    summarise,
)
from hipaa_pipeline.masking import MASK

DATABASE = "AWS::RDS::DBInstance"


def change(action: str, name: str = "Database", kind: str = DATABASE, **rest: Any) -> dict[str, Any]:
    return {"Action": action, "LogicalResourceId": name, "ResourceType": kind, **rest}


def detail(name: str, **rest: Any) -> dict[str, Any]:
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": "Never"}
    return {"Target": {**target, **rest.pop("target", {})}, "ChangeSource": "DirectModification", **rest}


@pytest.mark.parametrize(
    ("description", "kind"),
    [
        (change("Add"), Kind.ADD),
        (change("Remove", PolicyAction="Delete"), Kind.DELETE),
        (change("Import"), Kind.IMPORT),
        (change("Modify", Replacement="False"), Kind.MODIFY),
        (change("Modify", Replacement="True", PolicyAction="ReplaceAndDelete"), Kind.REPLACE),
        (change("Modify", Replacement="Conditional"), Kind.MAY_REPLACE),
        (change("Modify"), Kind.MODIFY),
        (change("Dynamic"), Kind.MAY_REPLACE),
        (change("SyncWithActual"), Kind.MAY_REPLACE),
        (change("SomethingAwsAddsLater"), Kind.MAY_REPLACE),
    ],
)
def test_kind_of_a_change(description: Mapping[str, Any], kind: Kind) -> None:
    """An action that nobody knows yet counts as dangerous."""
    assert summarise([description], []).changes[0].kind is kind


def test_the_dangerous_come_first_then_the_names_in_order() -> None:
    plain = [
        change("Add", "A"),
        change("Modify", "M", Replacement="False"),
        change("Modify", "C", Replacement="Conditional"),
        change("Remove", "D"),
        change("Modify", "R2", Replacement="True"),
        change("Modify", "R1", Replacement="True"),
    ]
    assert [one.logical_id for one in summarise(plain, []).changes] == ["R1", "R2", "D", "C", "M", "A"]


def test_what_either_description_names_is_kept() -> None:
    """CloudFormation has been seen to leave resources out when asked for property values."""
    summary = summarise([change("Add", "A"), change("Remove", "B")], [change("Remove", "B"), change("Add", "C")])
    assert [(one.logical_id, one.kind) for one in summary.changes] == [
        ("B", Kind.DELETE),
        ("A", Kind.ADD),
        ("C", Kind.ADD),
    ]


def test_property_values_come_from_the_description_that_has_them() -> None:
    bare = change("Modify", Replacement="False", Details=[detail("AllocatedStorage")])
    values = {"Path": "/Properties/AllocatedStorage", "BeforeValue": "20", "AfterValue": "40"}
    rich = change("Modify", Replacement="False", Details=[detail("AllocatedStorage", target=values)])
    assert summarise([bare], [rich]).changes[0].properties == (
        PropertyChange("AllocatedStorage", "20", "40", "Never", ""),
    )


@pytest.mark.parametrize(
    ("target", "path", "before", "after"),
    [
        (
            {"Path": "/Properties/StreamEncryption/KeyId", "BeforeValue": "a", "AfterValue": "b"},
            "StreamEncryption.KeyId",
            "a",
            "b",
        ),
        ({"Path": "/Properties/Tags/0/Value", "AfterValue": "x"}, "Tags.0.Value", None, "x"),
        ({"Attribute": "Tags"}, "Tags", None, None),
        ({"Attribute": "DeletionPolicy", "BeforeValue": "Delete", "AfterValue": "Retain"}, "DeletionPolicy", "Delete",
         "Retain"),
        ({"Path": "/Properties/MasterUserPassword", "BeforeValue": "old", "AfterValue": "new"}, "MasterUserPassword",
         MASK, MASK),
        ({"Path": "/Properties/SecretString", "AfterValue": "hush"}, "SecretString", None, MASK),
        ({"Path": "/Properties/Auth/AccessToken", "AfterValue": "hush"}, "Auth.AccessToken", None, MASK),
        ({"Path": "/Properties/ManageMasterUserPassword", "BeforeValue": "false", "AfterValue": "true"},
         "ManageMasterUserPassword", "false", "true"),
        ({"Path": "/Properties/MasterUserSecret/KmsKeyId", "AfterValue": "arn"}, "MasterUserSecret.KmsKeyId", None,
         "arn"),
        ({"Path": "/Properties/List", "AfterValue": ["a", 1]}, "List", None, '["a", 1]'),
    ],
)  # fmt: skip
def test_property_path_and_values(target: Mapping[str, Any], path: str, before: str | None, after: str | None) -> None:
    summary = summarise([change("Modify", Details=[detail("Name", target=target)])], [])
    assert summary.changes[0].properties == (PropertyChange(path, before, after, "Never", ""),)


def test_one_line_per_property_with_its_cause() -> None:
    """CloudFormation lists the change itself and each of its causes."""
    details = [
        detail("DBParameterGroupName"),
        detail("DBParameterGroupName", ChangeSource="ResourceReference", CausingEntity="DatabaseParameterGroup"),
    ]
    assert summarise([change("Modify", Details=details)], []).changes[0].properties == (
        PropertyChange("DBParameterGroupName", None, None, "Never", "DatabaseParameterGroup"),
    )


@pytest.mark.parametrize("kind", sorted(STATEFUL_TYPES))
@pytest.mark.parametrize(
    ("description", "stopped"),
    [
        ({"Action": "Modify", "Replacement": "True"}, True),
        ({"Action": "Modify", "Replacement": "Conditional"}, True),
        ({"Action": "Remove"}, True),
        ({"Action": "Remove", "PolicyAction": "Retain"}, True),
        ({"Action": "Modify", "Replacement": "False"}, False),
        ({"Action": "Add"}, False),
    ],
)
def test_guard_stops_what_may_lose_data(kind: str, description: Mapping[str, Any], stopped: bool) -> None:
    summary = summarise([{"LogicalResourceId": "X", "ResourceType": kind, **description}], [])
    assert [one.logical_id for one in endangered(summary)] == (["X"] if stopped else [])


def test_guard_lets_through_only_what_was_named() -> None:
    plain = [change("Modify", name, Replacement="True") for name in ("Database", "Other")]
    summary = summarise(plain, [])
    assert [one.logical_id for one in endangered(summary, ["Database"])] == ["Other"]
    assert endangered(summary, ["Database", "Other"]) == ()


@pytest.mark.parametrize(
    ("replacement", "changed", "naming", "told"),
    [
        ("True", ["DBName"], {"Database": "DBInstanceIdentifier"}, "Database (AWS::RDS::DBInstance), by DBName"),
        ("True", [], {"Database": "DBInstanceIdentifier"}, "Database (AWS::RDS::DBInstance), by an unknown property"),
        ("True", ["DBName", "DBInstanceIdentifier"], {"Database": "DBInstanceIdentifier"}, ""),
        ("True", ["DBName"], {"Other": "DBInstanceIdentifier"}, ""),
        ("True", ["DBName"], {}, ""),
        ("Conditional", ["DBName"], {"Database": "DBInstanceIdentifier"}, ""),
        ("False", ["DBName"], {"Database": "DBInstanceIdentifier"}, ""),
    ],
)
def test_what_keeps_its_name_cannot_be_replaced(
    replacement: str, changed: list[str], naming: Mapping[str, str], told: str
) -> None:
    details = [detail(name, target={"RequiresRecreation": "Always"}) for name in changed]
    summary = summarise([change("Modify", Replacement=replacement, Details=details)], [], naming=naming)
    assert summary.changes[0].impossible is bool(told)
    assert impossible(summary) == (told and (
        f"CloudFormation cannot replace a resource that keeps its explicit name: {told}. Put that back to what is "
        "deployed, or deploy a new environment beside this one."
    ))  # fmt: skip


def test_what_forces_a_replacement_is_named_with_its_parameter() -> None:
    details = [
        detail("DBName", target={"RequiresRecreation": "Always"}),
        detail("DBName", target={"RequiresRecreation": "Always"}, CausingEntity="DatabaseName"),
        detail("AllocatedStorage", CausingEntity="DatabaseStorageGiB"),
    ]
    naming = {"Database": "DBInstanceIdentifier"}
    told = impossible(summarise([change("Modify", Replacement="True", Details=details)], [], naming=naming))
    assert "Database (AWS::RDS::DBInstance), by DBName (DatabaseName). Put" in told


@pytest.mark.parametrize("kind", ["AWS::SNS::Topic", "AWS::IAM::Role", "AWS::EC2::VPC", "AWS::CloudWatch::Alarm"])
def test_guard_leaves_alone_what_holds_no_data(kind: str) -> None:
    assert endangered(summarise([change("Modify", "X", kind, Replacement="True")], [])) == ()


def test_stack_policy_denies_replacing_and_deleting_what_holds_data() -> None:
    resources = {"Database": DATABASE, "Key": "AWS::KMS::Key", "Vpc": "AWS::EC2::VPC"}
    assert json.loads(stack_policy(resources)) == {
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["Update:Replace", "Update:Delete"],
                "Resource": ["LogicalResourceId/Database", "LogicalResourceId/Key"],
            },
        ]
    }


def test_stack_policy_admits_what_was_named() -> None:
    denied = json.loads(stack_policy({"Database": DATABASE, "Key": "AWS::KMS::Key"}, ["Database"]))["Statement"][1]
    assert denied["Resource"] == ["LogicalResourceId/Key"]
    assert len(json.loads(stack_policy({"Database": DATABASE}, ["Database"]))["Statement"]) == 1


@given(st.dictionaries(st.text("abcXYZ", min_size=1), st.sampled_from([*sorted(STATEFUL_TYPES), "AWS::EC2::VPC"])))
def test_stack_policy_denies_exactly_the_stateful(resources: dict[str, str]) -> None:
    statements = json.loads(stack_policy(resources))["Statement"]
    denied = {name for statement in statements[1:] for name in statement["Resource"]}
    assert denied == {f"LogicalResourceId/{name}" for name, kind in resources.items() if kind in STATEFUL_TYPES}


def test_parameter_changes() -> None:
    before = {"Same": "1", "Changed": "1", "Removed": "1", "Secret": "****"}
    after = {"Same": "1", "Changed": "2", "Added": "3", "Secret": "new"}
    assert parameter_changes(before, after) == [
        ParameterChange("Added", None, "3"),
        ParameterChange("Changed", "1", "2"),
        ParameterChange("Removed", "1", None),
    ]


def test_summary_as_json() -> None:
    summary = summarise(
        [change("Modify", PhysicalResourceId="db-1", Replacement="True", PolicyAction="ReplaceAndSnapshot",
                Details=[detail("Engine", target={"RequiresRecreation": "Always"})])],
        [],
        [ParameterChange("Engine", "a", "b")],
    )  # fmt: skip
    assert summary.as_dict() == {
        "changes": [
            {
                "logical_id": "Database",
                "type": DATABASE,
                "physical_id": "db-1",
                "kind": "replace",
                "policy_action": "ReplaceAndSnapshot",
                "properties": ({"path": "Engine", "before": None, "after": None, "recreation": "Always", "cause": ""},),
                "keeps_name": False,
                "endangers_data": True,
                "impossible": False,
            }
        ],
        "parameters": [{"name": "Engine", "before": "a", "after": "b"}],
    }
    json.dumps(summary.as_dict())
