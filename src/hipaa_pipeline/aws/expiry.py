"""When the caller's credentials end, as far as their environment says."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hipaa_pipeline.errors import UserError

if TYPE_CHECKING:
    from hipaa_pipeline.aws.session import Connection

VARIABLE = "AWS_CREDENTIAL_EXPIRATION"


def credentials_expire_at(connection: Connection, environment: Mapping[str, str]) -> datetime.datetime | None:
    """The end of credentials taken from the environment's variables; None where they name none.

    `aws configure export-credentials --format env` and aws-vault set the variable beside the keys. Profiles renew
    their credentials themselves, so it says nothing about them. Raises UserError for a value that is no ISO 8601 time.
    """
    text = environment.get(VARIABLE)
    from_variables = not connection.profile and not connection.access_key_id and "AWS_ACCESS_KEY_ID" in environment
    if not text or not from_variables:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{VARIABLE} is {text!r}, which is not an ISO 8601 time such as 2026-11-23T14:00:00Z."
        raise UserError(message, f"unset {VARIABLE}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
