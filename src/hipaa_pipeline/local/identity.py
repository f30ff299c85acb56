"""Who calls: an administrator's role, so that permissions can be simulated. MiniStack answers with the root user.

The role is really there, with AdministratorAccess attached: what it is denied, the simulation denies.
"""

from __future__ import annotations

import json
from typing import Any

from hipaa_pipeline.local.additions import Additions

ROLE = "local-administrator"
SESSION = "local"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(operations={"sts.GetCallerIdentity": get_caller_identity})


def ensure_role() -> dict[str, Any]:
    """The role of whoever calls, made unless it is there."""
    from ministack.services import iam
    from ministack.services.cloudformation import provisioners

    if ROLE not in iam._roles:
        statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        provisioners._iam_role_create(
            "",
            {"RoleName": ROLE, "AssumeRolePolicyDocument": json.dumps(trust), "ManagedPolicyArns": [ADMINISTRATOR]},
            "",
        )
    role: dict[str, Any] = iam._roles[ROLE]
    return role


def get_caller_identity(_request: dict[str, Any]) -> dict[str, Any]:
    """GetCallerIdentity: the administrator's role, whatever the credentials."""
    from ministack.core.responses import get_account_id

    account_id = get_account_id()
    return {
        "UserId": f"{ensure_role()['RoleId']}:{SESSION}",
        "Account": account_id,
        "Arn": f"arn:aws:sts::{account_id}:assumed-role/{ROLE}/{SESSION}",
    }
