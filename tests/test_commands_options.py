"""Options that many commands share: what they refuse, and which account and Region they lead to."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from hipaa_pipeline import cli
from hipaa_pipeline.aws.session import AwsError, Connection, ErrorKind, configured_region
from hipaa_pipeline.commands.options import Minutes, connection_for, place
from hipaa_pipeline.errors import UserError

NEEDING_THE_REPOSITORY = (
    ("template",),
    ("check",),
    ("check", "--matrix"),
    ("check", "--env", "dev"),
    ("preflight",),
    ("plan",),
    ("deploy", "--yes"),
    ("verify",),
    ("evidence",),
    ("cost",),
    ("cost", "--refresh"),
    ("destroy", "--yes"),
    ("rehearse",),
)


@pytest.fixture(autouse=True)
def no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An AWS configuration file with a profile of a Region that there is, and one of a Region that there is not."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "config"
    path.write_text("[profile good]\nregion = eu-central-1\n[profile bad]\nregion = xx\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return path


@pytest.mark.parametrize("arguments", NEEDING_THE_REPOSITORY, ids=" ".join)
def test_outside_the_repository_every_command_says_so_first(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        cli.group.main(list(arguments), standalone_mode=False)
    assert caught.value.message == "There is no folder parameters/ here: this is not the repository."
    assert caught.value.next_command == f"cd {Path(cli.__file__).parents[2]}"
    assert capsys.readouterr().out == ""
    assert not (tmp_path / ".local-account").exists()


@pytest.mark.parametrize(
    ("region", "profile", "variables", "expected"),
    [
        (None, None, {}, "ap-southeast-1"),
        ("us-east-1", "good", {"AWS_REGION": "eu-west-1"}, "us-east-1"),
        (None, "good", {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        (None, "good", {}, "eu-central-1"),
        (None, None, {"AWS_DEFAULT_REGION": "us-west-2"}, "us-west-2"),
        (None, None, {"AWS_PROFILE": "good"}, "eu-central-1"),
    ],
)
def test_the_region_of_an_environment(
    region: str | None, profile: str | None, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert connection_for("dev", region, profile) == Connection(expected, profile)


@pytest.mark.parametrize(
    ("environment", "region", "profile", "variables"),
    [
        ("dev", "xx", None, {}),
        ("local", "xx", None, {}),
        ("dev", None, "bad", {}),
        ("dev", None, None, {"AWS_REGION": "xx"}),
        ("dev", None, None, {"AWS_DEFAULT_REGION": "xx"}),
        ("dev", None, None, {"AWS_PROFILE": "bad"}),
    ],
)
def test_what_is_no_region_is_refused_wherever_it_comes_from(
    environment: str,
    region: str | None,
    profile: str | None,
    variables: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="'xx' is no AWS Region"):
        connection_for(environment, region, profile)
    assert not (tmp_path / ".local-account").exists()


def test_a_profile_that_is_needed_for_the_region_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AwsError) as caught:
        configured_region("nope")
    assert (caught.value.kind, caught.value.code) == (ErrorKind.CREDENTIALS, "ProfileNotFound")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert configured_region("nope") == "eu-west-1"


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--region", ""),
        ("check", "--region", ""),
        ("check", "--env", ""),
        ("cost", "--region", "xx"),
        ("local", "serve", "--region", ""),
        ("local", "serve", "--region", "xx"),
    ],
    ids=" ".join,
)
def test_an_empty_or_impossible_name_is_bad_input(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match=r"is no AWS Region|There is no environment ''"):
        cli.group.main(list(arguments), standalone_mode=False)


def test_an_empty_profile_is_bad_input() -> None:
    with pytest.raises(click.UsageError, match="A profile has a name"):
        cli.group.main(["verify", "--profile", ""], standalone_mode=False)


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "-inf", "1e308", "soon"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(click.UsageError):
        Minutes().convert(text, None, None)


def test_a_time() -> None:
    assert Minutes().convert("1.5", None, None) == 1.5


def test_place() -> None:
    assert place("us-east-1", "good") == "--region us-east-1 --profile good"
    assert place(None, None) == ""
