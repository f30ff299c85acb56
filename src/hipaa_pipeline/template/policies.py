"""Policy documents that several topics share."""

from __future__ import annotations

from typing import Any

import awacs.sts as sts_actions
from awacs.aws import Allow, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import AccountId

VERSION = "2012-10-17"


def policy(*statements: Statement) -> PolicyDocument:
    """A policy document of these statements."""
    return PolicyDocument(Version=VERSION, Statement=list(statements))


def allow(sid: str, actions: list[Any], resources: list[Any], *conditions: Any) -> Statement:
    """A statement of an identity policy that allows actions on resources."""
    extra = {"Condition": Condition(list(conditions))} if conditions else {}
    return Statement(Sid=sid, Effect=Allow, Action=actions, Resource=resources, **extra)


def service_trust(service: Any, *conditions: Any, of_this_account: bool = True) -> PolicyDocument:
    """A trust policy for one AWS service.

    `of_this_account` and `conditions` keep another account from using the service as a confused deputy
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html); leave it off only for services that do
    not send the account, such as EC2 and Lambda.
    """
    account = [StringEquals("aws:SourceAccount", AccountId)] if of_this_account else []
    all_conditions = [*account, *conditions]
    extra = {"Condition": Condition(all_conditions)} if all_conditions else {}
    return policy(
        Statement(
            Effect=Allow,
            Principal=Principal("Service", service),
            Action=[sts_actions.AssumeRole],
            **extra,
        )
    )
