"""Waivers: findings an environment lives with on purpose, each with a reason, an owner and an expiry date.

`parameters/waivers.toml`:

    [[waiver]]
    control = "rds_multi_az"
    environment = "dev"
    resource = "Database"        # optional: only the findings of this logical ID
    reason = "Development data can be loaded again"
    owner = "platform team"
    expiry = 2027-06-30          # the last day it counts

A waived finding is shown as waived, never as passed. Only failed findings can be waived: what could not be decided
stays unknown. A waiver that has expired, that nothing needs, or that names a control or an environment that does not
exist is itself a failed finding. 45 CFR 164.306(d)(3) asks for just this: a written reason where an addressable
specification is not implemented.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import tomllib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from hipaa_pipeline.configuration import PARAMETERS_DIRECTORY
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.findings import Finding, Status

WAIVERS_PATH = PARAMETERS_DIRECTORY / "waivers.toml"
CONTROL = "waivers"
CITATION = "164.306(d)(3)"

_TEXTS = ("control", "environment", "reason", "owner")
_HEADER = re.compile(r"^\s*\[\[\s*waiver\s*\]\]", re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Waiver:
    """One table of the file; `expiry` is the last day it counts, `line` where it starts in the file at `path`."""

    control: str
    environment: str
    reason: str
    owner: str
    expiry: datetime.date
    resource: str = ""
    path: str = str(WAIVERS_PATH)
    line: int = 0

    def covers(self, finding: Finding) -> bool:
        """Whether the waiver was written for this finding, whatever the date."""
        return finding.control == self.control and self.resource in ("", finding.resource)


def load_waivers(path: Path = WAIVERS_PATH) -> tuple[Waiver, ...]:
    """The waivers of a file, none where there is no file. Raises UserError with the line when it is malformed."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.", f"file {path}") from error
    return parse_waivers(text, str(path))


def parse_waivers(text: str, path: str = str(WAIVERS_PATH)) -> tuple[Waiver, ...]:
    """The waivers in a text; `path` names it in errors. Raises UserError with the line when it is malformed."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not valid TOML: {error}.", f"git diff -- {path}") from error
    tables = document.pop("waiver", [])
    if document or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UserError(f"{path}: only [[waiver]] tables belong here.", f"git diff -- {path}")
    lines = [text.count("\n", 0, found.end()) + 1 for found in _HEADER.finditer(text)]
    if len(lines) != len(tables):  # written as an inline array, which has no line of its own
        lines = [1] * len(tables)
    waivers = tuple(_waiver(table, path, line) for table, line in zip(tables, lines, strict=True))
    _refuse_twins(waivers)
    return waivers


def _waiver(table: dict[str, Any], path: str, line: int) -> Waiver:
    def refuse(what: str) -> UserError:
        return UserError(f"{path}:{line}: {what}", f"git diff -- {path}")

    fields = {*_TEXTS, "resource", "expiry"}
    if surplus := sorted(set(table) - fields):
        raise refuse(f"a waiver has {', '.join(sorted(fields))}, not {', '.join(surplus)}.")
    for name in _TEXTS:
        if not isinstance(table.get(name), str) or not table[name].strip():
            raise refuse(f"a waiver needs {name}, a text that is not empty.")
    if not isinstance(table.get("resource", ""), str):
        raise refuse("resource must be a logical ID, a text.")
    if type(table.get("expiry")) is not datetime.date:
        raise refuse("a waiver needs expiry, a date written without quotes, as in expiry = 2027-06-30.")
    return Waiver(**table, path=path, line=line)


def _refuse_twins(waivers: Sequence[Waiver]) -> None:
    seen: dict[tuple[str, str, str], Waiver] = {}
    for waiver in waivers:
        first = seen.setdefault((waiver.control, waiver.environment, waiver.resource), waiver)
        if first is not waiver:
            raise UserError(
                f"{waiver.path}:{waiver.line}: repeats the waiver of line {first.line}.", f"git diff -- {waiver.path}"
            )


def apply_waivers(
    findings: Iterable[Finding],
    waivers: Sequence[Waiver],
    environment: str,
    today: datetime.date,
    *,
    controls: Collection[str],
    environments: Collection[str],
) -> list[Finding]:
    """The findings with what is waived in the environment today marked so, then one finding for each bad waiver.

    `controls` and `environments` are those that exist: a waiver that names another is never needed anywhere.
    """
    judged = list(findings)
    ours = [waiver for waiver in waivers if waiver.environment == environment]
    valid = [waiver for waiver in ours if today <= waiver.expiry]
    return [
        *(_waived(finding, valid) for finding in judged),
        *(
            _unknown(waiver, controls, environments)
            for waiver in waivers
            if _is_unknown(waiver, controls, environments)
        ),
        *(_expired(waiver) for waiver in ours if today > waiver.expiry),
        *(_unused(waiver) for waiver in valid if waiver.control in controls and not _is_needed(waiver, judged)),
    ]


def _waived(finding: Finding, waivers: Sequence[Waiver]) -> Finding:
    waiver = next((waiver for waiver in waivers if waiver.covers(finding)), None)
    if waiver is None or finding.status is not Status.FAIL:
        return finding
    reason = f"{waiver.reason} (owner {waiver.owner}, until {waiver.expiry.isoformat()})"
    return dataclasses.replace(finding, status=Status.WAIVED, reason=reason)


def _is_needed(waiver: Waiver, findings: Iterable[Finding]) -> bool:
    return any(waiver.covers(finding) and finding.status is Status.FAIL for finding in findings)


def _is_unknown(waiver: Waiver, controls: Collection[str], environments: Collection[str]) -> bool:
    return waiver.control not in controls or waiver.environment not in environments


def _unknown(waiver: Waiver, controls: Collection[str], environments: Collection[str]) -> Finding:
    name, known = ("control", controls) if waiver.control not in controls else ("environment", environments)
    return _bad(
        waiver,
        "waivers_known",
        name,
        expected=f"one of {', '.join(sorted(known))}",
        actual=getattr(waiver, name),
        remedy=f"Correct the {name} at {waiver.path}:{waiver.line}, or remove the waiver.",
    )


def _expired(waiver: Waiver) -> Finding:
    return _bad(
        waiver,
        "waivers_expired",
        "expiry",
        expected="a day that is not over",
        actual=waiver.expiry.isoformat(),
        remedy=f"Meet the control, or have {waiver.owner} decide again and set a new expiry "
        f"at {waiver.path}:{waiver.line}.",
    )


def _unused(waiver: Waiver) -> Finding:
    return _bad(
        waiver,
        "waivers_unused",
        "control",
        expected=f"a failed finding of {waiver.control} in {waiver.environment}",
        actual="none",
        remedy=f"Remove the waiver at {waiver.path}:{waiver.line}: the control holds without it.",
    )


def _bad(waiver: Waiver, rule: str, field: str, *, expected: str, actual: str, remedy: str) -> Finding:
    """A failed finding about the waiver file; its line is in the remedy, since `line` counts in the template."""
    return Finding(
        control=CONTROL,
        rule=rule,
        status=Status.FAIL,
        resource=waiver.path,
        property=f"{waiver.control}.{waiver.environment}.{field}",
        expected=expected,
        actual=actual,
        citation=CITATION,
        remedy=remedy,
        severity="medium",
    )
