"""`template`: the committed template and the generated documents, written or compared."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

import click

from hipaa_pipeline import console
from hipaa_pipeline.configuration import TEMPLATE_PATH, require_repository
from hipaa_pipeline.errors import ExitCode, UserError


@click.command(name="template")
@click.option("--check", is_flag=True, help="Compare only; exit 1 with a diff when something is not up to date.")
def command(check: bool) -> int:
    """Build the template and the generated documents, and write what has changed."""
    require_repository()
    stale = {path: text for path, text in generated().items() if _committed(path) != text}
    if check:
        for path, text in stale.items():
            console.result(difference(_committed(path), text, path))
        if stale:
            console.note(f"Not up to date: {', '.join(map(str, stale))}. Next: make template")
        return ExitCode.FAILED if stale else ExitCode.GOOD
    for path, text in stale.items():
        _write(path, text)
    console.note(f"Wrote {', '.join(map(str, stale))}." if stale else "Everything is up to date.")
    return ExitCode.GOOD


def generated() -> Mapping[Path, str]:
    """Every generated file by its path: the template first, then the documents."""
    from hipaa_pipeline.documents import all_documents
    from hipaa_pipeline.template import template_text

    return {TEMPLATE_PATH: template_text(), **all_documents()}


def difference(committed: str, text: str, path: Path) -> str:
    """A unified diff from what is committed to what is generated now."""
    lines = difflib.unified_diff(
        committed.splitlines(), text.splitlines(), f"{path} (committed)", f"{path} (generated)", lineterm=""
    )
    return "\n".join(lines)


def _committed(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", f"ls -ld {path}") from error


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", f"ls -ld {path.parent} {path}") from error
