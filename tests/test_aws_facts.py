"""Live facts over real HTTP: read-only by construction, each read once, pages followed, throttling waited out."""

from __future__ import annotations

import inspect
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from hipaa_pipeline import preflight
from hipaa_pipeline.aws import facts as live
from hipaa_pipeline.aws.session import READ_PREFIXES, Connection, ReadOnlyError, Session
from hipaa_pipeline.findings import Status
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.facts import Facts, Problem, together
from recorded import our_stack, subject_of

SERVICES = sorted({operation.service for operation in aws.ALL})
NOWHERE = Connection("ap-southeast-1", None, "http://127.0.0.1:9", "x", "y")


def reading(account: LocalAccount, **options: Any) -> Session:
    return Session(account.connection, read_only=True, **options)


def preflight_of(account: LocalAccount, **options: Any) -> preflight.Result:
    return preflight.run(reading(account, **options), subject_of(our_stack()))


def test_every_operation_of_the_preflight_reads() -> None:
    assert [operation.name for operation in aws.ALL if not operation.name.startswith(READ_PREFIXES)] == []


def test_every_operation_is_used_somewhere() -> None:
    source = "".join(inspect.getsource(module) for module in _preflight_modules())
    named = {name for name, value in vars(aws).items() if value in aws.ALL and isinstance(value, type(aws.GET_ROLE))}
    assert {
        name for name in named if f"{name}(" not in source and f"{name}," not in source and f"{name})" not in source
    } == set()


def _preflight_modules() -> list[Any]:
    import importlib
    import pkgutil

    import hipaa_pipeline.preflight as package

    names = [info.name for info in pkgutil.iter_modules(package.__path__) if info.name != "operations"]
    return [importlib.import_module(f"hipaa_pipeline.preflight.{name}") for name in names]


@pytest.mark.parametrize("service", SERVICES)
def test_a_read_only_session_refuses_every_write_of_the_services_it_uses(service: str) -> None:
    session = Session(NOWHERE, read_only=True)
    names = [xform_name(name) for name in botocore.session.get_session().get_service_model(service).operation_names]
    writes = [name for name in names if not name.startswith(READ_PREFIXES)]
    assert writes
    for name in writes:
        with pytest.raises(ReadOnlyError):
            session.call(service, name)
        with pytest.raises(ReadOnlyError):
            session.pages(service, name, "Items")
    assert session.calls == 0


def test_facts_are_refused_to_a_session_that_could_write() -> None:
    with pytest.raises(ValueError, match="read-only"):
        live.answer(Session(NOWHERE), [])


def test_a_preflight_leaves_the_account_as_it_was(account: LocalAccount) -> None:
    before = account.inventory()
    result = preflight_of(account)
    assert account.inventory() == before
    operations = {call.split(".")[1] for call in account.calls()}
    assert len(operations) > 20
    assert [each for each in operations if not each.startswith(("Describe", "Get", "List", "Simulate"))] == []
    assert result.with_status(Status.FAIL) == []


def test_equal_reads_are_made_once(account: LocalAccount) -> None:
    session = reading(account)
    questions = [lambda facts: len(facts(aws.DESCRIBE_VPCS())) for _ in range(5)]
    assert live.answer(session, questions) == [1] * 5
    assert session.calls == 1


def test_a_chain_of_reads_goes_on_step_by_step(account: LocalAccount) -> None:
    def question(facts: Facts) -> str:
        arn = facts(aws.GET_CALLER_IDENTITY())["Arn"]
        role = facts(aws.GET_ROLE(RoleName=arn.split("/")[1]))["Role"]
        first, second = together(
            lambda: facts(aws.LIST_ATTACHED_ROLE_POLICIES(RoleName=role["RoleName"])),
            lambda: facts(aws.DESCRIBE_VPCS()),
        )
        return f"{first[0]['PolicyName']} {len(second)}"

    session = reading(account)
    assert live.answer(session, [question]) == ["AdministratorAccess 1"]
    assert session.calls == 4


def test_pages_are_followed(account: LocalAccount) -> None:
    session = Session(account.connection)
    for number in range(120):
        session.call("logs", "create_log_group", logGroupName=f"group-{number:03}")
    counting = reading(account)
    assert live.answer(counting, [lambda facts: len(facts(aws.DESCRIBE_LOG_GROUPS(limit=50)))]) == [120]
    assert counting.calls == 3


def test_throttling_is_waited_out_and_reported(account: LocalAccount) -> None:
    account.add_fault(service="ec2", operation="DescribeVpcs", action="throttle", times=2)
    result = preflight_of(account)
    assert result.cost.retried == {"ec2:describe_vpcs": 2}
    assert {row.status for row in result.rows if row.quota.slug == "vpcs"} == {Status.PASS}


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        ({"action": "deny"}, "denied", "servicequotas:ListServiceQuotas is denied"),
        ({"action": "throttle"}, "throttled", "servicequotas:ListServiceQuotas: throttled"),
        ({"action": "drop-before"}, "unreachable", "servicequotas:ListServiceQuotas: unreachable"),
    ],
)
def test_service_quotas_without_an_answer(account: LocalAccount, fault: dict[str, str], kind: str, reason: str) -> None:
    account.add_fault(service="service-quotas", operation="*", **fault)
    result = preflight_of(account, max_attempts=1)
    unknown = {finding.rule: finding for finding in result.with_status(Status.UNKNOWN)}
    assert "vpcs" in unknown
    assert unknown["vpcs"].reason.startswith(reason)
    assert {"roles", "db_instances", "shards"}.isdisjoint(unknown)  # these services tell their quotas themselves
    assert (result.exit_code(), result.exit_code(accept_unknown=True)) == (3, 0)


@pytest.mark.parametrize("fault", [{"action": "deny"}, {"action": "fail", "status": 500}, {"action": "drop-before"}])
def test_an_account_that_answers_nothing_is_unknown_and_raises_nothing(
    account: LocalAccount, fault: dict[str, Any]
) -> None:
    account.add_fault(service="*", operation="*", **fault)
    result = preflight_of(account, max_attempts=1)
    assert {finding.control for finding in result.with_status(Status.PASS)} == {"template_controls", "template_size"}
    assert result.exit_code() == 3


def test_a_problem_names_the_action_and_what_aws_said(account: LocalAccount) -> None:
    account.add_fault(service="ec2", operation="DescribeVpcs", action="deny")
    (problem,) = live.answer(reading(account), [lambda facts: facts.each(aws.DESCRIBE_VPCS())[0]])
    assert isinstance(problem, Problem)
    assert (problem.kind, problem.action, problem.code) == ("denied", "ec2:DescribeVpcs", "UnauthorizedOperation")


def test_a_bug_in_a_question_is_not_hidden(account: LocalAccount) -> None:
    def broken(facts: Facts) -> None:
        facts(aws.DESCRIBE_VPCS())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        live.answer(reading(account), [broken])
