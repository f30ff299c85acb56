"""Facts for tests of evidence: an environment's template as if it had been read back, with every kind of answer."""

from __future__ import annotations

import dataclasses
import datetime

from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment
from hipaa_pipeline.controls import judge
from hipaa_pipeline.deployment.events import Event
from hipaa_pipeline.evidence import Evidence
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import unknown
from hipaa_pipeline.verification.live_checks import Observation, judge_observations
from hipaa_pipeline.waivers import Waiver

NOW = datetime.datetime(2026, 11, 23, 12, 0, 0, tzinfo=datetime.UTC)
STACK_ID = "arn:aws:cloudformation:ap-southeast-1:111122223333:stack/hipaa-pipeline-dev/1"


def evidence(
    environment: str = "dev",
    now: datetime.datetime = NOW,
    foreign: tuple[str, ...] = (),
    account_id: str = "123456789012",
    region: str = "ap-southeast-1",
) -> Evidence:
    """Evidence with passed, failed, unknown, waived and not applicable findings; texts that HTML must escape."""
    configuration = load_environment(environment)
    template = load_template(TEMPLATE_PATH)
    stack = resolve(
        template,
        {**configuration.parameters, "AlarmEmail": "nurse@clinic.example"},
        region=region,
        account_id=account_id,
        stack_name=configuration.stack_name,
    )
    observations = [
        Observation("kms_key_usable", "Key", "KeyState", "Enabled"),
        Observation("rds_parameter_group_in_sync", "Database", "group", "pending-reboot"),
        Observation("vpc_flow_log_delivering", "FlowLog", "", unknown("ec2:DescribeFlowLogs: <denied> & gone")),
    ]
    return Evidence(
        environment=environment,
        collected=now,
        foreign=foreign,
        caller="arn:aws:sts::111122223333:assumed-role/auditor/me",
        template_text=template.text,
        parameters={**configuration.parameters, "AlarmEmail": "nurse@clinic.example"},
        tags=configuration.tags,
        expected=stack,
        live=stack,
        findings=tuple(map(_waived, (*judge(stack), *judge_observations(observations, NOW)))),
        waivers=(
            Waiver(
                control="rds_multi_az",
                environment=environment,
                reason="Development data can be loaded again",
                owner="platform team",
                expiry=datetime.date(2027, 6, 30),
            ),
        ),
        events=tuple(_events()),
        change_set={
            "ChangeSetName": "change",
            "Changes": [
                {"ResourceChange": {"LogicalResourceId": "Key", "ResourceType": "AWS::KMS::Key", "Action": "Add"}}
            ],
        },
        cost={
            "currency": "USD", "as_of": "2026-09-01", "monthly": 12.5, "assumptions": {},
            "items": [{"resource": "Key", "item": "key", "quantity": 1, "unit": "month", "price": 1, "monthly": 1.0}],
            "unpriced": [{"resource": "RecordStream", "item": "shard hours", "reason": "no price"}],
        },
        versions={"hipaa-pipeline": "0.1.0", "python": "3.11.7"},
    )  # fmt: skip


def _waived(finding: Finding) -> Finding:
    if finding.control == "rds_multi_az" and finding.status is Status.FAIL:
        return dataclasses.replace(finding, status=Status.WAIVED, reason="Development data can be loaded again")
    return finding


def _events() -> list[Event]:
    def event(second: int, name: str, type_: str, status: str) -> Event:
        stack = type_ == "AWS::CloudFormation::Stack"
        time = NOW - datetime.timedelta(seconds=100 - second)
        return Event(f"{name}{second}", name, STACK_ID if stack else name, type_, status, "", time, STACK_ID)

    return [
        event(0, "hipaa-pipeline-dev", "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS"),
        event(10, "Key", "AWS::KMS::Key", "CREATE_IN_PROGRESS"),
        event(30, "Key", "AWS::KMS::Key", "CREATE_COMPLETE"),
        event(30, "Database", "AWS::RDS::DBInstance", "CREATE_IN_PROGRESS"),
        event(90, "Database", "AWS::RDS::DBInstance", "CREATE_COMPLETE"),
        event(100, "hipaa-pipeline-dev", "AWS::CloudFormation::Stack", "CREATE_COMPLETE"),
    ]
