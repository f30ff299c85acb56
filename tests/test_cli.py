"""The command line as a process: streams of every kind, Ctrl-C at any time, usage errors; never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hipaa_pipeline import cli

ROOT = Path(__file__).parents[1]
BEGIN = "import sys; from hipaa_pipeline.__main__ import main; main()"
AGAIN = "next:  Send it elsewhere: run it again with > FILE.\n"
NAMED_IN_CYRILLIC = """\
Resources:
  Key: {Type: "AWS::KMS::Key", Properties: {EnableKeyRotation: "\u043d\u0435\u0442"}}
"""


def shell(words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a command line, where `hp` stands for the program."""
    code = f"hp() {{ '{sys.executable}' -c '{BEGIN}' \"$@\"; }}; {words}"
    return subprocess.run(
        ["bash", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("hp check --env dev >&-", "it is closed"),
        ("hp check --env dev >/dev/full", "No space left on device"),
        ("hp cost --env dev --format json >/dev/full", "No space left on device"),
        ("hp --help >/dev/full", "No space left on device"),
        ("hp --help <&- >&-", "it is closed"),
    ],
)
def test_a_result_that_cannot_be_written_is_told(words: str, reason: str) -> None:
    told = shell(words)
    assert told.returncode == 2
    assert f"error: The result cannot be written to standard output: {reason}.\n{AGAIN}" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_the_other_streams_may_be_closed(closed: str) -> None:
    told = shell(f"hp template --check {closed}")
    assert (told.returncode, told.stdout) == (0, "")


def test_a_reader_that_has_enough_is_no_error() -> None:
    told = shell("hp check --env dev | head -1")
    assert (told.returncode, told.stdout.count("\n"), told.stderr) == (0, 1, "")


def test_characters_that_standard_output_does_not_have_are_escaped(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(NAMED_IN_CYRILLIC, encoding="utf-8")
    told = shell(f"hp check {template}", PYTHONIOENCODING="ascii", COLUMNS="120")
    assert (told.returncode, told.stderr) == (1, "")
    assert "\\u043d\\u0435\\u0442" in told.stdout


@pytest.mark.parametrize(
    ("words", "error", "next_command"),
    [
        ("hp check --nope", "No such option '--nope'.", "check --help"),
        ("hp fleet plan", "Missing option '--fleet'.", "fleet plan --help"),
        ("hp nonsense", "No such command 'nonsense'.", "--help"),
        ("hp check --env dev --matrix", "Only one of --env, --parameters and --matrix can be used.", "check --help"),
        (
            "hp deploy --timeout nan",
            "Invalid value for '--timeout': 'nan' is not a number of minutes.",
            "deploy --help",
        ),
    ],
)
def test_a_usage_error_names_the_command_to_type(words: str, error: str, next_command: str) -> None:
    told = shell(words)
    program = cli.typed("hipaa-pipeline")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == f"error: {error}\nnext:  {program} {next_command}\n"


def test_without_a_command_the_help_is_shown() -> None:
    told = shell("hp")
    assert told.returncode == 2
    assert "Judge any CloudFormation template by the controls." in told.stderr


@pytest.mark.parametrize(
    ("command", "typed"),
    [
        ("make deploy ENV=dev", "make deploy ENV=dev"),
        ("hipaa-pipeline cost --help", ".venv/bin/hipaa-pipeline cost --help"),
        ("hipaa-pipeline-of-others", "hipaa-pipeline-of-others"),
    ],
)
def test_a_command_is_named_as_it_can_be_typed(
    command: str, typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python"))
    monkeypatch.chdir(tmp_path)
    assert cli.typed(command) == typed
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert cli.typed(command) == typed.replace(".venv", f"{tmp_path}/.venv")


def test_control_c_while_it_imports() -> None:
    """The interrupt comes as soon as the first of its own modules is there."""
    code = (
        f"import os, signal, threading; threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start(); {BEGIN}"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, "check", "--matrix"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert told.returncode == 128 + signal.SIGINT
    assert told.stderr.strip() == "error: Stopped: nothing more was done."
