"""The project's template in the local account: each parameter file, an existing VPC, roles handed in, gone again."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

import pytest

from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.configuration import TEMPLATE_PATH, environments, load_environment
from hipaa_pipeline.findings import Status
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import Stack
from hipaa_pipeline.verification import verify
from local_stacks import delete, deploy_environment, physical_ids


def expected(account: LocalAccount, environment: str) -> Stack:
    configuration = load_environment(environment)
    stack = resolve(
        load_template(TEMPLATE_PATH).body, configuration.parameters,
        region=account.region, account_id=account.account_id, stack_name=configuration.stack_name,
    )  # fmt: skip
    return dataclasses.replace(stack, name=configuration.stack_name)


@pytest.mark.parametrize("environment", environments())
def test_each_environment_deploys_reads_back_whole_and_leaves_nothing(
    account: LocalAccount, session: Session, environment: str
) -> None:
    assert deploy_environment(session, environment) == "CREATE_COMPLETE"
    read_only = Session(account.connection, read_only=True)
    findings = verify.run(read_only, expected(account, environment), clock=SystemClock()).findings
    asked = {verify.MATCHES.slug, verify.EXISTS.slug, verify.KNOWN.slug}
    answers = Counter(finding.status for finding in findings if finding.control in asked)
    assert [finding for finding in findings if finding.control in asked and finding.status is Status.FAIL] == []
    assert answers[Status.UNKNOWN] == 0
    assert answers[Status.PASS] > 200
    name = load_environment(environment).stack_name
    unprotect(session, name)
    assert delete(session, name) == "DELETE_COMPLETE"
    assert set(account.inventory()) <= {"kms.key_pending_deletion", "rds.retained_backup"}


def unprotect(session: Session, stack: str) -> None:
    """Take away what keeps a protected stack from being deleted."""
    database = physical_ids(session, stack)["Database"]
    session.call("rds", "modify_db_instance", DBInstanceIdentifier=database, DeletionProtection=False)
    for group in session.pages("logs", "describe_log_groups", "logGroups"):
        session.call(
            "logs", "put_log_group_deletion_protection", logGroupIdentifier=group["logGroupName"],
            deletionProtectionEnabled=False,
        )  # fmt: skip


def test_an_existing_vpc_and_handed_in_roles_are_used(account: LocalAccount, session: Session) -> None:
    account.fill({"vpc/L-F678F1CE": 5, "iam/L-FE177D64": 999})
    before = account.inventory()
    vpc = before["ec2.vpc"][0]
    found = session.call("ec2", "describe_subnets", Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    roles = {
        f"Existing{kind}RoleArn": session.call("iam", "get_role", RoleName=f"shared-{name}")["Role"]["Arn"]
        for kind, name in (("Monitoring", "rds-monitoring"), ("FlowLog", "vpc-flow-logs"), ("Backup", "backup"))
    }
    subnets = ",".join(subnet["SubnetId"] for subnet in found)
    given = {"ExistingVpcId": vpc, "ExistingPrivateSubnetIds": subnets, **roles}
    assert deploy_environment(session, "local", **given) == "CREATE_COMPLETE"
    after = account.inventory()
    for kind in ("ec2.vpc", "ec2.subnet", "ec2.route_table"):
        assert after[kind] == before[kind]
    assert len(after["iam.role"]) == len(before["iam.role"]) + 1


def test_at_the_quotas_of_the_first_attempt_it_fails_and_rolls_back(account: LocalAccount, session: Session) -> None:
    account.fill({"vpc/L-F678F1CE": 5, "iam/L-FE177D64": 1000})
    before = account.inventory()
    assert deploy_environment(session, "dev") == "ROLLBACK_COMPLETE"
    after = account.inventory()
    ours = {"cloudformation.stack", "cloudformation.change_set", "kms.key_pending_deletion"}
    assert {kind: names for kind, names in after.items() if kind not in ours} == before


def test_a_second_environment_beside_the_first(session: Session) -> None:
    assert deploy_environment(session, "dev") == "CREATE_COMPLETE"
    assert deploy_environment(session, "local") == "CREATE_COMPLETE"
    template = json.dumps({"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}})
    session.call("cloudformation", "create_stack", StackName="other", TemplateBody=template)
    stacks = session.call("cloudformation", "describe_stacks")["Stacks"]
    assert len(stacks) == 3
