"""Templates resolved: what becomes of each kind of value, attribute, resource and output, and of what is wrong."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.resolve import ParameterError, ResolveError, compile_template, resolve
from hipaa_pipeline.source import parse_template
from hipaa_pipeline.stack import Stack, unknown

REGION = "eu-central-1"
NOT_YET = "it needs a value that exists only once the stack does"
BODY: dict[str, Any] = {
    "Parameters": {
        "Name": {"Type": "String", "Default": "dev"},
        "Size": {"Type": "Number", "Default": "20"},
        "Padded": {"Type": "Number", "Default": "007"},
        "Block": {"Type": "String", "Default": "10.0.0.0/16"},
        "Subnets": {"Type": "CommaDelimitedList", "Default": "subnet-1, subnet-2"},
        "Attribute": {"Type": "String", "Default": "Arn"},
        "Secret": {"Type": "String", "Default": "hidden", "NoEcho": "true"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/name"},
    },
    "Mappings": {"Families": {"17": {"Family": "postgres17"}}},
    "Conditions": {
        "Yes": {"Fn::Equals": ["a", "a"]},
        "No": {"Fn::Equals": ["a", "b"]},
        "IsDev": {"Fn::Equals": [{"Ref": "Name"}, "dev"]},
    },
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key"},
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Ref": "Block"}}},
        "Kept": {"Type": "T", "Condition": "Yes"},
        "Gone": {"Type": "T", "Condition": "No"},
    },
}
KEY_ARN = {"Fn::GetAtt": ["Key", "Arn"]}


def stack_with(value: Any, *, strict: bool = True, **parameters: str) -> Stack:
    body = copy.deepcopy(BODY)
    body["Resources"]["Subject"] = {"Type": "T", "Properties": {"P": value}}
    return resolve(body, parameters, region=REGION, stack_name="stack", strict=strict)


def resolved(value: Any, *, strict: bool = True, **parameters: str) -> Any:
    return stack_with(value, strict=strict, **parameters).resources["Subject"].get("P", "no value")


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("text", "text"),
        ("${Name}", "${Name}"),
        (5432, 5432),
        (False, False),
        ([1, {"a": ["b"]}], [1, {"a": ["b"]}]),
        ({}, {}),
        ([], []),
        ({"Ref": "Name"}, "dev"),
        ({"Ref": "Size"}, 20),
        ({"Ref": "Padded"}, "007"),
        ({"Ref": "Subnets"}, ["subnet-1", "subnet-2"]),
        ({"Ref": "Secret"}, "****"),
        ({"Fn::Sub": "user:${Secret}"}, "user:****"),
        ({"Ref": "Key"}, {"Ref": "Key"}),
        ({"Ref": "Kept"}, {"Ref": "Kept"}),
        ({"Ref": "AWS::NoValue"}, "no value"),
        ({"Ref": "AWS::Region"}, REGION),
        ({"Ref": "AWS::AccountId"}, "111122223333"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        ({"Ref": "AWS::StackName"}, "stack"),
        ({"Ref": "AWS::NotificationARNs"}, []),
        (
            {"Ref": "AWS::StackId"},
            "arn:aws:cloudformation:eu-central-1:111122223333:stack/stack/00000000-0000-0000-0000-000000000000",
        ),
        (KEY_ARN, KEY_ARN),
        ({"Fn::GetAtt": "Key.Arn"}, KEY_ARN),
        ({"Fn::GetAtt": ["Key", {"Ref": "Attribute"}]}, KEY_ARN),
        ({"Fn::Sub": "a-${Name}-${AWS::Region}"}, "a-dev-eu-central-1"),
        ({"Fn::Sub": "${Size}-${Padded}"}, "20-007"),
        ({"Fn::Sub": "${Key}"}, {"Ref": "Key"}),
        ({"Fn::Sub": "${Key.Arn}"}, KEY_ARN),
        ({"Fn::Sub": "${Key.Arn}/${Name}/${!aws:username}"}, {"Fn::Sub": "${Key.Arn}/dev/${!aws:username}"}),
        ({"Fn::Sub": "${!aws:username}"}, "${aws:username}"),
        ({"Fn::Sub": ["${A}-${Name}", {"A": {"Ref": "Size"}, "Name": "given"}]}, "20-given"),
        ({"Fn::Sub": ["${A}b", {"A": {"Fn::Sub": "a${Key}"}}]}, {"Fn::Sub": "a${Key}b"}),
        ({"Fn::Sub": ["a${A}", {"A": {"Ref": "AWS::NoValue"}}]}, "a"),
        ({"Fn::Sub": ""}, ""),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}, {"Ref": "Size"}]]}, "a-dev-20"),
        ({"Fn::Join": [",", {"Ref": "Subnets"}]}, "subnet-1,subnet-2"),
        ({"Fn::Join": ["", [KEY_ARN, "/*"]]}, {"Fn::Sub": "${Key.Arn}/*"}),
        ({"Fn::Join": ["", ["a", {"Ref": "AWS::NoValue"}, "b"]]}, "ab"),
        ({"Fn::If": ["Yes", "a", "b"]}, "a"),
        ({"Fn::If": ["No", "a", {"Ref": "Key"}]}, {"Ref": "Key"}),
        ({"Fn::If": ["No", "a", {"Ref": "AWS::NoValue"}]}, "no value"),
        ({"Fn::If": ["Yes", "a", {"Ref": "Gone"}]}, "a"),
        ({"Fn::If": ["Yes", "a", {"Fn::Select": [9, []]}]}, "a"),
        (["a", {"Fn::If": ["No", "b", {"Ref": "AWS::NoValue"}]}, {"Ref": "AWS::NoValue"}, "c"], ["a", "c"]),
        ({"a": 1, "b": {"Fn::If": ["No", 2, {"Ref": "AWS::NoValue"}]}, "c": {"Ref": "Size"}}, {"a": 1, "c": 20}),
        ({"Fn::FindInMap": ["Families", "17", "Family"]}, "postgres17"),
        ({"Fn::FindInMap": ["Families", "99", "Family", {"DefaultValue": {"Ref": "Name"}}]}, "dev"),
        ({"Fn::Select": [1, {"Ref": "Subnets"}]}, "subnet-2"),
        ({"Fn::Select": [0, {"Fn::Split": ["-", {"Ref": "AWS::Region"}]}]}, "eu"),
        ({"Fn::GetAZs": ""}, ["eu-central-1a", "eu-central-1b", "eu-central-1c"]),
        ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, ["eu-central-1a", "eu-central-1b", "eu-central-1c"]),
        ({"Fn::Select": [0, {"Fn::GetAZs": "us-east-1"}]}, "us-east-1a"),
        ({"Fn::Cidr": [{"Ref": "Block"}, 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Select": [1, {"Fn::Cidr": [{"Fn::GetAtt": ["Vpc", "CidrBlock"]}, 2, 8]}]}, "10.0.1.0/24"),
        ({"Fn::Base64": {"Fn::Sub": "#!${Name}"}}, "IyFkZXY="),
        ({"Fn::Length": {"Ref": "Subnets"}}, 2),
        ({"Fn::ToJsonString": {"key": KEY_ARN}}, {"Fn::Sub": '{"key":"${Key.Arn}"}'}),
        ({"Condition": "Yes"}, {"Condition": "Yes"}),
        ({"Ref": "main", "Branch": "x"}, {"Ref": "main", "Branch": "x"}),
        ("{{resolve:secretsmanager:name}}", "{{resolve:secretsmanager:name}}"),
    ],
)
def test_values(value: Any, result: Any) -> None:
    assert resolved(value) == result


@pytest.mark.parametrize(
    ("value", "place", "reason"),
    [
        ({"Fn::Base64": {"Ref": "Key"}}, "Fn::Base64", NOT_YET),
        ({"Fn::Split": [",", KEY_ARN]}, "Fn::Split", NOT_YET),
        ({"Fn::Select": [0, KEY_ARN]}, "Fn::Select", "Fn::Select of a list that exists only once the stack does"),
        (
            {"Fn::Sub": "a${Stored}"},
            None,
            "Parameters.Stored: the value of SSM parameter '/name' is known only in the account",
        ),
        ({"Ref": "Stored"}, None, "Parameters.Stored: the value of SSM parameter '/name' is known only in the account"),
        ({"Fn::ImportValue": "vpc"}, "Fn::ImportValue", "the export 'vpc' of another stack was not given"),
        (
            {"Fn::GetStackOutput": {"StackName": "s", "OutputName": "o"}},
            "Fn::GetStackOutput",
            "another stack's output is known only in AWS",
        ),
        (
            {"Fn::Join": ["", ["a", {"Fn::Base64": {"Ref": "Key"}}]]},
            "Fn::Join[1][1].Fn::Base64",
            NOT_YET,
        ),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_what_only_aws_knows_is_unknown(value: Any, place: str | None, reason: str, strict: bool) -> None:
    where = f"Resources.Subject.Properties.P.{place}: " if place else ""
    assert resolved(value, strict=strict) == unknown(where + reason)


@pytest.mark.parametrize(
    ("value", "place", "problem"),
    [
        (None, "", "null is not allowed in templates"),
        ({"Ref": "Absent"}, ".Ref", "the template has no resource or parameter 'Absent'"),
        ({"Ref": ["Key"]}, ".Ref", "Ref takes a name"),
        ({"Ref": "AWS::Absent"}, ".Ref", "the template has no resource or parameter 'AWS::Absent'"),
        ({"Ref": "Gone"}, ".Ref", "Gone does not exist here, since its condition No is false"),
        ({"Fn::GetAtt": ["Gone", "Arn"]}, ".Fn::GetAtt", "Gone does not exist here, since its condition No is false"),
        ({"Fn::Sub": "${Gone.Arn}"}, ".Fn::Sub", "Gone does not exist here, since its condition No is false"),
        ({"Fn::GetAtt": "Key"}, ".Fn::GetAtt", "Fn::GetAtt takes a resource and an attribute"),
        ({"Fn::GetAtt": ["Key"]}, ".Fn::GetAtt", "Fn::GetAtt takes a resource and an attribute"),
        ({"Fn::GetAtt": ["A.B", "Arn"]}, ".Fn::GetAtt", "the template has no resource or parameter 'A.B'"),
        ({"Fn::GetAtt": ["Name", "Arn"]}, ".Fn::GetAtt", "the template has no resource or parameter 'Name'"),
        ({"Fn::GetAtt": ["Key", {"Ref": "Size"}]}, ".Fn::GetAtt", "the attribute of Fn::GetAtt must be a text"),
        ({"Fn::Sub": "${Absent}"}, ".Fn::Sub", "the template has no resource or parameter 'Absent'"),
        ({"Fn::Sub": "${a-b}"}, ".Fn::Sub", "${a-b} is no variable; a literal is written ${!a-b}"),
        ({"Fn::Sub": "${Subnets}"}, ".Fn::Sub", "a text is needed, not a list"),
        ({"Fn::Sub": ["a"]}, ".Fn::Sub", "Fn::Sub takes a text, or a text and a mapping of variables"),
        ({"Fn::If": ["Absent", 1, 2]}, ".Fn::If", "the template has no condition 'Absent'"),
        ({"Fn::If": ["Yes", 1]}, ".Fn::If", "Fn::If takes a condition's name, a value if true and a value if false"),
        ({"Fn::Join": ["", [["a"]]]}, ".Fn::Join", "a text is needed, not a list"),
        ({"Fn::Select": [5, {"Ref": "Subnets"}]}, ".Fn::Select", "Fn::Select has no item 5 in a list of 2"),
        ({"Fn::FindInMap": ["Families", {"Ref": "Name"}, "Family"]}, ".Fn::FindInMap", "Mappings has no Families.dev"),
        ({"Fn::Base64": {"Ref": "AWS::NoValue"}}, ".Fn::Base64", "a text is needed, not a mapping"),
        ({"Fn::GetAZs": {"Ref": "AWS::NoValue"}}, ".Fn::GetAZs", "a text is needed, not a mapping"),
        ({"Fn::GetStackOutput": "o"}, ".Fn::GetStackOutput", "Fn::GetStackOutput takes a StackName and an OutputName"),
        ({"Fn::Foo": 1}, ".Fn::Foo", "Fn::Foo is no function that can be used here"),
        ({"Fn::Equals": [1, 1]}, ".Fn::Equals", "Fn::Equals is no function that can be used here"),
        ({"Fn::Sub": "a", "x": 1}, ".Fn::Sub", "Fn::Sub must be the only key of its mapping"),
        (
            {"Fn::Transform": {"Name": "M"}},
            ".Fn::Transform",
            "Fn::Transform is run by AWS, before the template is resolved",
        ),
        (
            {"a": 1, "Fn::ForEach::X": []},
            ".Fn::ForEach::X",
            "Fn::ForEach::X is run by AWS, before the template is resolved",
        ),
    ],
)
def test_problems_name_their_place(value: Any, place: str, problem: str) -> None:
    told = f"Resources.Subject.Properties.P{place}: {problem}"
    with pytest.raises(ResolveError) as caught:
        resolved(value)
    assert caught.value.message == f"{told}."
    assert caught.value.exit_code is ExitCode.USAGE
    assert resolved(value, strict=False) == unknown(told)


def test_a_problem_in_a_branch_not_taken_is_none() -> None:
    value = {"Fn::If": ["IsDev", "a", {"Fn::Select": [9, {"Ref": "Subnets"}]}]}
    assert resolved(value) == "a"
    with pytest.raises(ResolveError, match=r"Fn::Select has no item 9 in a list of 2\.$"):
        resolved(value, Name="prod")


def test_exports_given_are_imported() -> None:
    body = {
        "Resources": {"A": {"Type": "T", "Properties": {"P": {"Fn::ImportValue": {"Fn::Sub": "${AWS::Region}-v"}}}}}
    }
    resolver = compile_template(body)
    assert resolver.resolve({}, region=REGION, exports={"eu-central-1-v": "vpc-1"}).resources["A"].get("P") == "vpc-1"
    assert resolver.resolve({}, region=REGION, exports={"eu-central-1-v": "vpc-2"}).resources["A"].get("P") == "vpc-2"


RESOURCES = {
    "Key": {"Type": "AWS::KMS::Key", "DeletionPolicy": "Delete", "UpdateReplacePolicy": "Retain"},
    "Gone": {"Type": "T", "Condition": "No"},
    "Role": {
        "Type": "T",
        "Condition": "Yes",
        "DependsOn": ["Key", "Gone"],
        "Metadata": {"Name": {"Ref": "Name"}},
        "CreationPolicy": {"Signals": {"Ref": "Size"}},
        "UpdatePolicy": {"Enabled": {"Fn::If": ["Yes", True, False]}},
        "Properties": {"B": 1, "A": {"Ref": "Name"}},
    },
    "After": {"Type": "T", "DependsOn": "Key"},
    "Alone": {"Type": "T", "DependsOn": "Gone"},
}


def test_resources_keep_their_attributes_and_order() -> None:
    stack = resolve({**BODY, "Resources": RESOURCES}, {}, region=REGION)
    assert list(stack.resources) == ["Key", "Role", "After", "Alone"]
    assert stack.resources["Key"].attributes == {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Retain"}
    assert stack.resources["Key"].properties == {}
    assert stack.resources["Role"].attributes == {
        "DependsOn": ["Key"],
        "Metadata": {"Name": "dev"},
        "CreationPolicy": {"Signals": 20},
        "UpdatePolicy": {"Enabled": True},
    }
    assert list(stack.resources["Role"].properties) == ["B", "A"]
    assert stack.resources["After"].attributes == {"DependsOn": ["Key"]}
    assert stack.resources["Alone"].attributes == {}


@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        ("text", "Resources.R: this must be a mapping."),
        ({}, "Resources.R: a resource has a Type."),
        ({"Type": ["T"]}, "Resources.R: a resource has a Type."),
        ({"Type": "T", "Condition": "Absent"}, "Resources.R.Condition: the template has no condition 'Absent'."),
        ({"Type": "T", "DependsOn": "Absent"}, "Resources.R.DependsOn: the template has no resource 'Absent'."),
        (
            {"Type": "T", "DependsOn": {"a": 1}},
            "Resources.R.DependsOn: DependsOn takes a logical ID or a list of them.",
        ),
    ],
)
def test_wrong_resources(resource: Any, problem: str) -> None:
    with pytest.raises(ResolveError) as caught:
        resolve({**BODY, "Resources": {"R": resource}}, {}, region=REGION)
    assert caught.value.message == problem


def test_what_cannot_be_resolved_is_noted_when_not_strict() -> None:
    body = {
        "Transform": ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"],
        "Resources": {
            "Fn::ForEach::Topics": ["N", ["a"], {}],
            "Bare": {},
            "Odd": {"Type": "T", "Condition": "Absent", "DependsOn": "Nobody"},
        },
        "Outputs": {"Text": "text"},
    }
    stack = resolve(body, {"Extra": "a"}, region=REGION, strict=False)
    assert stack.unresolved == {
        "Transform": "macros change the template in AWS, before it is resolved",
        "Resources.Fn::ForEach::Topics": "Fn::ForEach::Topics is run by AWS, before the template is resolved",
        "Resources.Bare": "a resource has a Type",
        "Outputs.Text": "this must be a mapping",
        "Parameters.Extra": "The template has no parameter Extra: it has none.",
    }
    assert stack.resources["Odd"].attributes == {
        "Condition": unknown("Resources.Odd.Condition: the template has no condition 'Absent'"),
        "DependsOn": unknown("Resources.Odd.DependsOn: the template has no resource 'Nobody'"),
    }


def test_a_resource_whose_condition_is_unknown_says_so() -> None:
    body = {**BODY, "Conditions": {"U": {"Fn::Equals": [{"Ref": "Stored"}, "a"]}}}
    body["Resources"] = {"A": {"Type": "T", "Condition": "U"}, "B": {"Type": "T", "Properties": {"P": {"Ref": "A"}}}}
    stack = resolve(body, {}, region=REGION)
    why = unknown("Parameters.Stored: the value of SSM parameter '/name' is known only in the account")
    assert stack.conditions == {"U": why}
    assert stack.resources["A"].attributes == {"Condition": why}
    assert stack.resources["B"].get("P") == {"Ref": "A"}


@pytest.mark.parametrize("transform", ["AWS::Serverless-2016-10-31", ["M"], [{"Name": "AWS::Include"}], {"Name": "M"}])
def test_macros_are_refused(transform: Any) -> None:
    with pytest.raises(ResolveError) as caught:
        resolve({**BODY, "Transform": transform}, {}, region=REGION)
    assert caught.value.message == "Transform: macros change the template in AWS, before it is resolved."


@pytest.mark.parametrize("transform", ["AWS::LanguageExtensions", ["AWS::LanguageExtensions"]])
def test_language_extensions_are_no_macro(transform: Any) -> None:
    assert resolve({**BODY, "Transform": transform}, {}, region=REGION).unresolved == {}


def test_outputs_have_cloudformations_shape() -> None:
    body = {
        **BODY,
        "Outputs": {
            "KeyArn": {
                "Description": "The key",
                "Value": KEY_ARN,
                "Export": {"Name": {"Fn::Sub": "key-${Name}"}},
                "Condition": "Yes",
            },
            "Gone": {"Value": {"Ref": "Gone"}, "Condition": "No"},
        },
    }
    outputs = resolve(body, {}, region=REGION).outputs
    assert outputs == {"KeyArn": {"Description": "The key", "Value": KEY_ARN, "Export": {"Name": "key-dev"}}}


def test_the_stack_tells_what_it_was_resolved_for() -> None:
    stack = stack_with("a", Name="prod", Size="30")
    assert (stack.region, stack.account_id, stack.partition, stack.name) == (REGION, "111122223333", "aws", "stack")
    assert stack.conditions == {"Yes": True, "No": False, "IsDev": False}
    assert stack.parameters == {
        "Name": "prod",
        "Size": 30,
        "Padded": "007",
        "Block": "10.0.0.0/16",
        "Subnets": ["subnet-1", "subnet-2"],
        "Attribute": "Arn",
        "Secret": "****",
        "Stored": unknown("Parameters.Stored: the value of SSM parameter '/name' is known only in the account"),
    }


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("ap-southeast-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
        ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
        ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
    ],
)
def test_the_partition_follows_from_the_region(region: str, partition: str, suffix: str) -> None:
    value = {"Fn::Sub": "${AWS::Partition} ${AWS::URLSuffix}"}
    body = {"Resources": {"A": {"Type": "T", "Properties": {"P": value}}}}
    stack = resolve(body, {}, region=region)
    assert (stack.partition, stack.resources["A"].get("P")) == (partition, f"{partition} {suffix}")


def test_a_stack_without_a_name_has_no_known_name() -> None:
    body = {"Resources": {"A": {"Type": "T", "Properties": {"P": {"Fn::Sub": "${AWS::StackName}-a"}}}}}
    assert resolve(body, {}, region=REGION).resources["A"].get("P") == unknown("the stack was given no name")


def test_every_refused_parameter_is_told_at_once() -> None:
    template = parse_template(
        "Parameters:\n  Size: {Type: Number, MinValue: 20}\n  Key: {Type: String, NoEcho: true, MinLength: 8}\n"
        "  Must: {Type: String}\nResources: {A: {Type: T}}",
        "t.yaml",
    )
    with pytest.raises(ParameterError) as caught:
        resolve(template, {"Size": "5", "Key": "secret", "Siz": "1"}, region=REGION)
    assert caught.value.message == (
        "The template has no parameter Siz: did you mean Size?\n"
        "Parameter Size is '5'; it must be a number of at least 20.\n"
        "Parameter Key is ****; it must be a text with a length of at least 8.\n"
        "Parameter Must has no value and no default: it must be a text."
    )
    assert caught.value.next_command == "sed -n '1,3p' t.yaml"
    assert caught.value.exit_code is ExitCode.USAGE


def test_refused_parameters_are_unknown_when_not_strict() -> None:
    body = {
        "Parameters": {"Size": {"Type": "Number", "MinValue": 20}},
        "Conditions": {"Large": {"Fn::Equals": [{"Ref": "Size"}, "100"]}},
        "Resources": {
            "A": {"Type": "T", "Properties": {"P": {"Fn::If": ["Large", 1, 2]}, "Q": {"Fn::Sub": "${Size}"}, "R": 1}},
        },
    }
    why = "Parameter Size is '5'; it must be a number of at least 20."
    stack = resolve(body, {"Size": "5"}, region=REGION, strict=False)
    assert stack.resources["A"].properties == {"P": unknown(why), "Q": unknown(why), "R": 1}
    assert stack.parameters == {"Size": unknown(why)}
    assert stack.unresolved == {"Parameters.Size": why}


def test_a_parameter_that_is_no_text_is_refused() -> None:
    given: Any = {"Size": 20}
    with pytest.raises(ParameterError, match=r"^Parameter Size must be given as a text, not as int\.$"):
        resolve(BODY, given, region=REGION)


def test_parameters_are_refused_before_anything_is_evaluated_with_them() -> None:
    body = copy.deepcopy(BODY)
    body["Parameters"]["Version"] = {"Type": "String", "AllowedValues": ["17"]}
    body["Conditions"]["New"] = {
        "Fn::Equals": [{"Fn::FindInMap": ["Families", {"Ref": "Version"}, "Family"]}, "postgres17"]
    }
    with pytest.raises(ParameterError, match=r"^Parameter Version is '99'; it must be one of '17'\.$"):
        resolve(body, {"Version": "99"}, region=REGION)


def test_secrets_decide_conditions_but_never_appear() -> None:
    body = copy.deepcopy(BODY)
    body["Conditions"]["Default"] = {"Fn::Equals": [{"Ref": "Secret"}, "hidden"]}
    body["Resources"]["A"] = {"Type": "T", "Properties": {"P": {"Fn::If": ["Default", {"Ref": "Secret"}, "given"]}}}
    resolver = compile_template(body)
    default, other = (resolver.resolve(given, region=REGION) for given in ({}, {"Secret": "other"}))
    assert default.resources["A"].get("P") == "****"
    assert other.resources["A"].get("P") == "given"
    assert "hidden" not in str(default.as_dict())
    assert "other" not in str(other.as_dict())


def test_a_resource_is_shared_by_stacks_that_agree_on_what_it_uses() -> None:
    body = copy.deepcopy(BODY)
    body["Resources"]["Named"] = {"Type": "T", "Properties": {"P": {"Ref": "Name"}}}
    resolver = compile_template(body)
    dev, large, prod = (
        resolver.resolve(given, region=REGION).resources for given in ({}, {"Size": "99"}, {"Name": "prod"})
    )
    assert dev["Named"] is large["Named"]
    assert dev["Key"] is prod["Key"]
    assert (dev["Named"].get("P"), prod["Named"].get("P")) == ("dev", "prod")


def test_resolving_changes_neither_the_template_nor_earlier_stacks() -> None:
    body = copy.deepcopy(BODY)
    resolver = compile_template(body)
    first = resolver.resolve({}, region=REGION).as_dict()
    kept = copy.deepcopy(first)
    resolver.resolve({"Name": "prod"}, region="us-east-1", account_id="444455556666")
    assert body == BODY
    assert first == kept
