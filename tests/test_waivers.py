"""A waiver turns a failure into `waived` and nothing else; a bad waiver is a failure of its own."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.findings import Finding, Status, exit_code
from hipaa_pipeline.waivers import Waiver, apply_waivers, load_waivers, parse_waivers

TODAY = datetime.date(2026, 11, 23)
CONTROLS = {"rds_multi_az", "rds_deletion_protection"}
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


def applied(findings: list[Finding], *waivers: Waiver, environment: str = "dev") -> list[tuple[str, str]]:
    result = apply_waivers(findings, waivers, environment, TODAY, controls=CONTROLS, environments=ENVIRONMENTS)
    return [(item.rule, str(item.status)) for item in result]


def test_a_file_is_read_with_the_line_of_each_waiver() -> None:
    assert parse_waivers(GOOD) == (waiver(),)


def test_no_file_means_no_waivers(tmp_path: Path) -> None:
    assert load_waivers(tmp_path / "waivers.toml") == ()


def test_the_last_day_still_counts_and_the_reason_names_owner_and_day() -> None:
    [only] = apply_waivers([finding()], [waiver()], "dev", TODAY, controls=CONTROLS, environments=ENVIRONMENTS)
    assert only.status is Status.WAIVED
    assert only.reason == "Data can be loaded again (owner platform team, until 2026-11-23)"
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
        ([finding(Status.UNKNOWN)], [waiver()], [("rds_multi_az", "unknown"), ("waivers_unused", "fail")]),
        ([finding(Status.PASS)], [waiver()], [("rds_multi_az", "pass"), ("waivers_unused", "fail")]),
        (
            [finding()],
            [waiver(expiry=TODAY - datetime.timedelta(days=1))],
            [("rds_multi_az", "fail"), ("waivers_expired", "fail")],
        ),
        ([finding()], [waiver(environment="prod")], [("rds_multi_az", "fail")]),
        ([], [waiver(control="rds_multiaz")], [("waivers_known", "fail")]),
        ([], [waiver(environment="stage")], [("waivers_known", "fail")]),
    ],
    ids=["none", "other-control", "resource", "unknown", "pass", "expired", "elsewhere", "control?", "environment?"],
)
def test_what_a_waiver_does(findings: list[Finding], waivers: list[Waiver], expected: list[tuple[str, str]]) -> None:
    assert applied(findings, *waivers) == expected


def test_a_bad_waiver_says_where_it_is_and_what_to_do() -> None:
    [bad] = apply_waivers([], [waiver(line=7)], "dev", TODAY, controls=CONTROLS, environments=ENVIRONMENTS)
    assert bad.resource == str(Path("parameters/waivers.toml"))
    assert bad.remedy == "Remove the waiver at parameters/waivers.toml:7: the control holds without it."


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
