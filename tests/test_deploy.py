"""Deployments against the local account, over real HTTP; each asserts what is left in the account afterwards."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import pytest

from hipaa_pipeline.aws.session import AwsError
from hipaa_pipeline.deployment.changes import Kind
from hipaa_pipeline.deployment.deploy import deploy, plan
from hipaa_pipeline.deployment.order import Order, Result
from hipaa_pipeline.deployment.proposal import Proposal
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.source import parse_template
from scenario import STACK, Answers, Scenario, Yes, remaining

OUTPUT = "arn:aws:kinesis:ap-southeast-1:111122223333:stream/healthcare-records-test"


@pytest.fixture
def scenario(account: LocalAccount) -> Scenario:
    return Scenario(account.connection)


def test_create_then_nothing_to_do_then_update_in_place(account: LocalAccount, scenario: Scenario) -> None:
    created = scenario.deploy()
    assert (created.result, created.exit_code) == (Result.CREATED, ExitCode.GOOD)
    assert created.outputs == {"StreamArn": OUTPUT}
    before = remaining(account)

    again = scenario.deploy()
    assert (again.result, again.exit_code) == (Result.UNCHANGED, ExitCode.GOOD)
    assert again.message == f"{STACK} is already up to date."
    assert remaining(account) == before

    updated = scenario.deploy({"Days": "180", "Reports": "true"})
    assert (updated.result, updated.exit_code) == (Result.UPDATED, ExitCode.GOOD)
    assert {*remaining(account)} - {*before} == {"sns.topic"}


def test_what_is_shown_before_an_update(scenario: Scenario) -> None:
    scenario.deploy()
    scenario.deploy({"Days": "180"})
    proposal = scenario.shown[-1]
    assert isinstance(proposal, Proposal)
    assert [(change.logical_id, change.kind) for change in proposal.summary.changes] == [("AuditLogGroup", Kind.MODIFY)]
    assert [(one.name, one.before, one.after) for one in proposal.summary.parameters] == [("Days", "90", "180")]


def test_the_stack_says_whose_it_is_and_so_do_its_resources(scenario: Scenario) -> None:
    scenario.deploy()
    tags = {tag["Key"]: tag["Value"] for tag in scenario.stack()["Tags"]}
    assert tags == {"Project": "hipaa-pipeline", "hipaa-pipeline:environment": "test"}


def test_finishing_sets_what_a_template_cannot_say(scenario: Scenario) -> None:
    """Stack policy, termination protection as the environment is, and a default security group without rules."""
    outcome = scenario.deploy({"DeletionProtection": "true"})
    assert {finding.control: finding.status for finding in outcome.findings} == {
        "stack_policy_set": Status.PASS,
        "termination_protection_set": Status.PASS,
        "default_security_group_closed": Status.PASS,
        "static_parameters_in_effect": Status.PASS,
    }
    assert scenario.stack()["EnableTerminationProtection"] is True
    assert _denied(scenario) == ["AuditLogGroup", "BackupVault", "Database", "Key", "RecordStream"]
    assert _default_group_rules(scenario) == []

    scenario.deploy()
    assert scenario.stack()["EnableTerminationProtection"] is False


def test_finishing_is_done_again_when_somebody_undid_it(scenario: Scenario) -> None:
    scenario.deploy()
    scenario.session.call("cloudformation", "set_stack_policy", StackName=STACK, StackPolicyBody='{"Statement": []}')
    assert scenario.deploy().result is Result.UNCHANGED
    assert _denied(scenario) == ["AuditLogGroup", "BackupVault", "Database", "Key", "RecordStream"]


def test_a_step_of_finishing_that_is_denied_is_told_and_fails_the_command(
    account: LocalAccount, scenario: Scenario
) -> None:
    account.add_fault(service="ec2", operation="RevokeSecurityGroup*", action="deny")
    outcome = scenario.deploy()
    failed = [finding for finding in outcome.findings if finding.status is Status.FAIL]
    assert (outcome.result, outcome.exit_code) == (Result.CREATED, ExitCode.FAILED)
    assert [(finding.control, finding.remedy) for finding in failed] == [
        ("default_security_group_closed", "Allow ec2:RevokeSecurityGroupIngress, then make deploy ENV=test.")
    ]


@pytest.mark.parametrize("deployed", [False, True])
@pytest.mark.parametrize(
    ("found", "denied", "next_command"),
    [
        ([], False, "make evidence ENV=test"),
        ([Finding(control="c", status=Status.PASS)], False, "make evidence ENV=test"),
        ([Finding(control="c", status=Status.FAIL)], False, "make verify ENV=test"),
        ([Finding(control="c", status=Status.UNKNOWN)], False, "make verify ENV=test"),
        ([Finding(control="c", status=Status.FAIL)], True, "make deploy ENV=test"),
    ],
)
def test_the_next_command_fits_what_was_found(
    account: LocalAccount, scenario: Scenario, deployed: bool, found: list[Finding], denied: bool, next_command: str
) -> None:
    """Evidence of what is good, verify for what is not, and deploy once more for what was not finished."""
    if deployed:
        scenario.deploy()
    if denied:
        account.add_fault(service="cloudformation", operation="GetStackPolicy", action="deny")
    hooks = dataclasses.replace(scenario.hooks, read_back=lambda _stack: found)
    assert deploy(scenario.order(), scenario.tools, hooks).next_command == next_command


@pytest.mark.parametrize(
    ("parameters", "blocked"),
    [
        ({"StreamName": "events"}, "RecordStream"),
        ({"EnvironmentSuffix": "other"}, "Database"),
    ],
)
def test_guard_refuses_a_replacement_that_may_lose_data(
    account: LocalAccount, scenario: Scenario, parameters: Mapping[str, str], blocked: str
) -> None:
    scenario.deploy()
    before = remaining(account)
    outcome = scenario.deploy(parameters)
    assert (outcome.result, outcome.exit_code) == (Result.REFUSED, ExitCode.FAILED)
    assert f"replace {blocked}" in outcome.message
    assert f"--allow-replace {blocked}" in outcome.next_command
    assert remaining(account) == before


def test_a_replacement_allowed_by_name_goes_through_and_the_policy_is_back(
    account: LocalAccount, scenario: Scenario
) -> None:
    scenario.deploy()
    outcome = scenario.deploy({"StreamName": "events"}, allow_replace=frozenset({"RecordStream"}))
    assert (outcome.result, outcome.exit_code) == (Result.UPDATED, ExitCode.GOOD)
    assert remaining(account)["kinesis.stream"] == ["healthcare-events-test"]
    assert _denied(scenario) == ["AuditLogGroup", "BackupVault", "Database", "Key", "RecordStream"]


def test_a_database_is_saved_before_it_is_replaced(account: LocalAccount, scenario: Scenario) -> None:
    scenario.deploy()
    allowed = frozenset({"Database", "RecordStream", "AuditLogGroup", "BackupVault"})
    outcome = scenario.deploy({"EnvironmentSuffix": "other"}, allow_replace=allowed)
    assert outcome.result is Result.UPDATED
    snapshots = [name for name in remaining(account)["rds.snapshot"] if "before-replacement" in name]
    assert len(snapshots) == 1
    assert snapshots[0].startswith("healthcare-database-test-before-replacement-")
    assert [(one.physical_id, one.wanted) for one in outcome.left] == [(snapshots[0], True)]
    assert remaining(account)["rds.instance"] == ["healthcare-database-other"]


def test_allowing_one_replacement_does_not_allow_another(scenario: Scenario) -> None:
    scenario.deploy()
    outcome = scenario.deploy({"EnvironmentSuffix": "other"}, allow_replace=frozenset({"RecordStream"}))
    assert outcome.result is Result.REFUSED
    assert "RecordStream" not in outcome.message
    assert "AuditLogGroup" in outcome.message


@pytest.mark.parametrize("allowed", [set(), {"Database"}])
def test_a_database_that_keeps_its_name_cannot_be_replaced_whatever_is_allowed(
    account: LocalAccount, scenario: Scenario, allowed: set[str]
) -> None:
    """CloudFormation refuses that in the middle of the update, so neither plan nor deploy offer it."""
    scenario.deploy()
    before = remaining(account)
    outcome = scenario.deploy({"DatabaseName": "records"}, allow_replace=frozenset(allowed))
    assert (outcome.result, outcome.exit_code) == (Result.REFUSED, ExitCode.FAILED)
    assert outcome.message == (
        "Nothing was done. CloudFormation cannot replace a resource that keeps its explicit name: Database "
        "(AWS::RDS::DBInstance), by DBName (DatabaseName). Put that back to what is deployed, or deploy a new "
        "environment beside this one."
    )
    assert outcome.next_command == "make plan ENV=test"
    proposal = plan(scenario.order({"DatabaseName": "records"}), scenario.tools)
    assert proposal is not None
    assert [one.logical_id for one in proposal.summary.changes if one.impossible] == ["Database"]
    assert remaining(account) == before


@pytest.mark.parametrize("blocked", [False, True])
def test_a_misspelt_name_allows_nothing(account: LocalAccount, scenario: Scenario, blocked: bool) -> None:
    """It is told first, whatever else is wrong."""
    foreseen = [Finding(control="c", status=Status.FAIL)] if blocked else []
    hooks = dataclasses.replace(scenario.hooks, preflight=lambda: foreseen)
    order = scenario.order(allow_replace=frozenset({"Databse"}))
    with pytest.raises(UserError, match="--allow-replace names no resource of the stack: Databse") as caught:
        deploy(order, scenario.tools, hooks)
    assert caught.value.exit_code is ExitCode.USAGE
    assert remaining(account) == {}


def test_what_the_template_lost_may_be_named(scenario: Scenario) -> None:
    scenario.deploy({"Reports": "true"})
    outcome = scenario.deploy({"Reports": "false"}, allow_replace=frozenset({"ReportTopic"}))
    assert outcome.result is Result.UPDATED


def test_a_policy_that_was_loosened_is_back_when_the_start_is_refused(
    account: LocalAccount, scenario: Scenario
) -> None:
    scenario.deploy()
    account.add_fault(service="cloudformation", operation="ExecuteChangeSet", action="deny")
    with pytest.raises(AwsError, match="execute_change_set"):
        scenario.deploy({"StreamName": "events"}, allow_replace=frozenset({"RecordStream"}))
    assert _denied(scenario) == ["AuditLogGroup", "BackupVault", "Database", "Key", "RecordStream"]


def test_a_policy_that_cannot_be_put_back_is_told(account: LocalAccount, scenario: Scenario) -> None:
    scenario.deploy()
    account.add_fault(service="cloudformation", operation="ExecuteChangeSet", action="deny")
    account.add_fault(service="cloudformation", operation="SetStackPolicy", action="deny", nth=2)
    with pytest.raises(AwsError, match="execute_change_set"):
        scenario.deploy({"StreamName": "events"}, allow_replace=frozenset({"RecordStream"}))
    assert scenario.said[-1].startswith("The stack policy still admits what was allowed (")
    assert scenario.said[-1].endswith("Allow cloudformation:SetStackPolicy, then make deploy ENV=test.")


def test_what_an_allowed_replacement_leaves_behind_is_told(account: LocalAccount, scenario: Scenario) -> None:
    """CloudFormation calls an update complete when it could not delete what was replaced."""
    scenario.deploy()
    account.add_fault(resource_type="AWS::Kinesis::Stream", phase="delete", action="fail", message="is in use")
    outcome = scenario.deploy({"StreamName": "events"}, allow_replace=frozenset({"RecordStream"}))
    assert (outcome.result, outcome.exit_code) == (Result.UPDATED, ExitCode.FAILED)
    assert [one.physical_id for one in outcome.left] == ["healthcare-records-test"]
    assert [finding.property for finding in outcome.findings if finding.status is Status.FAIL] == [
        "healthcare-records-test"
    ]


@pytest.mark.parametrize("deployed", [False, True])
def test_a_plan_changes_nothing(account: LocalAccount, scenario: Scenario, deployed: bool) -> None:
    if deployed:
        scenario.deploy()
    before = remaining(account)
    proposal = plan(scenario.order({"Days": "180"}), scenario.tools)
    assert proposal is not None
    assert proposal.creates is not deployed
    assert remaining(account) == before


def test_a_plan_of_nothing(scenario: Scenario) -> None:
    scenario.deploy()
    assert plan(scenario.order(), scenario.tools) is None


@pytest.mark.parametrize("deployed", [False, True])
def test_saying_no_leaves_no_trace(account: LocalAccount, scenario: Scenario, deployed: bool) -> None:
    if deployed:
        scenario.deploy()
    before = remaining(account)
    scenario.ask = Answers(False)
    outcome = scenario.deploy({"Days": "180"})
    assert (outcome.result, outcome.exit_code) == (Result.REFUSED, ExitCode.FAILED)
    assert scenario.ask.questions == [f"{'Update' if deployed else 'Create'} {STACK}?"]
    assert remaining(account) == before


def test_nobody_to_ask_leaves_no_trace(account: LocalAccount, scenario: Scenario) -> None:
    from hipaa_pipeline.ask import Nobody

    before = remaining(account)
    with pytest.raises(UserError) as caught:
        Scenario(account.connection, ask=Nobody()).deploy()  # type: ignore[arg-type]
    assert caught.value.exit_code is ExitCode.USAGE
    assert "--yes" in caught.value.next_command
    assert remaining(account) == before


@pytest.mark.parametrize("deployed", [False, True])
def test_a_template_that_cloudformation_refuses_leaves_no_trace(
    account: LocalAccount, scenario: Scenario, deployed: bool
) -> None:
    if deployed:
        scenario.deploy()
    before = remaining(account)
    scenario.template = parse_template("Resources: {X: {Type: 'AWS::No::Such'}}")
    scenario.base_parameters = {}
    with pytest.raises(UserError, match=r"CloudFormation refused the change: .*AWS::No::Such"):
        scenario.deploy()
    assert remaining(account) == before


def test_a_name_that_is_taken_is_told_before_anything_is_created(account: LocalAccount, scenario: Scenario) -> None:
    """CloudFormation's early validation refuses the change set; its reason is read, and nothing is left."""
    scenario.session.call("logs", "create_log_group", logGroupName="healthcare-audit-test")
    before = remaining(account)
    with pytest.raises(UserError, match=r"AuditLogGroup .*already exists") as caught:
        scenario.deploy()
    assert (caught.value.exit_code, caught.value.next_command) == (ExitCode.FAILED, "make preflight ENV=test")
    assert remaining(account) == before


