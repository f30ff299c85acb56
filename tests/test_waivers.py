"""A waiver turns a failure into `waived` and nothing else; a bad waiver is a failure of its own."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from hipaa_pipeline.controls import Kind
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.findings import Finding, Status, exit_code
from hipaa_pipeline.waivers import Waiver, apply_waivers, decided, known, load_waivers, parse_waivers

TODAY = datetime.date(2026, 11, 23)
DAY = datetime.timedelta(days=1)
ENVIRONMENTS = {"dev", "prod"}
GOOD = """\
# why
[[waiver]]
control = "rds_multi_az"
environment = "dev"
reason = "Data can be loaded again"
owner = "platform team"
expiry = 2026-11-23
"""


def waiver(**changes: object) -> Waiver:
    fields: dict[str, object] = {
        "control": "rds_multi_az",
        "environment": "dev",
        "reason": "Data can be loaded again",
        "owner": "platform team",
        "expiry": TODAY,
        "line": 2,
    }
    return Waiver(**{**fields, **changes})  # type: ignore[arg-type]


def finding(status: Status = Status.FAIL, control: str = "rds_multi_az", resource: str = "Database") -> Finding:
    return Finding(control=control, status=status, resource=resource)


def applied(
    findings: list[Finding], *waivers: Waiver, environment: str = "dev", protected: bool = False
) -> list[Finding]:
    return apply_waivers(findings, waivers, environment, TODAY, protected=protected, environments=ENVIRONMENTS)


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(item.rule, str(item.status)) for item in findings]


def test_a_file_is_read_with_the_line_of_each_waiver() -> None:
    assert parse_waivers(GOOD) == (waiver(),)


def test_no_file_means_no_waivers(tmp_path: Path) -> None:
    assert load_waivers(tmp_path / "waivers.toml") == ()


def test_the_last_day_still_counts_and_the_reason_names_owner_and_day() -> None:
    [only] = applied([finding()], waiver())
    assert only.status is Status.WAIVED
    assert only.reason == (
        "Data can be loaded again (risk acceptance for an environment without ePHI, 164.308(a)(1)(ii)(B);"
        " owner platform team, until 2026-11-23)"
    )
    assert exit_code([only]) is ExitCode.GOOD


@pytest.mark.parametrize(
    ("findings", "waivers", "expected"),
    [
        ([finding()], [], [("rds_multi_az", "fail")]),
        (
            [finding(), finding(control="rds_deletion_protection")],
            [waiver()],
            [("rds_multi_az", "waived"), ("rds_deletion_protection", "fail")],
        ),
        (
            [finding(), finding(resource="Replica")],
            [waiver(resource="Replica")],
            [("rds_multi_az", "fail"), ("rds_multi_az", "waived")],
        ),
        ([finding(Status.UNKNOWN)], [waiver()], [("rds_multi_az", "unknown")]),
        ([finding(Status.PASS)], [waiver()], [("rds_multi_az", "pass"), ("waivers_unused", "fail")]),
        (
            [finding()],
            [waiver(expiry=TODAY - datetime.timedelta(days=1))],
            [("rds_multi_az", "fail"), ("waivers_expired", "fail")],
        ),
        ([finding()], [waiver(environment="prod")], [("rds_multi_az", "fail")]),
        ([], [waiver(control="rds_multiaz")], [("waivers_known", "fail")]),
        ([], [waiver(environment="stage")], [("waivers_known", "fail")]),
        ([finding(control="rds_available")], [waiver()], [("rds_available", "fail")]),
        ([finding()], [waiver(expiry=TODAY + DAY * 366)], [("rds_multi_az", "waived")]),
        (
            [finding()],
            [waiver(expiry=TODAY + DAY * 367)],
            [("rds_multi_az", "fail"), ("waivers_too_long", "fail")],
        ),
        (
            [finding()],
            [waiver(expiry=datetime.date.max)],
            [("rds_multi_az", "fail"), ("waivers_too_long", "fail")],
        ),
        (
            [finding(control="postgresql_tls_forced")],
            [waiver(control="postgresql_tls_forced")],
            [("postgresql_tls_forced", "fail"), ("waivers_waivable", "fail")],
        ),
        (
            [finding(control="kms_grants_in_account")],
            [waiver(control="kms_grants_in_account", resource="Key")],
            [("kms_grants_in_account", "fail"), ("waivers_waivable", "fail")],
        ),
        (
            [finding(control="rds_nothing_pending")],
            [waiver(control="rds_nothing_pending")],
            [("rds_nothing_pending", "waived")],
        ),
        (
            [finding(control="live_property_matches")],
            [waiver(control="live_property_matches")],
            [("live_property_matches", "fail"), ("waivers_sweeping", "fail")],
        ),
        (
            [finding(control="live_property_matches"), finding(control="live_property_matches", resource="Key")],
            [waiver(control="live_property_matches", resource="Database")],
            [("live_property_matches", "waived"), ("live_property_matches", "fail")],
        ),
    ],
    ids=[
        "none", "other-control", "resource", "unknown", "pass", "expired", "elsewhere", "control?", "environment?",
        "not-asked", "a-year", "longer", "for-ever", "confidential", "confidential-live", "live", "sweeping", "one",
    ],
)  # fmt: skip
def test_what_a_waiver_does(findings: list[Finding], waivers: list[Waiver], expected: list[tuple[str, str]]) -> None:
    assert told(applied(findings, *waivers)) == expected


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("rds_multi_az", [("rds_multi_az", "fail"), ("waivers_waivable", "fail")]),
        ("postgresql_tls_forced", [("postgresql_tls_forced", "fail"), ("waivers_waivable", "fail")]),
        ("rds_nothing_pending", [("rds_nothing_pending", "waived")]),
    ],
)
def test_a_protected_environment_waives_no_control(control: str, expected: list[tuple[str, str]]) -> None:
    ours = waiver(control=control, environment="prod")
    assert told(applied([finding(control=control)], ours, environment="prod", protected=True)) == expected


@pytest.mark.parametrize(
    ("bad", "actual", "remedy"),
    [
        (waiver(line=7), "none", "Remove the waiver at parameters/waivers.toml:7: the control holds without it."),
        (
            waiver(control="postgresql_tls_forced"),
            "postgresql_tls_forced, which may not be waived",
            "Meet the control, and remove the waiver at parameters/waivers.toml:2: it has no effect.",
        ),
        (
            waiver(expiry=TODAY + DAY * 400),
            "2027-12-28",
            "Set an earlier expiry at parameters/waivers.toml:2, and have platform team decide again by then.",
        ),
        (
            waiver(control="live_resource_known"),
            "not set",
            "Name the resource at parameters/waivers.toml:2, one waiver for each.",
        ),
    ],
    ids=["unused", "waivable", "too-long", "sweeping"],
)
def test_a_bad_waiver_says_where_it_is_and_what_to_do(bad: Waiver, actual: str, remedy: str) -> None:
    [told_of] = applied([finding(Status.PASS)], bad)[1:]
    assert told_of.resource == str(Path("parameters/waivers.toml"))
    assert told_of.citation == "164.308(a)(1)(ii)(B)"
    assert (told_of.actual, told_of.remedy) == (actual, remedy)


def test_what_may_be_waived_harms_no_data() -> None:
    assert sorted(slug for slug, asked in known().items() if asked.waivable) == [
        "ephemeral_is_cheap",
        "live_property_matches",
        "live_resource_exists",
        "live_resource_known",
        "rds_available",
        "rds_deletion_protection",
        "rds_in_backup_plan",
        "rds_multi_az",
        "rds_nothing_pending",
    ]


def test_the_documentation_names_what_may_be_waived() -> None:
    text = Path("docs/continuous-compliance.md").read_text(encoding="utf-8")
    table = text.partition("| may be waived |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z]+_[a-z_]+)`", table)) == {slug for slug, asked in known().items() if asked.waivable}


@pytest.mark.parametrize(
    ("control", "touched", "decision"),
    [
        (
            "rds_deletion_protection",
            [
                ("164.308(a)(7)(i)", Kind.STANDARD),
                ("164.308(a)(7)(ii)(C)", Kind.REQUIRED),
                ("164.312(c)(1)", Kind.STANDARD),
            ],
            "risk acceptance for an environment without ePHI, 164.308(a)(1)(ii)(B)",
        ),
        (
            "rds_nothing_pending",
            [("164.308(a)(8)", Kind.STANDARD)],
            "risk acceptance, 164.308(a)(1)(ii)(B)",
        ),
        ("ephemeral_is_cheap", [], "no paragraph touched"),
        ("kms_grants_in_account", [("164.308(a)(4)(ii)(B)", Kind.ADDRESSABLE), ("164.312(a)(1)", Kind.STANDARD)],
         "none: it may not be waived"),
        ("no_such_control", [], "none: it may not be waived"),
    ],
)  # fmt: skip
def test_a_waiver_says_what_it_touches(control: str, touched: list[tuple[str, Kind]], decision: str) -> None:
    ours = waiver(control=control)
    assert [(paragraph.citation, paragraph.kind) for paragraph in ours.touched] == touched
    assert ours.decision == decision


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (set(), "no paragraph touched"),
        ({Kind.ADDRESSABLE}, "an addressable specification, decided in writing, 164.306(d)(3)"),
        ({Kind.ADDRESSABLE, Kind.REQUIRED}, "risk acceptance, 164.308(a)(1)(ii)(B)"),
        ({Kind.STANDARD}, "risk acceptance, 164.308(a)(1)(ii)(B)"),
    ],
)
def test_only_an_addressable_specification_leaves_a_choice(kinds: set[Kind], expected: str) -> None:
    assert decided(kinds) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[waiver]", "is not valid TOML"),
        ("[waiver]\ncontrol = 'x'", "only [[waiver]] tables"),
        ("[[waivers]]\ncontrol = 'x'", "only [[waiver]] tables"),
        (GOOD.replace("reason", "because"), "w.toml:2: a waiver has control, environment, expiry"),
        (GOOD.replace('"platform team"', '" "'), "w.toml:2: a waiver needs owner"),
        (GOOD.replace('"dev"', "1"), "w.toml:2: a waiver needs environment"),
        (GOOD.replace("expiry = 2026-11-23\n", ""), "w.toml:2: a waiver needs expiry"),
        (GOOD.replace("2026-11-23", '"2026-11-23"'), "w.toml:2: a waiver needs expiry"),
        (GOOD.replace("2026-11-23", "2026-11-23T00:00:00"), "w.toml:2: a waiver needs expiry"),
        (GOOD + "resource = 1\n", "w.toml:2: resource must be"),
        (GOOD + GOOD, "w.toml:9: repeats the waiver of line 2"),
        ("waiver = [1]", "only [[waiver]] tables"),
    ],
)
def test_a_malformed_file_is_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_waivers(text, "w.toml")
    assert message in caught.value.message
    assert caught.value.next_command == "git diff -- w.toml"
    assert caught.value.exit_code is ExitCode.USAGE
