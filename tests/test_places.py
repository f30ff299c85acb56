"""A finding leads to the line a person must change."""

from __future__ import annotations

import pytest

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.places import path_of, steps_of, with_lines
from hipaa_pipeline.source import parse_template

TEMPLATE = """\
Parameters:
  Password:
    Type: String
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Retain
    Properties:
      StorageEncrypted: false
  Group:
    Type: AWS::RDS::DBParameterGroup
    Properties:
      Parameters:
        rds.force_ssl: "0"
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Statement:
          - Effect: Allow
          - Effect: Allow
            Principal: "*"
  Topic:
    Type: AWS::SNS::Topic
Outputs:
  Secret:
    Value: x
"""


@pytest.mark.parametrize(
    ("resource", "property_", "line"),
    [
        ("Database", "StorageEncrypted", 9),
        ("Database", "KmsKeyId", 8),
        ("Database", "DeletionPolicy", 7),
        ("Database", "", 5),
        ("Group", "Parameters.rds.force_ssl", 14),
        ("Group", "Parameters.log_statement", 13),
        ("Key", "KeyPolicy.Statement[1].Principal", 22),
        ("Key", "KeyPolicy.Statement[7].Principal", 19),
        ("Topic", "KmsMasterKeyId", 23),
        ("Stack", "Parameters.Password", 2),
        ("Stack", "Outputs.Secret.Value", 27),
        ("Gone", "StorageEncrypted", None),
        ("", "", None),
    ],
)
def test_the_line_is_that_of_the_value_or_of_what_encloses_it(resource: str, property_: str, line: int | None) -> None:
    finding = Finding(control="x", status=Status.FAIL, resource=resource, property=property_)
    [placed] = with_lines([finding], parse_template(TEMPLATE))
    assert placed.line == line


def test_a_path_is_the_longest_that_exists() -> None:
    finding = Finding(control="x", status=Status.FAIL, resource="Key", property="KeyPolicy.Statement[1].Condition.Bool")
    body = parse_template(TEMPLATE).body
    assert path_of(finding, body) == ("Resources", "Key", "Properties", "KeyPolicy", "Statement", 1)


def test_steps_are_read_from_dots_and_brackets() -> None:
    assert steps_of("A.B[2].C[0]") == ("A", "B", 2, "C", 0)
    assert steps_of("") == ()
