"""An AWS error as a sentence, with the command that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.session import AwsError, Connection, ErrorKind, Session
from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.local.server import LocalAccount

REFUSED = "AWS credentials are missing or were not accepted: "
CONFIGURATION = """
[profile broken]
credential_process = /bin/false
[profile never-logged-in]
sso_session = company
sso_account_id = 111122223333
sso_role_name = deployer
[sso-session company]
sso_region = ap-southeast-1
sso_start_url = https://company.example/start
[profile dangling]
role_arn = arn:aws:iam::111122223333:role/deployer
source_profile = nowhere
"""


@pytest.fixture(autouse=True)
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file of three profiles, none of which gives credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    configuration = tmp_path / "config"
    configuration.write_text(CONFIGURATION)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return configuration


def asked(profile: str | None) -> tuple[str, str]:
    """What a caller without credentials is told: the message and the next command."""
    connection = Connection("ap-southeast-1", profile)
    with pytest.raises(AwsError) as caught:
        Session(connection).call("sts", "get_caller_identity")
    assert caught.value.kind is ErrorKind.CREDENTIALS
    told = explain(caught.value, connection)
    assert told.exit_code is ExitCode.USAGE
    return told.message.removeprefix(REFUSED), told.next_command


@pytest.mark.parametrize(
    ("profile", "message", "next_command"),
    [
        (None, "Unable to locate credentials.", "aws configure sso"),
        (
            "broken",
            "Error when retrieving credentials from custom-process.",
            "aws sts get-caller-identity --profile broken",
        ),
        (
            "never-logged-in",
            "Error loading SSO Token: Token for company does not exist.",
            "aws sso login --profile never-logged-in",
        ),
        (
            "dangling",
            'The source_profile "nowhere" referenced in the profile "dangling" does not exist.',
            "aws configure list-profiles",
        ),
        ("unknown", "The config profile (unknown) could not be found.", "aws configure list-profiles"),
    ],
)
def test_what_a_profile_without_credentials_is_told(profile: str | None, message: str, next_command: str) -> None:
    assert asked(profile) == (message, next_command)


def test_the_profile_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "never-logged-in")
    assert asked(None)[1] == "aws sso login --profile never-logged-in"


def test_half_a_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half")
    assert asked(None)[0] == "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY."


def test_a_malformed_configuration_file_is_told(no_credentials: Path) -> None:
    no_credentials.write_text("[profile x")
    assert asked(None) == (f"Unable to parse config file: {no_credentials}.", "Correct that file, then run it again.")


@pytest.mark.parametrize(
    ("code", "message", "told"),
    [
        ("ResponseParserError", "Unable to parse response", "Unable to parse response."),
        ("403", "<html>a whole page</html>", "HTTP 403."),
        ("502", "Bad Gateway", "HTTP 502."),
    ],
)
def test_what_a_proxy_answers_is_no_answer_of_aws(code: str, message: str, told: str) -> None:
    connection = Connection("ap-southeast-1", endpoint_url="http://127.0.0.1:9")
    explained = explain(AwsError(ErrorKind.OTHER, "sts", "get_caller_identity", code, message), connection)
    assert explained.message == (f"The answer to sts:GetCallerIdentity was not AWS's, but perhaps a proxy's: {told}")
    assert (explained.next_command, explained.exit_code) == ("curl -sS http://127.0.0.1:9", ExitCode.UNKNOWN)


def test_an_operation_that_the_local_account_lacks_is_told(
    account: LocalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.endpoint_url)
    with pytest.raises(AwsError) as caught:
        Session(account.connection).call("cloudformation", "describe_stack_set", StackSetName="s")
    explained = explain(caught.value)
    assert explained.message == (
        f"{account.endpoint_url} does not have cloudformation:DescribeStackSet: "
        "a local account knows only what one stack needs."
    )
    assert (explained.next_command, explained.exit_code) == ("unset AWS_ENDPOINT_URL", ExitCode.USAGE)


@pytest.mark.parametrize(
    ("kind", "message", "next_command", "exit_code"),
    [
        (ErrorKind.UNREACHABLE, "AWS did not answer: no.", "curl -sS https://sts.amazonaws.com", ExitCode.UNKNOWN),
        (
            ErrorKind.DENIED,
            "AWS refused ec2:DescribeVpcs: no.",
            "Ask for ec2:DescribeVpcs in your IAM policy, then run it again.",
            ExitCode.FAILED,
        ),
        (
            ErrorKind.THROTTLED,
            "AWS keeps throttling ec2:DescribeVpcs.",
            "Run it again in a minute.",
            ExitCode.UNKNOWN,
        ),
        (ErrorKind.OTHER, "ec2:DescribeVpcs failed: no.", "aws sts get-caller-identity", ExitCode.FAILED),
    ],
)
def test_each_kind(kind: ErrorKind, message: str, next_command: str, exit_code: ExitCode) -> None:
    told = explain(AwsError(kind, "ec2", "describe_vpcs", "Code", "no"))
    assert (told.message, told.next_command, told.exit_code) == (message, next_command, exit_code)
