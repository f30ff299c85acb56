"""Templates as people write them: YAML or JSON, short or long forms, and everything that is no template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.source import load_template, parse_template
from hipaa_pipeline.syntax import json_text, yaml_text

WRITTEN = """\
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Port: 5432
      Engine: !If
        - IsNew
        - !GetAtt Other.Endpoint.Port
        - !Sub
          - ${Host}:1
          - {Host: localhost}
      Tags:
        - Key: Name
          Value: database
"""


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref Key", {"Ref": "Key"}),
        ("!Condition IsNew", {"Condition": "IsNew"}),
        ("!GetAtt Key.Arn", {"Fn::GetAtt": ["Key", "Arn"]}),
        ("!GetAtt Stack.Outputs.Arn", {"Fn::GetAtt": ["Stack", "Outputs.Arn"]}),
        ("!GetAtt [Key, Arn]", {"Fn::GetAtt": ["Key", "Arn"]}),
        ("!Sub 'a-${B}'", {"Fn::Sub": "a-${B}"}),
        ("!Sub ['${B}', {B: 1}]", {"Fn::Sub": ["${B}", {"B": 1}]}),
        ("!If [C, 1, !Ref 'AWS::NoValue']", {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]}),
        ("!Join [',', [a, b]]", {"Fn::Join": [",", ["a", "b"]]}),
        ("!Cidr [!Ref Block, 2, 8]", {"Fn::Cidr": [{"Ref": "Block"}, 2, 8]}),
        ("!GetAZs ''", {"Fn::GetAZs": ""}),
        ("!GetAZs", {"Fn::GetAZs": ""}),
        ("!Base64 text", {"Fn::Base64": "text"}),
        ("!FindInMap [Map, a, b]", {"Fn::FindInMap": ["Map", "a", "b"]}),
        ("!ImportValue name", {"Fn::ImportValue": "name"}),
        ("!Select [0, !GetAZs '']", {"Fn::Select": [0, {"Fn::GetAZs": ""}]}),
        ("!Split [',', 'a,b']", {"Fn::Split": [",", "a,b"]}),
        ("!Transform {Name: AWS::Include}", {"Fn::Transform": {"Name": "AWS::Include"}}),
        ("!And [!Condition A, !Condition B]", {"Fn::And": [{"Condition": "A"}, {"Condition": "B"}]}),
        ("!Or [!Condition A, !Condition B]", {"Fn::Or": [{"Condition": "A"}, {"Condition": "B"}]}),
        ("!Not [!Condition A]", {"Fn::Not": [{"Condition": "A"}]}),
        ("!Equals [!Ref A, true]", {"Fn::Equals": [{"Ref": "A"}, True]}),
        ("!Length [1, 2]", {"Fn::Length": [1, 2]}),
        ("!ToJsonString {a: 1}", {"Fn::ToJsonString": {"a": 1}}),
        (
            "!GetStackOutput {StackName: s, OutputName: o}",
            {"Fn::GetStackOutput": {"StackName": "s", "OutputName": "o"}},
        ),
        ("!Contains [[a], !Ref A]", {"Fn::Contains": [["a"], {"Ref": "A"}]}),
        ("!EachMemberIn [!Ref A, [a]]", {"Fn::EachMemberIn": [{"Ref": "A"}, ["a"]]}),
        ("!EachMemberEquals [!Ref A, a]", {"Fn::EachMemberEquals": [{"Ref": "A"}, "a"]}),
        ("!ValueOf [A, VpcId]", {"Fn::ValueOf": ["A", "VpcId"]}),
        ("!ValueOfAll ['AWS::EC2::Subnet::Id', VpcId]", {"Fn::ValueOfAll": ["AWS::EC2::Subnet::Id", "VpcId"]}),
        ("!RefAll 'AWS::EC2::VPC::Id'", {"Fn::RefAll": "AWS::EC2::VPC::Id"}),
        ("!Ref 123", {"Ref": "123"}),
    ],
)
def test_short_forms_become_long(short: str, long: dict[str, Any]) -> None:
    assert _property(short) == long


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2012-10-17", "2012-10-17"),
        ("2012-10-17T00:00:00Z", "2012-10-17T00:00:00Z"),
        ("=", "="),
        ("012345678901", "012345678901"),
        ("0x10", 16),
        ("10.20.0.0/16", "10.20.0.0/16"),
        ("1.5", 1.5),
        ("yes", True),
        ("off", False),
        ("~", None),
        ("'yes'", "yes"),
        ("!!str 5", "5"),
        ("", None),
        ("|-\n        a\n        b", "a\nb"),
    ],
)
def test_scalars_are_read_as_yaml_1_1_but_dates_stay_texts(written: str, value: object) -> None:
    assert _property(written) == value


def test_keys_are_texts() -> None:
    template = parse_template("Mappings: {M: {012345678901: {2020-01-01: a, 80: b, on: c}}}\nResources: {A: {Type: T}}")
    assert template.body["Mappings"] == {"M": {"012345678901": {"2020-01-01": "a", "80": "b", "on": "c"}}}


def test_aliases_and_merges_are_expanded() -> None:
    template = parse_template(
        "Metadata: {A: &a {x: 1, y: 1}, B: &b {y: 2, z: 2}}\n"
        "Resources:\n  One:\n    <<: *a\n    y: 3\n  Two: {<<: [*a, *b]}\n  Three: *b\n"
    )
    assert template.body["Resources"] == {
        "One": {"x": 1, "y": 3},
        "Two": {"x": 1, "y": 1, "z": 2},
        "Three": {"y": 2, "z": 2},
    }
    assert template.line_of(("Resources", "One", "y")) == 5
    assert template.line_of(("Resources", "One", "x")) == 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("Resources",), 2),
        (("Resources", "Database"), 3),
        (("Resources", "Database", "Properties", "Port"), 6),
        (("Resources", "Database", "Properties", "Engine"), 7),
        (("Resources", "Database", "Properties", "Engine", "Fn::If", 1), 9),
        (("Resources", "Database", "Properties", "Engine", "Fn::If", 1, "Fn::GetAtt", 0), 9),
        (("Resources", "Database", "Properties", "Engine", "Fn::If", 2, "Fn::Sub", 1, "Host"), 12),
        (("Resources", "Database", "Properties", "Tags", 0, "Value"), 15),
        (("Resources", "Database", "Properties", "Tags", 7, "Value"), 13),
        (("Resources", "Database", "Properties", "Absent", "Deep"), 5),
        (("Resources", "Absent"), 2),
        (("Outputs", "Absent"), 1),
    ],
)
def test_line_of_a_path_or_of_its_nearest_ancestor(path: tuple[str | int, ...], line: int) -> None:
    template = parse_template(WRITTEN)
    assert template.line_of(path) == line


def test_json_has_lines_tabs_surrogates_and_numbers() -> None:
    text = '{\n\t"Resources": {\n\t\t"A": {"n": [1, -2.5e3, 1e2, true, null, "\\ud83d\\ude00\\/\\t"],\n"o": {}}}}'
    template = parse_template(text)
    assert template.body == json.loads(text)
    assert template.line_of(("Resources", "A", "n", 3)) == 3
    assert template.line_of(("Resources", "A", "o")) == 4


def test_place_and_command_name_the_file() -> None:
    template = parse_template(WRITTEN, "my templates/a.yaml")
    assert template.place(("Resources", "Database")) == "my templates/a.yaml:3"
    assert template.show(("Resources", "Database")) == "sed -n '1,5p' 'my templates/a.yaml'"
    assert parse_template(WRITTEN).place(("Resources",)) == "line 2"


ALIAS_BOMB = (
    "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12))
    + "Resources: {A: *a11}"
)
MERGE_BOMB = (
    "m0: &m0 {x: 1}\n"
    + "".join(f"m{level}: &m{level} {{<<: [*m{level - 1}, *m{level - 1}]}}\n" for level in range(1, 60))
    + "Resources: {A: *m59}"
)
DEEP_ALIASES = (
    "a0: &a0 [x]\n"
    + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 400))
    + "Resources: {A: *a399}"
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "t.yaml:1: the template is empty."),
        ("# only a comment\n", "t.yaml:1: the template is empty."),
        ("text", "t.yaml:1: a template is a mapping with a Resources section, not this."),
        ("- 1", "t.yaml:1: a template is a mapping with a Resources section, not this."),
        ("{}", "t.yaml:1: there is no Resources section, so this is no CloudFormation template."),
        ("\nOutputs: {}", "t.yaml:2: there is no Resources section, so this is no CloudFormation template."),
        ("Resources: []", "t.yaml:1: Resources must be a mapping."),
        ("Resources: {}", "t.yaml:1: Resources must have at least one member."),
        ("Resources: {A: 1}\nParameters:\n", "t.yaml:2: Parameters must be a mapping."),
        ("Resources:\n  A: 1\n  B: 2\n  A: 3", "t.yaml:4: duplicate key 'A' (first on line 2)."),
        ('{"Resources": {\n"A": 1,\n"A": 2}}', "t.yaml:3: duplicate key 'A' (first on line 2)."),
        ("a: &a [*a]\nResources: 1", "t.yaml:1: alias 'a' is undefined, or stands within its own anchor."),
        ("a: &a {<<: *a}\nResources: 1", "t.yaml:1: alias 'a' is undefined, or stands within its own anchor."),
        ("a: *b", "t.yaml:1: alias 'b' is undefined, or stands within its own anchor."),
        ("a: {<<: 5}", "t.yaml:1: only mappings can be merged with <<."),
        ("? [a]\n: b", "t.yaml:1: a key must be a plain text."),
        ("a:\n  !Ref b: c", "t.yaml:2: a key must be a plain text."),
        ("a: !!int x", "t.yaml:1: 'x' is not of the type int."),
        ("a: !!bool x", "t.yaml:1: 'x' is not of the type bool."),
        ("---\na: 1\n---\nb: 2", "t.yaml:3: a template is one YAML document, and here is another."),
        ("a: b: c", "t.yaml:1: not valid YAML: mapping values are not allowed in this context."),
        ("Resources:\n\tA: 1", "t.yaml:2: not valid YAML: found character that cannot start any token."),
        ('{"Resources": {"A": 1}', "t.yaml:1: not valid YAML: did not find expected ',' or '}'."),
        ("a: 1\nb: \x07", "t.yaml:2: not valid YAML: control characters are not allowed."),
        ("[" * 100_000, "t.yaml:1: nested more than 200 levels deep."),
        ('{"Resources": ' + "[" * 300 + "]" * 300 + "}", "t.yaml:1: nested more than 200 levels deep."),
        (DEEP_ALIASES, "t.yaml:201: nested more than 200 levels deep."),
        (ALIAS_BOMB, "t.yaml:6: aliases expand to more than 500,000 values."),
        (MERGE_BOMB, "t.yaml:18: aliases expand to more than 500,000 values."),
    ],
)
def test_what_is_no_template_is_refused_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_template(text, "t.yaml")
    line = int(problem.split(":")[1])
    assert caught.value.message == problem
    assert caught.value.next_command == f"sed -n '{max(line - 2, 1)},{line + 2}p' t.yaml"
    assert caught.value.exit_code is ExitCode.USAGE


def test_files_that_are_no_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("directory").mkdir()
    Path("latin.yaml").write_bytes(b"Description: \xe9")
    Path("binary").write_bytes(b"\x00\x01")
    assert [_refusal(name) for name in ("absent.yaml", "no/such.yaml", "directory", "latin.yaml", "binary")] == [
        ("absent.yaml cannot be read: No such file or directory.", "ls ."),
        ("no/such.yaml cannot be read: No such file or directory.", "ls no"),
        ("directory is a directory, not a template.", "ls directory"),
        ("latin.yaml is not UTF-8 text, so it is no template.", "file latin.yaml"),
        ("binary is a binary file, not a template.", "file binary"),
    ]


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_bytes(b"\xef\xbb\xbfResources: {A: {Type: T}}")
    template = load_template(path)
    assert template.body == {"Resources": {"A": {"Type": "T"}}}
    assert template.path == str(path)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN, st.sampled_from([None, 1, "\t"]))
def test_json_reads_as_json_does(value: object, indent: int | str | None) -> None:
    """For every JSON text the value is that of `json.loads`, whatever the white space and escapes."""
    for ascii_only in (True, False):
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
        assert json_text.parse(text).value == json.loads(text)


@given(PLAIN)
def test_yaml_reads_what_pyyaml_writes(value: object) -> None:
    """What PyYAML writes with its own tags left out reads as PyYAML reads it."""
    written = yaml.safe_dump({"value": value}, allow_unicode=True)
    assert yaml_text.parse(written).value["value"] == _keys_as_texts(yaml.safe_load(written)["value"])


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text whatsoever gets anything but a template or a UserError."""
    outcome: object
    try:
        outcome = parse_template(text).body["Resources"]
    except UserError as error:
        outcome = error.message
    assert outcome


def _keys_as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _keys_as_texts(item) for key, item in value.items()}
    return [_keys_as_texts(item) for item in value] if isinstance(value, list) else value


def _property(written: str) -> Any:
    text = f"Resources:\n  A:\n    Type: T\n    Properties:\n      P: {written}\n"
    return parse_template(text).body["Resources"]["A"]["Properties"]["P"]


def _refusal(path: str) -> tuple[str, str]:
    with pytest.raises(UserError) as caught:
        load_template(path)
    return caught.value.message, caught.value.next_command
