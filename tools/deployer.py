"""The deployer's policies beside AWS's own reference of what each action needs; part of `make audit`.

Parliament carries the Service Authorization Reference as data: per action its resource types (`stream*`: must be named
in the same request) and the actions it depends on. It is some months old, so an action it does not know is told, not
judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hipaa_pipeline.permissions.grants import GRANTS

# What an action may need besides, but not for this template: (action) -> why.
NOT_NEEDED: Mapping[str, str] = {
    "autoscaling:DescribeAccountLimits": "Service Quotas asks it for Auto Scaling's own quotas",
    "dynamodb:DescribeLimits": "Service Quotas asks it for DynamoDB's own quotas",
    "elasticloadbalancing:DescribeAccountLimits": "Service Quotas asks it for load balancers' own quotas",
    "route53:GetAccountLimit": "Service Quotas asks it for Route 53's own quotas",
    "ecs:ListClusters": "the flow log has the default format, without fields of ECS",
    "ecs:ListContainerInstances": "the flow log has the default format, without fields of ECS",
    "ecs:ListServices": "the flow log has the default format, without fields of ECS",
    "ecs:ListTaskDefinitions": "the flow log has the default format, without fields of ECS",
    "ecs:ListTasks": "the flow log has the default format, without fields of ECS",
    "rds:CreateTenantDatabase": "PostgreSQL on RDS has no tenant databases",
    "rds:DeleteTenantDatabase": "PostgreSQL on RDS has no tenant databases",
    "secretsmanager:RotateSecret": "nothing rotates the password but RDS itself, by its schedule",
}
# What an action must name by AWS's reference, but by no ARN that could be written down: (action, type) -> why.
NOT_NAMED: Mapping[tuple[str, str], str] = {
    ("kinesis:GetResourcePolicy", "consumer"): "the policy asked for is the stream's",
}


def problems(reference_file: Path) -> Iterator[str]:
    """What the reference finds missing in the grants, a line each."""
    reference = _privileges(json.loads(reference_file.read_text(encoding="utf-8")))
    granted = {action.lower(): action for grant in GRANTS for action in grant.actions}
    for known, action in sorted(granted.items()):
        privilege = reference.get(known)
        if privilege is None:
            continue
        for dependent in sorted(privilege["depends"] - NOT_NEEDED.keys()):
            if dependent.lower() not in granted:
                yield f"{action} depends on {dependent}, which is not granted"
        resources = [arn for grant in GRANTS if action in grant.actions for arn in grant.resources]
        if "*" in resources:
            continue
        if not privilege["arns"]:
            yield f"{action} knows no resources, so that granting it on {resources[0]} allows nothing"
        for name, arn in sorted(privilege["required"].items()):
            if (action, name) not in NOT_NAMED and not any(_alike(arn, each) for each in resources):
                yield f"{action} must name a {name}, and none of {', '.join(resources)} is one"


def unknown(reference_file: Path) -> list[str]:
    """The granted actions that the reference is too old to know."""
    reference = _privileges(json.loads(reference_file.read_text(encoding="utf-8")))
    return sorted({action for grant in GRANTS for action in grant.actions if action.lower() not in reference})


def _privileges(services: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By action in lower case: what it depends on, the ARNs of its resource types, and those of the required ones."""
    found: dict[str, dict[str, Any]] = {}
    for service in services:
        arns = {resource["resource"]: resource["arn"] for resource in service["resources"]}
        for privilege in service["privileges"]:
            types = privilege["resource_types"]
            names = [each["resource_type"] for each in types if each["resource_type"]]
            found[f"{service['prefix']}:{privilege['privilege']}".lower()] = {
                "depends": {action for each in types for action in each["dependent_actions"]},
                "arns": names,
                "required": {name[:-1]: arns.get(name[:-1], "") for name in names if name.endswith("*")},
            }
    return found


def _alike(reference: str, granted: str) -> bool:
    """Whether two ARN patterns are of the same service and kind (`arn:…:kms:…:key/`)."""
    return _kind(reference) == _kind(granted)


def _kind(arn: str) -> tuple[str, str]:
    """The service and the first word of the resource; none where the resource begins with a name (SNS topics)."""
    _, _, service, _, _, rest = arn.split(":", 5) if arn.count(":") >= 5 else ("", "", arn, "", "", "")
    word = rest.replace("/", ":").split(":", 1)
    return service, word[0] if len(word) > 1 else ""
