"""Bundles on disk: written whole or not at all, and read back byte by byte."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hipaa_pipeline.errors import UserError


def write(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write all files into a directory that must not hold anything yet: evidence is kept, not overwritten.

    They are written beside it first, so that an interruption leaves no half of a bundle. Raises UserError.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UserError(
            f"{directory} exists already, and evidence is not overwritten.",
            "Give another directory to --output, or none to have a dated one.",
        )
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
        try:
            _fill(beside, files)
            beside.chmod(0o755)
            beside.replace(directory)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise UserError(f"{directory} cannot be written: {error.strerror}.", f"ls -ld {directory.parent}") from error


def _fill(directory: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def read(directory: Path) -> dict[str, bytes]:
    """Everything in a directory by relative path. A link counts as what it is called, never as what it leads to.

    Raises UserError when the directory cannot be read.
    """
    if not directory.is_dir():
        raise UserError(f"There is no bundle at {directory}.", "hipaa-pipeline evidence --env ENV")
    found: dict[str, bytes] = {}
    try:
        for path in sorted(directory.rglob("*")):
            name = path.relative_to(directory).as_posix()
            if path.is_symlink():
                found[name] = b"link to " + str(path.readlink()).encode()
            elif path.is_file():
                found[name] = path.read_bytes()
            elif not any(path.iterdir()):
                found[f"{name}/"] = b""
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read: {error.strerror}.", f"ls -l {directory}") from error
    return found
