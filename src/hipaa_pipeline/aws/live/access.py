"""Roles and managed policies, read back from IAM, attachments and inline policies included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipaa_pipeline.aws.live.reader import (
    Part,
    Physical,
    Reader,
    ResourceReader,
    all_unknown,
    document,
    renamed,
    same,
    tags,
    without_empty,
)

_ROLE = ("RoleName", "Path", "Description", "MaxSessionDuration", "AssumeRolePolicyDocument", "PermissionsBoundary")
_POLICY = {"ManagedPolicyName": "PolicyName", "Path": "Path", "Description": "Description"}
_ENTITIES_PER_CALL = 1000


def role(reader: Reader, name: str) -> Mapping[str, Any]:
    """IAM's description of one role."""
    found: Mapping[str, Any] = reader.call("iam", "get_role", RoleName=name)["Role"]
    return found


def _role(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = role(reader, physical.id)
    return without_empty(
        {
            **renamed(found, same("RoleName", "Path", "Description", "MaxSessionDuration")),
            "AssumeRolePolicyDocument": document(found["AssumeRolePolicyDocument"]),
            "PermissionsBoundary": (found.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
            "Tags": tags(found.get("Tags", ())),
        }
    )


def _attached(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = reader.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=physical.id)
    return {"ManagedPolicyArns": sorted(policy["PolicyArn"] for policy in found)}


def _inline(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    names = reader.pages("iam", "list_role_policies", "PolicyNames", RoleName=physical.id)
    found = [reader.call("iam", "get_role_policy", RoleName=physical.id, PolicyName=name) for name in sorted(names)]
    return {
        "Policies": [
            {"PolicyName": policy["PolicyName"], "PolicyDocument": document(policy["PolicyDocument"])}
            for policy in found
        ]
    }


def _policy(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    found = reader.call("iam", "get_policy", PolicyArn=physical.id)["Policy"]
    return {**renamed(found, _POLICY), "Tags": tags(found.get("Tags", ()))}


def _policy_document(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    version = reader.call("iam", "get_policy", PolicyArn=physical.id)["Policy"]["DefaultVersionId"]
    answer = reader.call("iam", "get_policy_version", PolicyArn=physical.id, VersionId=version)
    return {"PolicyDocument": document(answer["PolicyVersion"]["Document"])}


def _attachments(reader: Reader, physical: Physical) -> Mapping[str, Any]:
    """Who has the policy: one call, since IAM's paginator would ask once for each of the three lists."""
    answer = reader.call("iam", "list_entities_for_policy", PolicyArn=physical.id, MaxItems=_ENTITIES_PER_CALL)
    if answer.get("IsTruncated"):
        return all_unknown(("Roles", "Users", "Groups"), f"attached to more than {_ENTITIES_PER_CALL} entities")
    return {
        "Roles": sorted(item["RoleName"] for item in answer.get("PolicyRoles", ())),
        "Users": sorted(item["UserName"] for item in answer.get("PolicyUsers", ())),
        "Groups": sorted(item["GroupName"] for item in answer.get("PolicyGroups", ())),
    }


READERS = {
    "AWS::IAM::Role": ResourceReader(
        (
            Part((*_ROLE, "Tags"), _role),
            Part(("ManagedPolicyArns",), _attached),
            Part(("Policies",), _inline),
        ),
        asked_attributes=lambda reader, physical: renamed(role(reader, physical.id), same("Arn", "RoleId")),
    ),
    "AWS::IAM::ManagedPolicy": ResourceReader(
        (
            Part((*_POLICY, "Tags"), _policy),
            Part(("PolicyDocument",), _policy_document),
            Part(("Roles", "Users", "Groups"), _attachments),
        ),
        lambda _reader, physical: {"PolicyArn": physical.id},
    ),
}
