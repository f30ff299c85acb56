"""The checks as cfn-lint rules: each is there, each points at a line, and no template makes one crash."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cfnlint.match import Match
from cfnlint.rules import Rules

from hipaa_pipeline.cfnlint_rules.ids import IDS, UNDETERMINED, rule_id
from hipaa_pipeline.cfnlint_rules.judging import plain
from hipaa_pipeline.controls import CHECKS, Severity

MODULE = "hipaa_pipeline.cfnlint_rules"
WEAK = """\
Resources:
  Group:
    Type: AWS::RDS::DBParameterGroup
    Properties:
      Description: weak
      Family: postgres17
      Parameters:
        rds.force_ssl: "0"
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      ShardCount: 1
"""
ASKING = """\
Parameters:
  Mode: {Type: String}
  Subnets: {Type: List<AWS::EC2::Subnet::Id>}
  Image: {Type: "AWS::SSM::Parameter::Value<String>", Default: /image}
Conditions:
  IsKms: !Equals [!Ref Mode, KMS]
Resources:
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      ShardCount: 1
      StreamEncryption: {EncryptionType: !Ref Mode, KeyId: !ImportValue records-key}
  Table:
    Type: AWS::DynamoDB::Table
    Condition: IsKms
    Properties: {Nonsense: !Select [9, !Split [",", !Ref Image]]}
"""


def linted(text: str, *, include: tuple[str, ...] = (), **arguments: Any) -> list[Match]:
    """What cfn-lint with our rules alone reports of a text."""
    arguments = {"regions": ["us-east-1"], "append_rules": [MODULE], "include_checks": list(include), **arguments}
    config = ManualArgs(ignore_checks=["E0", "E1", "E2", "E3", "W1", "W2", "W3", "W6", "W7", "I1", "I3"], **arguments)
    matches: list[Match] = lint(text, config=config)
    return matches


def test_every_check_is_a_rule_that_cfn_lint_indexes() -> None:
    indexed = Rules.create_from_module(MODULE)
    assert set(indexed) == {*(rule_id(check.slug) for check in CHECKS), UNDETERMINED}


def test_no_id_is_without_its_check_and_none_is_used_twice() -> None:
    assert set(IDS) == {check.slug for check in CHECKS}
    assert len(set(IDS.values())) == len(IDS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.slug)
def test_an_id_is_of_others_range_and_its_letter_tells_the_severity(check: Any) -> None:
    letter = "E" if check.severity in (Severity.CRITICAL, Severity.HIGH) else "W"
    assert re.fullmatch(rf"{letter}9[1-9]\d\d", rule_id(check.slug))


def test_a_check_without_an_id_is_an_error_and_not_a_rule_dropped_silently() -> None:
    with pytest.raises(KeyError, match="new_check"):
        rule_id("new_check")


def test_rules_document_themselves() -> None:
    for rule in Rules.create_from_module(MODULE).values():
        assert rule.shortdesc
        assert rule.description
        assert "hipaa" in rule.tags


def test_a_failure_points_at_the_property_or_at_what_should_hold_it() -> None:
    found = {match.rule.id: match.linenumber for match in linted(WEAK) if match.rule.id.startswith("E9")}
    assert found[IDS["postgresql_tls_forced"]] == 8
    assert found[IDS["kinesis_encrypted"]] == 11


def test_a_failure_says_what_was_expected_what_is_there_and_what_to_do() -> None:
    [match] = [match for match in linted(WEAK) if match.rule.id == IDS["kinesis_encrypted"]]
    assert match.message.startswith("Stream StreamEncryption.EncryptionType: expected KMS, found not set. Set Stream")
    assert match.message.endswith("HIPAA: 164.312(a)(2)(iv), 164.312(e)(2)(ii).")


def test_what_is_unknown_is_no_failure_and_shown_only_when_asked_for() -> None:
    assert [match for match in linted(ASKING) if match.rule.id in ("E0002", IDS["kinesis_encrypted"])] == []
    unknown = [match for match in linted(ASKING, include=("I",)) if match.rule.id == UNDETERMINED]
    assert any(match.linenumber == 12 and "Mode has no value" in match.message for match in unknown)


def test_parameters_of_cfn_lint_decide() -> None:
    for mode, expected in (("KMS", []), ("NONE", [IDS["kinesis_encrypted"]])):
        found = linted(ASKING, parameters=[{"Mode": mode}])
        assert [match.rule.id for match in found if match.rule.id == IDS["kinesis_encrypted"]] == expected


@pytest.mark.parametrize(
    "text",
    [
        "Resources: {A: {Type: AWS::KMS::Key}}",
        "Resources: {A: {Type: AWS::KMS::Key, Properties: {KeyPolicy: [1, {Statement: x}]}}}",
        "Resources: {A: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: !Sub '${B}'}}}",
        "Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::X': [I, [a], {'K${I}': {Type: AWS::KMS::Key}}]}",
        "Resources: {A: {Type: AWS::RDS::DBInstance, Properties: {'Fn::Transform': {Name: 'AWS::Include'}}}}",
        "Resources: {A: {Type: AWS::EC2::SecurityGroup, Properties: {SecurityGroupIngress: !If [X, 1, 2]}}}",
        "Conditions: {X: !Equals [!Ref Y, 1]}\nResources: {A: {Type: AWS::SNS::Topic, Condition: X}}",
    ],
)
def test_no_template_makes_a_rule_crash(text: str) -> None:
    crashed = lint(text, config=ManualArgs(regions=["us-east-1"], append_rules=[MODULE], include_checks=["I"]))
    assert [match.message for match in crashed if match.rule.id == "E0002"] == []


def test_values_with_positions_become_plain() -> None:
    value = plain({"a": ["x", 1, True, {"b": None}]})
    assert value == {"a": ["x", 1, True, {"b": None}]}
    assert type(value["a"][0]) is str


def cfn_lint(path: Path) -> list[str]:
    """The ids that the command line reports, ours included."""
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--append-rules", MODULE, "--format", "json"]
    done = subprocess.run([*command, "--", str(path)], capture_output=True, text=True, check=False, timeout=120)
    assert done.stderr == ""
    return [match["Rule"]["Id"] for match in json.loads(done.stdout)]


def test_the_command_line_loads_the_rules_and_our_template_breaks_none(tmp_path: Path) -> None:
    weak = tmp_path / "weak.yaml"
    weak.write_text(WEAK, encoding="utf-8")
    assert IDS["postgresql_tls_forced"] in cfn_lint(weak)
    assert cfn_lint(Path(__file__).parents[1] / "templates" / "hipaa-pipeline.yaml") == []
