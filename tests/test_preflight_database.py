"""A database that is there: only what changes is asked of RDS, and a version it would refuse is told before."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_pipeline.findings import Finding
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.facts import Operation
from hipaa_pipeline.preflight.subject import WARNING
from hipaa_pipeline.stack import Resource, Stack
from recorded import Recorded, ask, denied, deployed, orderable, our_stack, stack_of, subject_of, troubles

SLUG = "database_orderable"
STAY = "leave DatabaseEngineVersion at {}, or set it to {} or newer: RDS goes back to no earlier version"
WITHDRAWN: dict[Operation, Any] = {aws.DESCRIBE_ORDERABLE_OPTIONS: []}


def running(version: str, stack: Stack | None = None, **changes: str) -> Recorded:
    """An account in which the stack was deployed with these parameters and RDS runs this version; "": it is gone."""
    account = deployed(stack or our_stack(**changes))
    if version:
        account.answers[aws.DESCRIBE_DB_INSTANCES] = [{"EngineVersion": version}]
    return account


def only(findings: list[Finding], rule: str) -> Finding:
    (finding,) = (each for each in findings if each.rule == rule)
    return finding


@pytest.mark.parametrize(
    ("changes", "statuses"),
    [
        ({}, {"not-applicable"}),
        ({"DatabaseBackupDays": "8", "StreamShards": "2"}, {"not-applicable"}),
        ({"DatabaseInstanceClass": "db.m7g.large"}, {"fail"}),
        ({"DatabaseEngineVersion": "17.10"}, {"fail"}),
        ({"DatabaseMultiAz": "false"}, {"fail"}),
        ({"DatabaseStorageGiB": "200"}, {"unknown"}),
        ({"DatabaseName": "records"}, {"fail"}),  # replaces the database
    ],
)
def test_a_withdrawn_version_stops_only_what_needs_it(changes: dict[str, str], statuses: set[str]) -> None:
    account = running("17.11")
    account.answers |= WITHDRAWN
    found = ask(SLUG, account, our_stack(**changes))
    assert {str(each.status) for each in found if each.rule != "version_change"} == statuses


def test_a_withdrawn_version_blocks_a_new_database() -> None:
    assert troubles(ask(SLUG, Recorded(WITHDRAWN), our_stack())) == [("offered", "fail")]


@pytest.mark.parametrize(
    ("before", "now", "wanted", "status", "remedy"),
    [
        ("17.10", "17.10", "17.11", "pass", ""),
        ("17.10", "", "17.11", "pass", ""),
        ("17.10", "17.11", "17.11", "pass", ""),
        ("17.10", "17.12", "17.11", "fail", STAY.format("17.10", "17.12")),
        ("17.11", "", "17.10", "fail", STAY.format("17.11", "17.11")),
        ("17.11", "17.11", "16.15", "fail", STAY.format("17.11", "17.11")),
        ("16.15", "16.15", "17.11", "fail",
            "leave DatabaseEngineVersion at 16.15, or move to a new environment as docs/deploying.md says"),
        ("16.15", "", "17.11", "fail",
            "leave DatabaseEngineVersion at 16.15, or move to a new environment as docs/deploying.md says"),
        ("16.15", "17.11", "17.11", "pass", ""),  # upgraded outside the stack
    ],
)  # fmt: skip
def test_a_change_of_version(before: str, now: str, wanted: str, status: str, remedy: str) -> None:
    account = running(now, DatabaseEngineVersion=before)
    finding = only(ask(SLUG, account, our_stack(DatabaseEngineVersion=wanted)), "version_change")
    assert (str(finding.status), finding.remedy) == (status, remedy)
    assert (finding.property, finding.actual) == ("EngineVersion", f"{now or before} to {wanted}")


def test_a_version_that_rds_has_raised_is_a_warning() -> None:
    found = ask(SLUG, running("17.11", DatabaseEngineVersion="17.10"), our_stack(DatabaseEngineVersion="17.10"))
    finding = only(found, "version_change")
    assert (str(finding.status), finding.severity) == ("pass", WARNING)
    assert (finding.expected, finding.actual) == ("17.10", "17.11")
    assert finding.reason == "RDS has raised the version by itself to 17.11; this deployment leaves it there"
    assert troubles(found) == []


@pytest.mark.parametrize("now", ["17.11", ""])
def test_nothing_is_said_of_a_version_that_is_as_wanted(now: str) -> None:
    assert [each.rule for each in ask(SLUG, running(now), our_stack())] == [SLUG]


def test_another_class_is_asked_for_with_the_version_that_runs() -> None:
    """RDS has raised it, and CloudFormation does not send the one of the template."""
    account = running("17.11", DatabaseEngineVersion="17.10")
    account.answers[aws.DESCRIBE_ORDERABLE_OPTIONS] = lambda arguments: (
        [orderable()] if arguments["EngineVersion"] == "17.11" else []
    )
    wanted = our_stack(DatabaseEngineVersion="17.10", DatabaseInstanceClass="db.m7g.large")
    assert troubles(ask(SLUG, account, wanted)) == []


@pytest.mark.parametrize(
    ("engine", "now", "wanted", "allow", "status"),
    [
        ("postgres", "16.15", "17.11", True, "pass"),
        ("postgres", "17", "17.11", False, "pass"),
        ("postgres", "17.11", "17", False, "pass"),
        ("mysql", "8.0.40", "8.0.41", False, "pass"),
        ("mysql", "8.0.40", "8.4.3", False, "fail"),
        ("mysql", "8.0.40", "8.4.3", True, "pass"),
    ],
)
def test_other_engines_and_templates(engine: str, now: str, wanted: str, allow: bool, status: str) -> None:
    def stack(version: str) -> Stack:
        properties = {"Engine": engine, "EngineVersion": version, "AllowMajorVersionUpgrade": allow}
        return stack_of(Resource("Database", "AWS::RDS::DBInstance", properties))

    there = stack(now).as_dict()["resources"]["Database"]
    account = deployed(stack(now))
    account.answers[aws.GET_TEMPLATE] = {"TemplateBody": {"Resources": {"Database": there}}}
    assert str(only(ask(SLUG, account, stack(wanted)), "version_change").status) == status


@pytest.mark.parametrize("operation", [aws.DESCRIBE_STACKS, aws.DESCRIBE_DB_INSTANCES, aws.GET_TEMPLATE])
def test_a_denied_read_of_what_is_there_is_unknown(operation: Any) -> None:
    account = running("17.11")
    account.answers[operation] = denied(operation)
    result = account.preflight(subject_of(our_stack()))
    (finding,) = (each for each in result.findings if each.control == SLUG)
    assert str(finding.status) == "unknown"
    assert f"{operation.action} is denied" in finding.reason