def test_quotas_are_warned_of_before_the_question(account: LocalAccount, scenario: Scenario) -> None:
    """CloudFormation itself only warns about a quota, and shows that nowhere but in DescribeEvents."""
    account.set_quotas({"vpc/L-F678F1CE": 1})
    scenario.ask = Answers(False)
    scenario.deploy()
    proposal = scenario.shown[-1]
    assert isinstance(proposal, Proposal)
    assert [(warned.blocking, warned.name) for warned in proposal.warnings] == [(False, "SERVICE_QUOTA_VALIDATION")]


def test_a_template_too_large_for_a_request_is_refused_before_any_call(account: LocalAccount) -> None:
    scenario = Scenario(account.connection)
    order = Order(environment="test", stack_name=STACK, template_body="x" * 51_201)
    with pytest.raises(UserError, match="51,201 bytes; CloudFormation takes at most 51,200"):
        plan(order, scenario.tools)
    assert remaining(account) == {}


def test_a_stack_of_somebody_else_is_left_alone(account: LocalAccount, scenario: Scenario) -> None:
    body = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "theirs"}}}})
    scenario.session.call("cloudformation", "create_stack", StackName=STACK, TemplateBody=body)
    before = remaining(account)
    for attempt in (scenario.deploy, scenario.destroy, lambda: plan(scenario.order(), scenario.tools)):
        with pytest.raises(UserError, match="was not made by this tool"):
            attempt()
    assert remaining(account) == before


