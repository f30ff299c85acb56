"""`hipaa-pipeline check` as a user types it: what is printed, where, and with which exit code."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from hipaa_pipeline.checking import check_template
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.configuration import DEFAULT_REGION, TEMPLATE_PATH, environments, load_environment
from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.findings import Status
from hipaa_pipeline.source import load_template
from hipaa_pipeline.waivers import apply_waivers, load_waivers

ROOT = Path(__file__).parents[1]
UNENCRYPTED = """\
Resources:
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      ShardCount: 1
"""
ASKS_FOR_MODE = """\
Parameters:
  Mode: {Type: String}
Resources:
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      StreamEncryption: {EncryptionType: !Ref Mode, KeyId: alias/records}
"""
WAIVER = """\
[[waiver]]
control = "{control}"
environment = "{environment}"
reason = "none"
owner = "nobody"
expiry = {expiry}
"""


def check(*arguments: str, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from hipaa_pipeline.cli import main; main()", "check", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=120)


def findings(*arguments: str, directory: Path = ROOT) -> list[dict[str, Any]]:
    answer = check(*arguments, "--format", "json", directory=directory)
    parsed: list[dict[str, Any]] = json.loads(answer.stdout)
    return parsed


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    path = tmp_path / "foreign.yaml"
    path.write_text(UNENCRYPTED, encoding="utf-8")
    return path


def test_prod_needs_no_waiver_and_leaves_nothing_unknown() -> None:
    found = findings("--env", "prod")
    assert {each["status"] for each in found} <= {"pass", "not-applicable"}
    assert check("--env", "prod").returncode == ExitCode.GOOD


@pytest.mark.parametrize("environment", ["dev", "local"])
def test_an_ephemeral_environment_has_only_waived_findings(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    waivers = load_waivers()
    chosen = load_environment(environment)
    found = apply_waivers(
        check_template(load_template(TEMPLATE_PATH), chosen.parameters, region=DEFAULT_REGION),
        waivers,
        environment,
        min(waiver.expiry for waiver in waivers),  # not today: waivers expire, and tests must not
        protected=False,
        environments=environments(),
    )
    assert {each.status for each in found} == {Status.PASS, Status.NOT_APPLICABLE, Status.WAIVED}
    waived = {each.control for each in found if each.status is Status.WAIVED}
    assert waived == {"rds_multi_az", "rds_deletion_protection", "rds_in_backup_plan"}


def test_prod_has_no_waivers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert {waiver.environment for waiver in load_waivers()} == {"dev", "local"}


def test_without_arguments_our_template_is_judged_with_the_local_parameters() -> None:
    answer = check()
    assert answer.stdout.startswith("templates/hipaa-pipeline.yaml with local in ap-southeast-1\n")
    assert answer.stderr == "Judged with parameters/local.json; --env prod or --matrix asks more.\n"


def test_another_template_fails_with_the_line_of_the_resource(foreign: Path) -> None:
    answer = check(str(foreign))
    assert answer.returncode == ExitCode.FAILED
    assert f"  {foreign}:4  Stream  StreamEncryption.EncryptionType\n" in answer.stdout
    assert answer.stderr == ""


def test_every_finding_names_what_a_reader_needs_in_every_format(foreign: Path) -> None:
    failed = [each for each in findings(str(foreign)) if each["status"] == "fail" and each["citation"]]
    assert {"kinesis_encrypted", "kinesis_customer_key"} <= {each["control"] for each in failed}
    needed = ("resource", "property", "expected", "actual", "citation", "remedy", "line")
    assert all(each[field] for each in failed for field in needed if field != "property" or each["property"])
    results = json.loads(check(str(foreign), "--format", "sarif").stdout)["runs"][0]["results"]
    assert [result["properties"] for result in results] == findings(str(foreign))
    lines = [result["locations"][0]["physicalLocation"]["region"]["startLine"] for result in results
             if result["ruleId"] == "kinesis_encrypted"]  # fmt: skip
    assert lines == [4]
    cases = list(ET.fromstring(check(str(foreign), "--format", "junit").stdout).iter("testcase"))
    carried = [{each.get("name"): each.get("value") for each in case.iter("property")} for case in cases]
    assert [each["control"] for each in carried] == [each["control"] for each in findings(str(foreign))]
    assert any(each.get("actual") and each["line"] == "4" for each in carried if each["control"] == "kinesis_encrypted")


def test_sarif_of_prod_is_valid_by_its_schema() -> None:
    document = json.loads(check("--env", "prod", "--format", "sarif").stdout)
    schema = json.loads((ROOT / "tests" / "data" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    jsonschema.Draft4Validator(schema).validate(document)
    assert len(document["runs"][0]["results"]) == len(findings("--env", "prod"))


def test_what_cannot_be_resolved_is_unknown_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "asks.yaml"
    path.write_text(ASKS_FOR_MODE, encoding="utf-8")
    unknown = [each for each in findings(str(path)) if each["status"] == "unknown"]
    assert {(each["control"], each["line"]) for each in unknown} == {("kinesis_encrypted", 7), ("template_resolved", 2)}
    assert all("Mode has no value" in each["reason"] for each in unknown)


def test_parameters_of_a_file_decide(tmp_path: Path) -> None:
    template, parameters = tmp_path / "asks.json", tmp_path / "values.json"
    body = {
        "Parameters": {"Mode": {"Type": "String"}},
        "Resources": {
            "Stream": {
                "Type": "AWS::Kinesis::Stream",
                "Properties": {"StreamEncryption": {"EncryptionType": {"Ref": "Mode"}, "KeyId": "alias/records"}},
            }
        },
    }
    template.write_text(json.dumps(body), encoding="utf-8")
    for mode, status in (("KMS", "pass"), ("NONE", "fail")):
        parameters.write_text(json.dumps({"Parameters": {"Mode": mode}}), encoding="utf-8")
        found = findings(str(template), "--parameters", str(parameters))
        assert [each["status"] for each in found if each["control"] == "kinesis_encrypted"] == [status]


@pytest.mark.parametrize(
    ("control", "environment", "days", "expected"),
    [
        ("ephemeral_is_cheap", "local", 30, {"waivers_unused"}),
        ("ephemeral_is_cheap", "local", 1000, {"waivers_too_long"}),
        ("postgresql_tls_forced", "prod", 30, {"waivers_waivable"}),
        ("rds_multi_az", "prod", 30, {"waivers_waivable"}),
        ("rds_nothing_pending", "local", 30, set()),  # a question that only verify asks
    ],
)
def test_a_bad_waiver_fails(control: str, environment: str, days: int, expected: set[str], tmp_path: Path) -> None:
    (tmp_path / "templates").symlink_to(ROOT / "templates")
    (tmp_path / "parameters").mkdir()
    for file in (ROOT / "parameters").glob("*.json"):
        (tmp_path / "parameters" / file.name).write_bytes(file.read_bytes())
    today = SystemClock().now().date()  # the command reads it too
    expiry = (today + datetime.timedelta(days=days)).isoformat()
    text = WAIVER.format(control=control, environment=environment, expiry=expiry)
    (tmp_path / "parameters" / "waivers.toml").write_text(text, encoding="utf-8")
    bad = [each for each in findings("--env", environment, directory=tmp_path) if each["control"] == "waivers"]
    assert {(each["rule"], each["status"]) for each in bad} == {(rule, "fail") for rule in expected}


@pytest.mark.parametrize(
    ("arguments", "message", "following"),
    [
        (["missing.yaml"], "missing.yaml cannot be read: No such file or directory.", "ls ."),
        (["parameters"], "parameters is a directory, not a template.", "ls parameters"),
        (["parameters/dev.json"], "there is no Resources section", "sed -n"),
        (["--env", "stage"], "There is no environment 'stage'", "make deploy ENV=dev"),
        (["--env", "dev", "--matrix"], "Only one of --env, --parameters and --matrix can be used.", "check --help"),
        (["--env", "dev", "--parameters", "x.json"], "Only one of --env, --parameters and --matrix", "check --help"),
        (["--parameters", "x.json"], "x.json cannot be read: No such file or directory.", "ls ."),
        (["--region", "ap-southeast1"], "'ap-southeast1' is no AWS Region", "--region ap-southeast-1"),
        (["--region", "mars-north-1", "--matrix"], "'mars-north-1' is no AWS Region", "--region ap-southeast-1"),
    ],
)
def test_bad_input_is_a_sentence_and_the_next_command(arguments: list[str], message: str, following: str) -> None:
    answer = check(*arguments)
    assert answer.returncode == ExitCode.USAGE
    assert answer.stdout == ""
    assert message in answer.stderr
    assert following in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Resources: [", "bad.yaml:1: not valid YAML"),
        ("Resources: {}\nResources: {}\n", "bad.yaml:2: duplicate key 'Resources' (first on line 1)"),
        ("", "bad.yaml:1: the template is empty"),
        ('{"Resources": ', "bad.yaml:1: not valid"),
    ],
)
def test_a_malformed_template_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    answer = check(path.name, directory=tmp_path)
    assert answer.returncode == ExitCode.USAGE
    assert message in answer.stderr


def test_our_own_template_refuses_parameters_it_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"Parameters": {"Encrypted": "false"}}), encoding="utf-8")
    answer = check("--parameters", str(path))
    assert answer.returncode == ExitCode.USAGE
    assert "The template has no parameter Encrypted" in answer.stderr


def test_the_matrix_of_a_small_template_shows_its_counts(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(ASKS_FOR_MODE.replace("{Type: String}", "{Type: String, AllowedValues: [KMS, NONE]}"), "utf-8")
    answer = check(str(path), "--matrix", "--region", "us-east-1")
    assert answer.returncode == ExitCode.FAILED
    assert " parameter sets tried: " in answer.stdout.splitlines()[0]
    assert "first in us-east-1 with Mode=NONE" in answer.stdout
