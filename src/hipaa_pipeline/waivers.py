"""Waivers: findings an environment lives with on purpose, each with a reason, an owner and an expiry date.

`parameters/waivers.toml`:

    [[waiver]]
    control = "rds_multi_az"
    environment = "dev"
    resource = "Database"        # optional: only the findings of this logical ID
    reason = "Development data can be loaded again"
    owner = "platform team"
    expiry = 2027-06-30          # the last day it counts, at most 366 days ahead

A waived finding is shown as waived, never as passed. Only failed findings can be waived: what could not be decided
stays unknown. Only what its question marks `waivable` can be, a control only in an environment that is not protected,
and where the account differs from the template only one resource at a time. A waiver that may not be, that has expired,
that lasts too long, that nothing needs, or that names a control or an environment that does not exist has no effect,
and is itself a failed finding.

Where a waiver touches addressable specifications only, it is the written decision that 45 CFR 164.306(d)(3) asks for.
A required specification or a standard leaves no such choice: touching one is a risk that is accepted under
164.308(a)(1)(ii)(B), which an environment without ePHI can afford.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipaa_pipeline.configuration import PARAMETERS_DIRECTORY
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.findings import Finding, Status

if TYPE_CHECKING:
    from hipaa_pipeline.controls import Check, Kind, Paragraph
    from hipaa_pipeline.verification.live_checks import Question

WAIVERS_PATH = PARAMETERS_DIRECTORY / "waivers.toml"
CONTROL = "waivers"
RISK_MANAGEMENT = "164.308(a)(1)(ii)(B)"
LONGEST = datetime.timedelta(days=366)
"""How far ahead a waiver may end: each decision is taken again within a year."""

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

    @property
    def touched(self) -> tuple[Paragraph, ...]:
        """The paragraphs that the control serves, in the regulation's order; none for a control that does not exist."""
        from hipaa_pipeline.controls import HIPAA

        citations = known()[self.control].citations if self.control in known() else ()
        return tuple(paragraph for paragraph in HIPAA if paragraph.citation in citations)

    @property
    def decision(self) -> str:
        """What the waiver is in the regulation's terms, with the paragraph."""
        from hipaa_pipeline.controls import Check

        asked = known().get(self.control)
        if asked is None or not asked.waivable:
            return "none: it may not be waived"
        where = " for an environment without ePHI" if isinstance(asked, Check) else ""
        return decided({paragraph.kind for paragraph in self.touched}, where)


def decided(kinds: Collection[Kind], where: str = "") -> str:
    """What doing without paragraphs of these kinds is called, `where` it is done."""
    from hipaa_pipeline.controls import Kind

    if not kinds:
        return "no paragraph touched"
    if set(kinds) == {Kind.ADDRESSABLE}:
        return "an addressable specification, decided in writing, 164.306(d)(3)"
    return f"risk acceptance{where}, {RISK_MANAGEMENT}"


@functools.cache
def known() -> Mapping[str, Check | Question]:
    """Everything that is asked of a template or of a running stack, by slug: what a waiver can name."""
    from hipaa_pipeline.controls import CHECKS
    from hipaa_pipeline.verification.verify import QUESTIONS

    return {**{check.slug: check for check in CHECKS}, **{question.slug: question for question in QUESTIONS}}


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
    protected: bool,
    environments: Collection[str],
) -> list[Finding]:
    """The findings with what is waived in the environment today marked so, then what is wrong with the waivers.

    `protected` is whether the environment is. `environments` are those that exist: a waiver that names another is never
    needed anywhere.
    """
    judged = list(findings)
    bad = {waiver: list(_problems(waiver, environment, today, protected, environments)) for waiver in waivers}
    valid = [waiver for waiver, problems in bad.items() if waiver.environment == environment and not problems]
    return [
        *(_waived(finding, valid) for finding in judged),
        *(problem for problems in bad.values() for problem in problems),
        *(_unused(waiver) for waiver in valid if _is_unused(waiver, judged)),
    ]