@pytest.mark.parametrize(("answer", "after", "rebooted"), [
    ("later", [], False),
    ("now", ["pending-reboot", "in-sync"], True),
    ("now", ["pending-reboot"] * 200, False),
])  # fmt: skip
def test_a_static_parameter_waits_for_a_reboot_that_a_person_chooses(
    scenario: Scenario, answer: str, after: list[str], rebooted: bool
) -> None:
    from botocore.stub import Stubber

    from hipaa_pipeline.aws.stacks import read
    from hipaa_pipeline.deployment.finishing import IN_EFFECT, finish

    def described(status: str) -> dict[str, Any]:
        groups = [{"DBParameterGroupName": "g", "ParameterApplyStatus": status}]
        return {"DBInstances": [{"DBInstanceStatus": "available", "DBParameterGroups": groups}]}

    scenario.deploy()
    scenario.ask = Answers(answer)
    stack = read(scenario.session, STACK)
    assert stack is not None
    with Stubber(scenario.session.client("rds", scenario.connection.region)) as stub:
        stub.add_response("describe_db_instances", described("pending-reboot"))
        if answer == "now":
            stub.add_response("reboot_db_instance", {}, {"DBInstanceIdentifier": "healthcare-database-test"})
        for status in after:
            stub.add_response("describe_db_instances", described(status))
        findings = {finding.control: finding for finding in finish(scenario.order(), scenario.tools, stack)}
    assert findings[IN_EFFECT].status is (Status.PASS if rebooted else Status.FAIL)
    if not rebooted:
        assert findings[IN_EFFECT].remedy.endswith(
            "reboot-db-instance --db-instance-identifier healthcare-database-test"
        )


def test_yes_answers_everything_but_a_choice() -> None:
    assert Yes().confirm("?")
    assert Yes().choose("?", {"later": "", "now": ""}, "later") == "later"


def _denied(scenario: Scenario) -> list[str]:
    policy = scenario.session.call("cloudformation", "get_stack_policy", StackName=STACK)["StackPolicyBody"]
    return [name.removeprefix("LogicalResourceId/") for name in json.loads(policy)["Statement"][1]["Resource"]]


def _default_group_rules(scenario: Scenario) -> list[object]:
    groups = scenario.session.pages("ec2", "describe_security_groups", "SecurityGroups")
    vpcs = scenario.session.pages(
        "ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "cidr", "Values": ["10.20.0.0/24"]}]
    )
    own = [group for group in groups if group["VpcId"] == vpcs[0]["VpcId"] and group["GroupName"] == "default"]
    assert len(own) == 1
    return [*own[0]["IpPermissions"], *own[0]["IpPermissionsEgress"]]
