"""Who is calling: the first call of every command that talks to AWS, and the one that finds out that it cannot."""

from __future__ import annotations

import dataclasses

from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.session import AwsError, Session


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
    """The caller's account and ARN. Raises UserError when AWS cannot be reached or the credentials are not accepted."""
    try:
        answer = session.call("sts", "get_caller_identity")
    except AwsError as error:
        raise explain(error, session.connection) from error
    return Identity(answer["Account"], answer["Arn"])
