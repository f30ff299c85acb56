"""Stack policies, evaluated as CloudFormation does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hipaa_pipeline.local.stack_policy import refusal

ALLOW_ALL = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}


def deny(**changed: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*", **changed}


def asked(statements: list[dict[str, Any]], action: str) -> str | None:
    return refusal(json.dumps({"Statement": statements}), action, "Database", "AWS::RDS::DBInstance")


@pytest.mark.parametrize(
    ("statement", "action", "denied"),
    [
        (deny(), "Update:Modify", True),
        (deny(Action="Update:Replace"), "Update:Replace", True),
        (deny(Action="Update:Replace"), "Update:Modify", False),
        (deny(Action=["Update:Replace", "Update:Delete"]), "Update:Delete", True),
        (deny(NotAction="Update:Modify"), "Update:Modify", False),
        (deny(NotAction="Update:Modify"), "Update:Delete", True),
        (deny(Resource="LogicalResourceId/Database"), "Update:Modify", True),
        (deny(Resource="LogicalResourceId/Data*"), "Update:Modify", True),
        (deny(Resource=["LogicalResourceId/Key"]), "Update:Modify", False),
        (deny(NotResource="LogicalResourceId/Database"), "Update:Modify", False),
        (deny(Condition={"StringEquals": {"ResourceType": ["AWS::RDS::DBInstance"]}}), "Update:Modify", True),
        (deny(Condition={"StringEquals": {"ResourceType": "AWS::KMS::Key"}}), "Update:Modify", False),
        (deny(Condition={"StringLike": {"ResourceType": "AWS::RDS::*"}}), "Update:Modify", True),
    ],
)
def test_a_denial_wins_where_it_applies(statement: dict[str, Any], action: str, denied: bool) -> None:
    told = asked([ALLOW_ALL, statement], action)
    expected = f"Action denied by stack policy: Statement [#2] does not allow [{action}] for resource [Database]"
    assert told == (expected if denied else None)


def test_what_nothing_allows_is_not_allowed() -> None:
    told = asked([{**ALLOW_ALL, "Resource": "LogicalResourceId/Key"}], "Update:Modify")
    assert told == "Action not allowed by stack policy: no statement allows [Update:Modify] for [Database]"


def test_without_a_policy_everything_is_allowed() -> None:
    assert refusal("", "Update:Replace", "Database", "AWS::RDS::DBInstance") is None
