"""Who is calling: the first call of every command that talks to AWS, and the one that finds out that it cannot."""

from __future__ import annotations

import dataclasses
from typing import Any

from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.session import AwsError, ErrorKind, Session

FIRST_CONTACT_ATTEMPTS = 2


@dataclasses.dataclass(frozen=True)
class Identity:
    """The caller as STS names it."""

    account_id: str
    arn: str

    @property
    def partition(self) -> str:
        """The partition of the caller's ARN: `aws`, `aws-cn` or `aws-us-gov`."""
        return self.arn.split(":")[1]


def identify(session: Session) -> Identity:
    """The caller's account and ARN. Raises UserError when AWS cannot be reached or the credentials are not accepted.

    Asked with fewer attempts than other calls: a wrong endpoint is to be told in a second, not in fifteen.
    """
    hasty = Session(session.connection, read_only=True, max_attempts=FIRST_CONTACT_ATTEMPTS)
    try:
        answer = _asked(hasty, session)
    except AwsError as error:
        raise explain(error, session.connection) from error
    return Identity(answer["Account"], answer["Arn"])


def _asked(hasty: Session, session: Session) -> dict[str, Any]:
    try:
        return hasty.call("sts", "get_caller_identity")
    except AwsError as error:
        if error.kind is ErrorKind.UNREACHABLE or error.kind is ErrorKind.CREDENTIALS:
            raise
        return session.call("sts", "get_caller_identity")
