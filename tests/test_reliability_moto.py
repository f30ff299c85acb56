"""Moto's server as a second, hostile account: it calls stacks complete that are not, and breaks with pages of HTML.

Whatever it does, the deployer must end, without a traceback, and not with success.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from hipaa_pipeline.aws.explain import explain
from hipaa_pipeline.aws.session import AwsError, Connection
from hipaa_pipeline.aws.stacks import DeployedStack
from hipaa_pipeline.deployment.deploy import READ_BACK, deploy
from hipaa_pipeline.deployment.finishing import FINISHED
from hipaa_pipeline.deployment.order import Result
from hipaa_pipeline.documents.reliability import fault
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template, parse_template
from hipaa_pipeline.verification import verify
from scenario import STACK, Scenario

PIPELINE = load_template(Path(__file__).parents[1] / "templates" / "hipaa-pipeline.yaml")
SKIPPED = """
Parameters: {EnvironmentSuffix: {Type: String}}
Resources:
  AlarmTopic: {Type: "AWS::SNS::Topic", Properties: {TopicName: alarms}}
  CpuAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: cpu
      Namespace: AWS/RDS
      MetricName: CPUUtilization
      Statistic: Average
      Period: 60
      EvaluationPeriods: 1
      Threshold: 80
      ComparisonOperator: GreaterThanThreshold
"""


@pytest.fixture(scope="module")
def moto() -> Iterator[Connection]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield Connection("ap-southeast-1", None, f"http://127.0.0.1:{port}", "testing", "testing")
    server.stop()


@pytest.fixture
def hostile(moto: Connection) -> Connection:
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{moto.endpoint_url}/moto-api/reset", method="POST")).close()
    return moto


def test_a_stack_that_is_called_complete_without_its_alarm(hostile: Connection) -> None:
    """Moto says CREATE_COMPLETE, but cannot list its resources: what was not seen is not called done."""
    scenario = Scenario(hostile, template=parse_template(SKIPPED))
    expected = resolve(scenario.template, scenario.base_parameters, region=hostile.region, stack_name=STACK)

    def read_back(_stack: DeployedStack) -> tuple[Finding, ...]:
        return verify.run(scenario.session, expected, clock=scenario.tools.clock).findings

    outcome = deploy(scenario.order(), scenario.tools, dataclasses.replace(scenario.hooks, read_back=read_back))
    assert scenario.stack()["StackStatus"] == "CREATE_COMPLETE"
    assert (outcome.result, outcome.exit_code) == (Result.CREATED, ExitCode.UNKNOWN)
    assert {one.control for one in outcome.findings if one.status is Status.UNKNOWN} == {FINISHED, READ_BACK}


TEMPLATES = {
    "a type that is skipped": parse_template(SKIPPED),
    "the whole template": PIPELINE,
    "a type that does not exist": parse_template("Resources: {X: {Type: 'AWS::No::Such'}}"),
}


@pytest.mark.parametrize("point", fault("hostile_account").points)
def test_a_truthful_end_without_success(hostile: Connection, point: str) -> None:
    template = TEMPLATES[point]
    text = json.dumps(template.body, separators=(",", ":"))
    parameters = {"EnvironmentSuffix": "test"} if "Parameters" in template.body else {}
    scenario = Scenario(hostile, template=parse_template(text), base_parameters=parameters)
    expected = resolve(scenario.template, parameters, region=hostile.region, stack_name=STACK)

    def read_back(_stack: DeployedStack) -> tuple[Finding, ...]:
        return verify.run(scenario.session, expected, clock=scenario.tools.clock).findings

    try:
        ended = deploy(
            scenario.order(), scenario.tools, dataclasses.replace(scenario.hooks, read_back=read_back)
        ).exit_code
    except UserError as error:
        ended = error.exit_code
    except AwsError as error:
        ended = explain(error).exit_code
    assert ended is not ExitCode.GOOD
