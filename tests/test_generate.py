"""`generate.py`: writes the template, or compares it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the script beside an empty folder for the template."""
    shutil.copy(ROOT / "generate.py", tmp_path)
    (tmp_path / "templates").mkdir()
    return tmp_path


def generate(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "generate.py", *arguments], cwd=checkout, capture_output=True, text=True, check=False
    )


def test_writes_the_committed_bytes(checkout: Path) -> None:
    assert generate(checkout).returncode == 0
    written = (checkout / "templates" / "hipaa-pipeline.yaml").read_bytes()
    assert written == (ROOT / "templates" / "hipaa-pipeline.yaml").read_bytes()


def test_check_is_silent_when_up_to_date(checkout: Path) -> None:
    generate(checkout)
    checked = generate(checkout, "--check")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_check_shows_the_difference_and_changes_nothing(checkout: Path) -> None:
    generate(checkout)
    template = checkout / "templates" / "hipaa-pipeline.yaml"
    weakened = template.read_text().replace("StorageEncrypted: true", "StorageEncrypted: false")
    template.write_text(weakened)
    checked = generate(checkout, "--check")
    assert checked.returncode == 1
    assert "-      StorageEncrypted: false\n+      StorageEncrypted: true\n" in checked.stdout
    assert template.read_text() == weakened


def test_check_without_a_template_says_what_to_do(checkout: Path) -> None:
    checked = generate(checkout, "--check")
    assert checked.returncode == 1
    assert "make template" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_unknown_arguments_are_refused(checkout: Path) -> None:
    refused = generate(checkout, "--chek")
    assert (refused.returncode, refused.stderr) == (2, "usage: python generate.py [--check]\n")
