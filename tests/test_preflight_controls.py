"""The controls are asked before anything is created: what would fail afterwards blocks, with both ways out."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from hipaa_pipeline.checking import check_environment
from hipaa_pipeline.configuration import DEFAULT_REGION, TEMPLATE_PATH, Configuration, load_environment
from hipaa_pipeline.findings import Finding, Status, exit_code
from hipaa_pipeline.preflight.controls import CONTROL, template_controls
from hipaa_pipeline.preflight.facts import Facts
from hipaa_pipeline.source import load_template
from hipaa_pipeline.waivers import Waiver, load_waivers
from recorded import our_stack, subject_of

TODAY = datetime.date(2026, 11, 23)
PASSED = Finding(control="kms_rotation", status=Status.PASS)
WAIVED = Finding(control="rds_multi_az", status=Status.WAIVED)
FAILED = Finding(control="rds_multi_az", status=Status.FAIL, resource="Database", remedy="Set MultiAZ to true.")
UNKNOWN = Finding(control="rds_multi_az", status=Status.UNKNOWN, resource="Database", remedy="Give the value.")
WAY_OUT = (
    "Or live with it, by a waiver of rds_multi_az in parameters/waivers.toml; hipaa-pipeline check --env test asks "
    "again."
)
EXPIRED = Finding(control="waivers", rule="waivers_expired", status=Status.FAIL, remedy="Decide again.")


@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        ([PASSED, WAIVED], [(CONTROL, CONTROL, Status.PASS, "")]),
        ([], [(CONTROL, CONTROL, Status.UNKNOWN, "")]),
        (None, [(CONTROL, CONTROL, Status.NOT_APPLICABLE, "")]),
        ([PASSED, FAILED], [(CONTROL, "rds_multi_az", Status.FAIL, f"Set MultiAZ to true. {WAY_OUT}")]),
        ([PASSED, UNKNOWN], [(CONTROL, "rds_multi_az", Status.UNKNOWN, "Give the value.")]),
        ([PASSED, EXPIRED], [(CONTROL, "waivers_expired", Status.FAIL, "Decide again.")]),
    ],
)  # fmt: skip
def test_only_what_is_not_good_is_told(controls: Any, expected: list[tuple[str, str, Status, str]]) -> None:
    found = template_controls(subject_of(our_stack(), controls=controls), Facts({}))
    assert [(one.control, one.rule, one.status, one.remedy) for one in found] == expected


@pytest.mark.parametrize(("control", "protection"), [("rds_storage_encrypted", "false"), ("rds_multi_az", "true")])
def test_no_waiver_is_offered_where_none_may_be(control: str, protection: str) -> None:
    """Neither of what may not be waived, nor in a protected environment."""
    failed = Finding(control=control, status=Status.FAIL, remedy="Mend it.")
    subject = subject_of(our_stack(DeletionProtection=protection), controls=[failed])
    assert [one.remedy for one in template_controls(subject, Facts({}))] == ["Mend it."]


def environment(name: str, waivers: tuple[Waiver, ...]) -> list[Finding]:
    """The answers about the parameters of `dev`, under another name."""
    dev = load_environment("dev")
    chosen = Configuration(name, {**dev.parameters, "EnvironmentSuffix": name}, dev.tags)
    return check_environment(load_template(TEMPLATE_PATH), chosen, waivers, region=DEFAULT_REGION, today=TODAY)


def test_a_copied_environment_is_blocked_until_its_own_waivers_are_written() -> None:
    """The waivers of `dev` are for `dev`: each is a decision about one environment."""
    copied = environment("staging", load_waivers())
    found = template_controls(subject_of(our_stack(), controls=copied), Facts({}))
    assert [(one.rule, one.status) for one in found] == [
        ("rds_multi_az", Status.FAIL),
        ("rds_deletion_protection", Status.FAIL),
        ("rds_in_backup_plan", Status.FAIL),
    ]
    (passed,) = template_controls(subject_of(our_stack(), controls=environment("dev", load_waivers())), Facts({}))
    assert (passed.status, str(passed.actual).endswith(" hold, 3 waived")) == (Status.PASS, True)


def test_a_waiver_of_what_only_a_running_stack_is_asked_is_neither_unknown_nor_unused() -> None:
    live = Waiver(
        control="live_property_matches",
        environment="dev",
        resource="Key",
        reason="r",
        owner="o",
        expiry=datetime.date(2027, 6, 30),
    )
    assert exit_code(environment("dev", (*load_waivers(), live))) == 0
