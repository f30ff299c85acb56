"""Another account's session, through a role there."""

from __future__ import annotations

import dataclasses

from hipaa_pipeline.aws.session import Session

_SESSION_NAME = "hipaa-pipeline"


def assumed(session: Session, role_arn: str, region: str) -> Session:
    """A read-only session with a role's temporary credentials, in a Region. Raises AwsError when it is not given.

    `session` is not read-only: taking a role changes nothing, but it is no read by its name.
    """
    answer = session.call("sts", "assume_role", RoleArn=role_arn, RoleSessionName=_SESSION_NAME)
    credentials = answer["Credentials"]
    connection = dataclasses.replace(
        session.connection,
        region=region,
        profile=None,
        access_key_id=credentials["AccessKeyId"],
        secret_access_key=credentials["SecretAccessKey"],
        session_token=credentials["SessionToken"],
    )
    return Session(connection, read_only=True)
