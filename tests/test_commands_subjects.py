"""What every command that asks AWS about an environment begins with: its own files first, then who is calling."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hipaa_pipeline import cli
from hipaa_pipeline.commands.subjects import subject_of
from hipaa_pipeline.configuration import PARAMETERS_DIRECTORY, TEMPLATE_PATH
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.evaluation.parameters import ParameterError
from hipaa_pipeline.local.server import LocalAccount

ASKING = (
    ("preflight",),
    ("plan",),
    ("deploy", "--yes"),
    ("verify",),
    ("evidence",),
    ("destroy", "--yes"),
)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials for an endpoint that nothing listens at."""
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "ap-southeast-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_CREDENTIAL_EXPIRATION", raising=False)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the template and the parameter files, as a clone has them."""
    shutil.copytree(PARAMETERS_DIRECTORY, tmp_path / PARAMETERS_DIRECTORY)
    shutil.copytree(TEMPLATE_PATH.parent, tmp_path / TEMPLATE_PATH.parent)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("arguments", ASKING, ids=lambda arguments: arguments[0])
def test_a_malformed_end_of_credentials_is_told(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore would take it for an invalid endpoint."""
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "tomorrow")
    with pytest.raises(UserError) as caught:
        cli.group.main([*arguments, "--env", "dev"], standalone_mode=False)
    assert caught.value.message == (
        "AWS_CREDENTIAL_EXPIRATION is 'tomorrow', which is not an ISO 8601 time such as 2026-11-23T14:00:00Z."
    )
    assert caught.value.next_command == "unset AWS_CREDENTIAL_EXPIRATION"


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("arguments", ASKING, ids=lambda arguments: arguments[0])
def test_an_endpoint_that_does_not_answer_is_told(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as caught:
        cli.group.main([*arguments, "--env", "dev"], standalone_mode=False)
    assert caught.value.exit_code is ExitCode.UNKNOWN
    assert caught.value.next_command == "curl -sS http://127.0.0.1:9"


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("arguments", ASKING[:-1], ids=lambda arguments: arguments[0])
def test_an_invalid_parameter_is_told_before_aws_is_asked(place: Path, arguments: tuple[str, ...]) -> None:
    """Nothing answers at this endpoint; the error is about the file all the same."""
    path = place / PARAMETERS_DIRECTORY / "dev.json"
    document = json.loads(path.read_text())
    document["Parameters"]["LogRetentionDays"] = "3"
    path.write_text(json.dumps(document))
    with pytest.raises(ParameterError, match="LogRetentionDays"):
        cli.group.main([*arguments, "--env", "dev"], standalone_mode=False)


def test_the_template_is_resolved_for_the_callers_account(
    account: LocalAccount, nowhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.endpoint_url)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    subject = subject_of("dev", None, None)
    assert (subject.identity.account_id, subject.identity.partition) == ("111122223333", "aws")
    assert (subject.expected.account_id, subject.expected.region) == ("111122223333", "eu-central-1")
    assert subject.expected.name == "hipaa-pipeline-dev"
    assert subject.reading.read_only


@pytest.mark.parametrize("arguments", [("verify",), ("evidence",)], ids=" ".join)
def test_a_stack_that_is_not_there_is_told_with_the_same_place(
    account: LocalAccount, nowhere: None, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.endpoint_url)
    with pytest.raises(UserError) as caught:
        cli.group.main([*arguments, "--env", "dev", "--region", "us-east-1"], standalone_mode=False)
    assert caught.value.message == "There is no stack hipaa-pipeline-dev in account 111122223333, us-east-1."
    assert caught.value.next_command == 'make deploy ENV=dev ARGS="--region us-east-1"'
