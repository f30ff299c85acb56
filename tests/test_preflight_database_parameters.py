"""The settings of a DB parameter group against what RDS says of its family."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_pipeline.preflight import operations as aws
from recorded import Recorded, ask, denied, deployed, our_stack, parameter, resource, stack_of

SLUG = "database_parameters"


def group(**parameters: Any) -> Any:
    """A stack of one parameter group."""
    settings = {name.replace("__", "."): value for name, value in parameters.items()}
    return stack_of(resource("Group", "RDS::DBParameterGroup", Family="postgres18", Parameters=settings))


BOOLEAN = {"DataType": "boolean", "AllowedValues": "0,1"}
CONNECTIONS = {"DataType": "list", "AllowedValues": "receipt,authentication,authorization,setup_durations,all"}
AUDIT = {"DataType": "list", "AllowedValues": "ddl,role,write,read"}


@pytest.mark.parametrize(
    ("settings", "listed", "status", "place", "expected", "actual", "remedy"),
    [
        ({"ssl": "1"}, [parameter("ssl", **BOOLEAN)], "pass", "", "",
            "1 parameters, as postgres18 has and allows them", ""),
        ({"ssl": True}, [parameter("ssl")], "pass", "", "", "1 parameters, as postgres18 has and allows them", ""),
        ({"ssl": "on"}, [parameter("ssl", **BOOLEAN)], "fail", "Parameters.ssl", "0,1", "on",
            "set ssl to a value among: 0,1"),
        ({"log_connections": "1"}, [parameter("log_connections", **CONNECTIONS)], "fail", "Parameters.log_connections",
            CONNECTIONS["AllowedValues"], "1", f"set log_connections to a value among: {CONNECTIONS['AllowedValues']}"),
        ({"log_connections": "receipt,all"}, [parameter("log_connections", **CONNECTIONS)], "pass", "", "",
            "1 parameters, as postgres18 has and allows them", ""),
        ({"ssl_mode": "1"}, [parameter("ssl")], "fail", "Parameters.ssl_mode", "a parameter of postgres18",
            "no such parameter", "leave ssl_mode out"),
        ({"ssl_mode": "1"}, [], "fail", "Parameters.ssl_mode", "a parameter of postgres18",
            "no such parameter", "leave ssl_mode out"),
        ({"pgaudit__lock": "1"}, [parameter("pgaudit.log", **AUDIT)], "fail", "Parameters.pgaudit.lock",
            "a parameter of postgres18", "no such parameter", "leave pgaudit.lock out"),
        ({"pgaudit__log": "ddl,role"}, [parameter("pgaudit.log", **AUDIT)], "pass", "", "",
            "1 parameters, as postgres18 has and allows them", ""),
        ({"port": "5433"}, [parameter("port", IsModifiable=False, ParameterValue="{EndPointPort}")], "fail",
            "Parameters.port", "a parameter that can be modified", "5433", "leave port out"),
        ({"fsync": "1"}, [parameter("fsync", IsModifiable=False, ParameterValue="1")], "pass", "", "",
            "1 parameters, as postgres18 has and allows them", ""),
        ({"work_mem": "{DBInstanceClassMemory/32768}"}, [parameter("work_mem", AllowedValues="64-2147483647")], "pass",
            "", "", "1 parameters, as postgres18 has and allows them", ""),
    ],
)  # fmt: skip
def test_a_parameter(
    settings: dict[str, Any], listed: list[Any], status: str, place: str, expected: str, actual: str, remedy: str
) -> None:
    (finding,) = ask(SLUG, Recorded({aws.DESCRIBE_ENGINE_DEFAULTS: listed}), group(**settings))
    assert (str(finding.status), finding.resource) == (status, "Group")
    assert (finding.property, finding.expected, finding.actual, finding.remedy) == (place, expected, actual, remedy)


@pytest.mark.parametrize(
    ("settings", "answer", "reason"),
    [
        ({"pgaudit__log": "ddl"}, [parameter("ssl")],
            "rds:DescribeEngineDefaultParameters lists no parameter of pgaudit for postgres18"),
        ({"ssl": {"Ref": "Other"}}, [parameter("ssl")], "the value of ssl is not known before the deployment"),
        ({"ssl": "1"}, denied(aws.DESCRIBE_ENGINE_DEFAULTS), "rds:DescribeEngineDefaultParameters is denied"),
    ],
)  # fmt: skip
def test_what_cannot_be_told(settings: dict[str, Any], answer: Any, reason: str) -> None:
    (finding,) = ask(SLUG, Recorded({aws.DESCRIBE_ENGINE_DEFAULTS: answer}), group(**settings))
    assert (str(finding.status), finding.reason) == ("unknown", reason)


def test_every_parameter_of_our_stack_is_asked_for_at_once() -> None:
    account = Recorded()
    (finding,) = ask(SLUG, account, our_stack())
    settings = our_stack().resources["DatabaseParameterGroup"].get("Parameters")
    assert finding.actual == f"{len(settings)} parameters, as postgres17 has and allows them"
    (read,) = (each for each in account.asked if each.operation is aws.DESCRIBE_ENGINE_DEFAULTS)
    assert read.arguments == {
        "DBParameterGroupFamily": "postgres17",
        "Filters": [{"Name": "parameter-name", "Values": sorted(settings)}],
    }


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "not-applicable"),
        ({"DatabaseInstanceClass": "db.m7g.large"}, "not-applicable"),
        ({"DatabaseIdleTimeoutMs": "60000"}, "fail"),
        ({"DatabaseEngineVersion": "16.15"}, "fail"),
    ],
)
def test_a_group_that_stays_is_not_asked_for(changes: dict[str, str], status: str) -> None:
    account = deployed(our_stack())
    account.answers[aws.DESCRIBE_ENGINE_DEFAULTS] = [parameter("pgaudit.log")]
    assert {str(each.status) for each in ask(SLUG, account, our_stack(**changes))} - {"unknown"} == {status}


def test_a_stack_without_parameter_groups() -> None:
    account = Recorded()
    (finding,) = ask(SLUG, account, stack_of(resource("Group", "RDS::DBParameterGroup", Family="postgres18")))
    assert str(finding.status) == "not-applicable"
    assert aws.DESCRIBE_ENGINE_DEFAULTS not in {read.operation for read in account.asked}
