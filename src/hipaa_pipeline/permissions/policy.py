"""The deployer's policies, generated from the grants: managed policies of at most 6,144 characters each.

White space does not count: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hipaa_pipeline.permissions.grants import GRANTS, Conditions, Grant, filled

if TYPE_CHECKING:
    from awacs.aws import PolicyDocument, Statement

MAX_CHARACTERS = 6_144
ANY = {"stack": "hipaa-pipeline-*", "suffix": "*", "environment": "*"}


def deployer_policies(partition: str = "aws", region: str = "*", account: str = "*") -> list[PolicyDocument]:
    """The policies that together allow every command in this account and Region, and no more."""
    from awacs.aws import PolicyDocument

    values = {**ANY, "partition": partition, "region": region, "account": account}
    documents: list[PolicyDocument] = []
    for grant in GRANTS:
        statement = _statement(grant, values)
        if documents and size([*documents[-1].Statement, statement]) <= MAX_CHARACTERS:
            documents[-1].Statement.append(statement)
        else:
            documents.append(PolicyDocument(Version="2012-10-17", Statement=[statement]))
    return documents


def size(statements: Sequence[Statement]) -> int:
    """The characters that IAM counts of a policy with these statements."""
    from awacs.aws import PolicyDocument

    document = PolicyDocument(Version="2012-10-17", Statement=list(statements))
    return len("".join(str(document.to_json()).split()))


def conditions(grant: Grant, values: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The grant's conditions with their placeholders filled in; one that any Region meets is no condition."""
    told = _filled_conditions(grant.conditions, values)
    return {operator: keys for operator, keys in told.items() if keys != {"aws:RequestedRegion": ["*"]}}


def _filled_conditions(given: Conditions, values: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {
        operator: {key: [filled(value, values) for value in options] for key, options in keys.items()}
        for operator, keys in given.items()
    }


def _statement(grant: Grant, values: dict[str, str]) -> Statement:
    import awacs.aws as awacs

    told = conditions(grant, values)
    operators = [getattr(awacs, operator)(keys) for operator, keys in told.items()]
    return awacs.Statement(
        Sid=grant.sid,
        Effect=awacs.Allow,
        Action=[awacs.Action(*action.split(":", 1)) for action in grant.actions],
        Resource=[filled(resource, values) for resource in grant.resources],
        **({"Condition": awacs.Condition(operators)} if operators else {}),
    )
