"""An AWS call that gave no answer, as a sentence for a person and the next command to type."""

from __future__ import annotations

import os

from hipaa_pipeline.aws.session import AwsError, Connection, ErrorKind
from hipaa_pipeline.errors import ExitCode, UserError

_NO_SUCH_OPERATION = frozenset({"InvalidAction", "UnknownOperationException"})


def explain(error: AwsError, connection: Connection | None = None) -> UserError:
    """The UserError for an AwsError that nobody closer to the cause could explain better."""
    if error.kind is ErrorKind.CREDENTIALS:
        return UserError(
            f"AWS credentials are missing or were not accepted: {_told(error)}", _log_in(error, connection)
        )
    if error.kind is ErrorKind.UNREACHABLE:
        return UserError(f"AWS did not answer: {_told(error)}", _reach(connection), ExitCode.UNKNOWN)
    if error.code == "ResponseParserError" or error.code.isdecimal():
        told = f"HTTP {error.code}." if error.code.isdecimal() else _told(error)
        message = f"The answer to {error.action} was not AWS's, but perhaps a proxy's: {told}"
        return UserError(message, _reach(connection), ExitCode.UNKNOWN)
    if error.code in _NO_SUCH_OPERATION and (endpoint := _endpoint(connection)):
        message = f"{endpoint} does not have {error.action}: a local account knows only what one stack needs."
        return UserError(message, "unset AWS_ENDPOINT_URL")
    if error.kind is ErrorKind.DENIED:
        message = f"AWS refused {error.action}: {_told(error)}"
        return UserError(message, f"Ask for {error.action} in your IAM policy, then run it again.", ExitCode.FAILED)
    if error.kind is ErrorKind.THROTTLED:
        return UserError(f"AWS keeps throttling {error.action}.", "Run it again in a minute.", ExitCode.UNKNOWN)
    return UserError(f"{error.action} failed: {_told(error)}", "aws sts get-caller-identity", ExitCode.FAILED)


def _told(error: AwsError) -> str:
    """AWS's own words, as one sentence; a provider may answer nothing but a code."""
    text = " ".join((error.message or error.code or "no reason was given").split()).rstrip(":")
    return text if text.endswith((".", "!", "?")) else text + "."


def _log_in(error: AwsError, connection: Connection | None) -> str:
    """What gives a caller credentials, or shows what keeps their provider from it."""
    profile = (connection.profile if connection else None) or os.environ.get("AWS_PROFILE")
    option = f" --profile {profile}" if profile else ""
    if error.code in ("ProfileNotFound", "InvalidConfigError"):
        return "aws configure list-profiles"
    if error.code in ("ConfigParseError", "ConfigNotFound"):
        return "Correct that file, then run it again."
    if error.code.startswith("Login"):
        return f"aws login{option}"
    if error.code == "CredentialRetrievalError":
        return f"aws sts get-caller-identity{option}"
    return f"aws sso login{option}" if profile else "aws configure sso"


def _reach(connection: Connection | None) -> str:
    return f"curl -sS {_endpoint(connection) or 'https://sts.amazonaws.com'}"


def _endpoint(connection: Connection | None) -> str | None:
    """The address that is called instead of AWS's own; None without one."""
    return (connection.endpoint_url if connection else None) or os.environ.get("AWS_ENDPOINT_URL")
