"""`hipaa-pipeline template`: the template and the generated documents."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from hipaa_pipeline.commands.template import command, generated
from hipaa_pipeline.errors import UserError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the parameter files and an empty place for the template, as the working directory."""
    shutil.copytree(ROOT / "parameters", tmp_path / "parameters")
    (tmp_path / "templates").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_everything_committed_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(command, ["--check"], standalone_mode=False)
    assert (result.return_value, result.stdout) == (0, "")


def test_writes_then_finds_nothing_to_do(checkout: Path) -> None:
    assert CliRunner().invoke(command, [], standalone_mode=False).return_value == 0
    again = CliRunner().invoke(command, [], standalone_mode=False)
    assert again.stderr == "Everything is up to date.\n"
    assert sorted(path for path in generated() if not path.exists()) == []


def test_check_names_what_is_stale_and_shows_how(checkout: Path) -> None:
    CliRunner().invoke(command, [], standalone_mode=False)
    document = checkout / "docs" / "controls.md"
    document.write_text(document.read_text() + "A claim of our own.\n")
    result = CliRunner().invoke(command, ["--check"], standalone_mode=False)
    assert result.return_value == 1
    assert "-A claim of our own." in result.stdout
    assert result.stderr == "Not up to date: docs/controls.md. Next: make template\n"


def test_a_file_that_cannot_be_written_is_told(checkout: Path) -> None:
    (checkout / "docs").touch()
    with pytest.raises(UserError) as caught:
        CliRunner().invoke(command, [], standalone_mode=False, catch_exceptions=False)
    assert caught.value.message.endswith("cannot be written: File exists.")
    assert caught.value.next_command.startswith("ls -ld docs ")


def test_a_file_that_cannot_be_read_is_told(checkout: Path) -> None:
    (checkout / "templates/hipaa-pipeline.yaml").mkdir()
    with pytest.raises(UserError) as caught:
        CliRunner().invoke(command, ["--check"], standalone_mode=False, catch_exceptions=False)
    assert caught.value.message == "templates/hipaa-pipeline.yaml cannot be read: Is a directory."
    assert caught.value.next_command == "ls -ld templates/hipaa-pipeline.yaml"


def test_outside_the_repository_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="not the repository"):
        CliRunner().invoke(command, [], standalone_mode=False, catch_exceptions=False)