def _waived(finding: Finding, waivers: Sequence[Waiver]) -> Finding:
    waiver = next((waiver for waiver in waivers if waiver.covers(finding)), None)
    if waiver is None or finding.status is not Status.FAIL:
        return finding
    reason = f"{waiver.reason} ({waiver.decision}; owner {waiver.owner}, until {waiver.expiry.isoformat()})"
    return dataclasses.replace(finding, status=Status.WAIVED, reason=reason)


def _is_unused(waiver: Waiver, findings: Iterable[Finding]) -> bool:
    """Whether the control was asked, and all that the waiver covers is known to hold."""
    asked = [finding for finding in findings if finding.control == waiver.control]
    needing = (Status.FAIL, Status.UNKNOWN)
    return bool(asked) and not any(waiver.covers(finding) and finding.status in needing for finding in asked)


def _problems(
    waiver: Waiver, environment: str, today: datetime.date, protected: bool, environments: Collection[str]
) -> Iterator[Finding]:
    """What keeps a waiver from having an effect; of another environment's only whether it names what exists."""
    if waiver.control not in known() or waiver.environment not in environments:
        yield _unknown(waiver, environments)
        return
    if waiver.environment != environment:
        return
    refusal = _refusal(waiver, protected)
    if refusal:
        yield _refused(waiver, refusal)
    if _is_sweeping(waiver):
        yield _sweeping(waiver)
    if today > waiver.expiry:
        yield _expired(waiver)
    if waiver.expiry - today > LONGEST:
        yield _too_long(waiver, today + LONGEST)


def _refusal(waiver: Waiver, protected: bool) -> str:
    """Why the control may not be waived in the environment; empty where it may."""
    from hipaa_pipeline.controls import Check

    asked = known()[waiver.control]
    if not asked.waivable:
        return f"{waiver.control}, which may not be waived"
    return f"{waiver.environment}, which is protected" if isinstance(asked, Check) and protected else ""


def _is_sweeping(waiver: Waiver) -> bool:
    """Whether a waiver would accept any difference between template and account."""
    from hipaa_pipeline.verification.verify import COMPARED

    return waiver.control in {question.slug for question in COMPARED} and not waiver.resource


def _waivable() -> str:
    return ", ".join(sorted(slug for slug, asked in known().items() if asked.waivable))


def _unknown(waiver: Waiver, environments: Collection[str]) -> Finding:
    name = "control" if waiver.control not in known() else "environment"
    return _bad(
        waiver,
        "waivers_known",
        name,
        expected=f"one of {_waivable() if name == 'control' else ', '.join(sorted(environments))}",
        actual=getattr(waiver, name),
        remedy=f"Correct the {name} at {waiver.path}:{waiver.line}, or remove the waiver.",
    )


def _refused(waiver: Waiver, refusal: str) -> Finding:
    return _bad(
        waiver,
        "waivers_waivable",
        "control",
        expected=f"one of {_waivable()}; a control only where DeletionProtection is false",
        actual=refusal,
        remedy=f"Meet the control, and remove the waiver at {waiver.path}:{waiver.line}: it has no effect.",
    )


def _sweeping(waiver: Waiver) -> Finding:
    return _bad(
        waiver,
        "waivers_sweeping",
        "resource",
        expected="the logical ID of one resource",
        actual="not set",
        remedy=f"Name the resource at {waiver.path}:{waiver.line}, one waiver for each.",
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


def _too_long(waiver: Waiver, latest: datetime.date) -> Finding:
    return _bad(
        waiver,
        "waivers_too_long",
        "expiry",
        expected=f"{latest.isoformat()} or earlier: at most {LONGEST.days} days ahead",
        actual=waiver.expiry.isoformat(),
        remedy=f"Set an earlier expiry at {waiver.path}:{waiver.line}, and have {waiver.owner} decide again by then.",
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
        citation=RISK_MANAGEMENT,
        remedy=remedy,
        severity="medium",
    )
