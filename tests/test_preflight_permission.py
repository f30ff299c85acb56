"""The simulation of permissions: whose, of what, and what each verdict means."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.permissions.grants import GRANTS
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.checks import judged
from hipaa_pipeline.preflight.facts import Problem, Unanswered
from hipaa_pipeline.preflight.permission import Decision, decision, permissions, policy_source
from hipaa_pipeline.preflight.subject import WARNING, Check
from recorded import ACCOUNT, REGION, Recorded, denied, our_stack, resource, stack_of, subject_of

PASS, FAIL, UNKNOWN = Status.PASS, Status.FAIL, Status.UNKNOWN
SSO = "/aws-reserved/sso.amazonaws.com/ap-southeast-1/AWSReservedSSO_Admin_0123"


def caller(arn: str) -> dict[str, str]:
    return {"Account": ACCOUNT, "Arn": arn}


def ask(account: Recorded) -> list[Finding]:
    check = Check("permissions", "", permissions)
    return account.ask(lambda facts: judged(check, subject_of(our_stack()), facts))


def refusing(*actions: str, **more: Any) -> Any:
    """A simulation that refuses these actions."""

    def answer(arguments: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"EvalActionName": action, "EvalDecision": "implicitDeny", **more}
            if action in actions
            else {"EvalActionName": action, "EvalDecision": "allowed"}
            for action in arguments["ActionNames"]
        ]

    return answer


def test_everything_is_allowed() -> None:
    findings = ask(Recorded())
    assert {finding.status for finding in findings} == {PASS}
    assert {finding.resource for finding in findings} >= {"Stacks", "CreateNetwork", "ManageDatabase", "PassRoles"}


def test_a_refused_action_is_named_with_the_statement_that_allows_it() -> None:
    findings = ask(Recorded({aws.SIMULATE_PRINCIPAL_POLICY: refusing("ec2:CreateVpc", "rds:CreateDBInstance")}))
    failed = {finding.resource: finding for finding in findings if finding.status is FAIL}
    assert set(failed) == {"CreateNetwork", "ManageDatabase"}
    assert failed["CreateNetwork"].actual == "refused: ec2:CreateVpc"
    assert failed["CreateNetwork"].remedy == "allow ec2:CreateVpc (docs/permissions.md, statement CreateNetwork)"


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"EvalDecision": "allowed"}, Decision("a:B", PASS)),
        ({"EvalDecision": "implicitDeny"}, Decision("a:B", FAIL, "")),
        ({"EvalDecision": "explicitDeny"}, Decision("a:B", FAIL, "explicitly")),
        (
            {"EvalDecision": "explicitDeny", "OrganizationsDecisionDetail": {"AllowedByOrganizations": False}},
            Decision("a:B", FAIL, "by the organisation"),
        ),
        (
            {
                "EvalDecision": "implicitDeny",
                "OrganizationsDecisionDetail": {"AllowedByOrganizations": True},
                "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False},
            },
            Decision("a:B", FAIL, "by the permissions boundary"),
        ),
        (
            {"EvalDecision": "implicitDeny", "MissingContextValues": ["aws:MultiFactorAuthPresent"]},
            Decision("a:B", UNKNOWN, "depends on aws:MultiFactorAuthPresent"),
        ),
        (
            {"EvalDecision": "explicitDeny", "MissingContextValues": ["aws:MultiFactorAuthPresent"]},
            Decision("a:B", FAIL, "explicitly"),
        ),
        (None, Decision("a:B", UNKNOWN, "IAM gave no answer")),
    ],
)
def test_each_verdict(result: Any, expected: Decision) -> None:
    assert decision("a:B", result) == expected


def test_an_action_without_a_result_is_unknown() -> None:
    findings = ask(Recorded({aws.SIMULATE_PRINCIPAL_POLICY: []}))
    assert {finding.status for finding in findings} == {UNKNOWN}


def test_a_condition_that_is_not_known_makes_the_statement_unknown() -> None:
    open_question = refusing("sns:CreateTopic", MissingContextValues=["aws:PrincipalTag/team"])
    findings = ask(Recorded({aws.SIMULATE_PRINCIPAL_POLICY: open_question}))
    assert [(each.resource, each.reason) for each in findings if each.status is UNKNOWN] == [
        ("ManageTopic", "sns:CreateTopic (depends on aws:PrincipalTag/team)")
    ]


@pytest.mark.parametrize(
    ("arn", "role", "expected"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/division/me", None, f"arn:aws:iam::{ACCOUNT}:user/division/me"),
        (
            f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_0123/me@example.org",
            {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role{SSO}"}},
            f"arn:aws:iam::{ACCOUNT}:role{SSO}",
        ),
    ],
)
def test_whose_policies_are_simulated(arn: str, role: Any, expected: str) -> None:
    account = Recorded({aws.GET_CALLER_IDENTITY: caller(arn), aws.GET_ROLE: role})
    assert account.ask(policy_source) == expected


@pytest.mark.parametrize(
    ("arn", "status"),
    [
        (f"arn:aws:iam::{ACCOUNT}:root", Status.NOT_APPLICABLE),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/me", UNKNOWN),
    ],
)
def test_whom_iam_cannot_simulate(arn: str, status: Status) -> None:
    (finding,) = ask(Recorded({aws.GET_CALLER_IDENTITY: caller(arn)}))
    assert (finding.status, finding.resource) == (status, arn)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (denied(aws.GET_ROLE), "iam:GetRole is denied"),
        (
            Problem("not-found", "iam:GetRole", "NoSuchEntity", "gone"),
            "iam:GetRole: not-found (deployer, the caller's)",
        ),
    ],
)
def test_a_role_that_cannot_be_looked_up_is_unknown(answer: Problem, reason: str) -> None:
    account = Recorded({aws.GET_ROLE: answer})
    (finding,) = ask(account)
    assert (finding.status, finding.reason) == (UNKNOWN, reason)
    with pytest.raises(Unanswered):
        account.ask(policy_source)


def test_a_denied_simulation_is_unknown_and_names_the_action() -> None:
    findings = ask(Recorded({aws.SIMULATE_PRINCIPAL_POLICY: denied(aws.SIMULATE_PRINCIPAL_POLICY)}))
    assert {(each.status, each.reason) for each in findings} == {(UNKNOWN, "iam:SimulatePrincipalPolicy is denied")}


def test_what_is_asked_names_this_stack_and_carries_the_conditions_of_our_own_policy() -> None:
    account = Recorded()
    ask(account)
    asked = [read.arguments for read in account.asked if read.operation is aws.SIMULATE_PRINCIPAL_POLICY]
    resources = {arn for arguments in asked for arn in arguments["ResourceArns"]}
    assert f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/healthcare-*-test" in resources
    assert f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/hipaa-pipeline-test/*" in resources
    keys = {entry["ContextKeyName"]: entry["ContextKeyValues"] for each in asked for entry in each["ContextEntries"]}
    assert keys["aws:ResourceTag/hipaa-pipeline:environment"] == ["test"]
    assert keys["aws:RequestedRegion"] == [REGION]
    assert keys["kms:ViaService"] == [f"rds.{REGION}.amazonaws.com"]
    assert len(asked) < len(GRANTS) / 1.5  # actions on the same resources go together


def test_a_deployer_of_its_own_is_asked_for_instead_of_the_caller() -> None:
    """StackSets deploys with its execution role; who asks has a role that only reads."""
    account = Recorded()
    deployer = f"arn:aws:iam::{ACCOUNT}:role/execution"
    check = Check("permissions", "", permissions)
    account.ask(lambda facts: judged(check, subject_of(our_stack(), deployer=deployer), facts))
    asked = [read.arguments for read in account.asked if read.operation is aws.SIMULATE_PRINCIPAL_POLICY]
    assert {arguments["PolicySourceArn"] for arguments in asked} == {deployer}


def test_what_only_an_update_needs_is_a_warning_for_a_new_stack() -> None:
    (finding,) = (
        each
        for each in ask(Recorded({aws.SIMULATE_PRINCIPAL_POLICY: refusing("kinesis:StopStreamEncryption")}))
        if each.resource == "EncryptStream"
    )
    assert (finding.status, finding.severity) == (PASS, WARNING)
    assert finding.reason.endswith("not updated later: kinesis:StopStreamEncryption refused")


def test_what_an_update_needs_stops_an_update() -> None:
    account = Recorded(
        {
            aws.SIMULATE_PRINCIPAL_POLICY: refusing("kinesis:StopStreamEncryption"),
            aws.DESCRIBE_STACKS: [{"StackStatus": "CREATE_COMPLETE"}],
            aws.LIST_STACK_RESOURCES: [
                {"LogicalResourceId": "Key", "PhysicalResourceId": "k", "ResourceStatus": "CREATE_COMPLETE"}
            ],
            aws.GET_TEMPLATE: denied(aws.GET_TEMPLATE),
        }
    )
    assert [each.resource for each in ask(account) if each.status is FAIL] == ["EncryptStream"]


@pytest.mark.parametrize(("exists", "expected"), [(True, []), (False, ["ServiceLinkedRoles"])])
def test_the_right_to_create_a_service_linked_role_matters_only_where_one_is_missing(
    exists: bool, expected: list[str]
) -> None:
    account = Recorded({aws.SIMULATE_PRINCIPAL_POLICY: refusing("iam:CreateServiceLinkedRole")})
    if not exists:
        account.answers[aws.GET_ROLE] = lambda arguments: (
            {"Role": {"Arn": "arn"}} if arguments["RoleName"] == "deployer" else Problem("not-found", "iam:GetRole")
        )
    assert [each.resource for each in ask(account) if each.status is FAIL] == expected


def test_a_stack_without_a_database_needs_no_rights_to_one() -> None:
    account = Recorded()
    check = Check("permissions", "", permissions)
    stack = stack_of(resource("Topic", "SNS::Topic"))
    findings = account.ask(lambda facts: judged(check, subject_of(stack), facts))
    assert "ManageDatabase" not in {finding.resource for finding in findings}
