"""Parameter values: taken or refused as CloudFormation does, typed, and never shown when secret."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.evaluation.parameters import Parameter, read_parameters, refusal, undeclared
from hipaa_pipeline.evaluation.problems import Problems, ResolveError
from hipaa_pipeline.stack import as_number, unknown


def declared(**declaration: Any) -> Parameter:
    return read_parameters({"P": {"Type": "String", **declaration}}, Problems(strict=True))["P"]


@pytest.mark.parametrize(
    ("declaration", "accepted", "refused"),
    [
        ({}, ["", "a", " "], []),
        ({"AllowedValues": ["a", 7, True]}, ["a", "7", "true"], ["", "A", "True"]),
        ({"AllowedPattern": "[a-z]+"}, ["abc"], ["", "abc1", "1abc", "abc\n"]),
        ({"AllowedPattern": "^[a-z]+$"}, ["abc"], ["abc\n", "a\nb"]),
        ({"AllowedPattern": r"\d+"}, ["12"], ["١٢"]),
        ({"MinLength": 2, "MaxLength": "3"}, ["ab", "abc"], ["", "a", "abcd"]),
        ({"Type": "Number"}, ["0", "-1", "+1.5", "1e3", ".5", "007"], ["", "a", "1,2", "0x10", "NaN", "inf", "1 "]),
        ({"Type": "Number", "MinValue": 20, "MaxValue": 65536}, ["20", "20.0", "65536"], ["19", "65537", "19.99"]),
        ({"Type": "Number", "MinValue": "0.5"}, ["0.5"], ["0.4"]),
        ({"Type": "Number", "AllowedValues": [1, 5]}, ["1", "5"], ["2", "1.0"]),
        ({"Type": "CommaDelimitedList"}, ["", "a", "a, b"], []),
        ({"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]+"}, ["a", "a, b"], ["", "a,", "a,1"]),
        ({"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]}, ["a", "b,a"], ["a,c", ""]),
        ({"Type": "List<Number>", "MaxValue": 9}, ["1", "1, 2"], ["", "1,a", "1,10"]),
        ({"Type": "AWS::EC2::VPC::Id"}, ["vpc-0123456789abcdef0"], [""]),
        ({"Type": "List<AWS::EC2::Subnet::Id>"}, ["subnet-1", "subnet-1,subnet-2"], ["", "subnet-1,"]),
        ({"Type": "AWS::SSM::Parameter::Value<String>", "AllowedValues": ["/a"]}, ["/a"], ["/b"]),
        ({"Type": "AWS::SSM::Parameter::Name"}, ["/a"], [""]),
    ],
)
def test_values_taken_and_refused(declaration: dict[str, Any], accepted: list[str], refused: list[str]) -> None:
    parameter = declared(**declaration)
    assert [text for text in [*accepted, *refused] if parameter.accepts(text)] == accepted


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("String", "true", "true"),
        ("String", "5432", "5432"),
        ("Number", "20", 20),
        ("Number", "-3", -3),
        ("Number", "0.5", 0.5),
        ("Number", "007", "007"),
        ("Number", "1e3", "1e3"),
        ("Number", "+1", "+1"),
        ("CommaDelimitedList", "a, b ,c", ["a", "b", "c"]),
        ("CommaDelimitedList", "", [""]),
        ("List<Number>", "1, 2.5", [1, 2.5]),
        ("List<AWS::EC2::Subnet::Id>", "subnet-1,subnet-2", ["subnet-1", "subnet-2"]),
        ("AWS::EC2::VPC::Id", "vpc-1", "vpc-1"),
        ("AWS::SSM::Parameter::Name", "/name", "/name"),
        (
            "AWS::SSM::Parameter::Value<String>",
            "/name",
            unknown("Parameters.P: the value of SSM parameter '/name' is known only in the account"),
        ),
    ],
)
def test_typed_values(type_: str, text: str, value: Any) -> None:
    typed = declared(Type=type_).typed(text)
    assert typed == value
    assert type(typed) is type(value)


@pytest.mark.parametrize(
    ("declaration", "text", "message"),
    [
        ({}, None, "Parameter P has no value and no default: it must be a text."),
        ({}, 5, "Parameter P must be given as a text, not as int."),
        ({"AllowedValues": ["a", "b"]}, "c", "Parameter P is 'c'; it must be one of 'a', 'b'."),
        ({"AllowedPattern": "^[a-z]+$"}, "1", "Parameter P is '1'; it must be a text matching ^[a-z]+$."),
        (
            {"AllowedPattern": "^[a-z]+$", "ConstraintDescription": "lower-case letters"},
            "1",
            "Parameter P is '1'; it must be a text matching ^[a-z]+$ (lower-case letters).",
        ),
        ({"MinLength": 2, "MaxLength": 3}, "a", "Parameter P is 'a'; it must be a text with a length from 2 to 3."),
        ({"MinLength": 2}, "a", "Parameter P is 'a'; it must be a text with a length of at least 2."),
        ({"Type": "Number"}, "a", "Parameter P is 'a'; it must be a number."),
        ({"Type": "Number", "MinValue": 20}, "1", "Parameter P is '1'; it must be a number of at least 20."),
        ({"Type": "Number", "MaxValue": 0.5}, "1", "Parameter P is '1'; it must be a number of at most 0.5."),
        (
            {"Type": "Number", "MinValue": 20, "MaxValue": 65536},
            "5",
            "Parameter P is '5'; it must be a number from 20 to 65536.",
        ),
        ({"Type": "List<Number>"}, "a", "Parameter P is 'a'; it must be a list, each a number."),
        ({"Type": "AWS::EC2::VPC::Id"}, "", "Parameter P is ''; it must be an existing AWS::EC2::VPC::Id."),
        (
            {"Type": "List<AWS::EC2::Subnet::Id>"},
            "",
            "Parameter P is ''; it must be a list, each an existing AWS::EC2::Subnet::Id.",
        ),
        (
            {"NoEcho": True, "MinLength": 8},
            "secret",
            "Parameter P is ****; it must be a text with a length of at least 8.",
        ),
        ({"NoEcho": "true", "AllowedValues": ["x"]}, "secret", "Parameter P is ****; it must be one of 'x'."),
    ],
)
def test_a_refusal_names_the_parameter_and_what_is_allowed(
    declaration: dict[str, Any], text: Any, message: str
) -> None:
    assert refusal(declared(**declaration), text) == message


def test_an_accepted_value_is_not_refused() -> None:
    assert refusal(declared(AllowedValues=["a"]), "a") == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("DatabaseNam", "The template has no parameter DatabaseNam: did you mean DatabaseName?"),
        ("Zzz", "The template has no parameter Zzz: it has DatabaseName, Suffix."),
    ],
)
def test_an_undeclared_name(name: str, message: str) -> None:
    assert undeclared(name, ["DatabaseName", "Suffix"]) == message


def test_a_template_without_parameters() -> None:
    assert undeclared("Any", []) == "The template has no parameter Any: it has none."


@pytest.mark.parametrize(
    ("declaration", "default"),
    [({"Default": True}, "true"), ({"Default": 7}, "7"), ({"Default": 1.5}, "1.5"), ({"Default": ""}, ""), ({}, None)],
)
def test_defaults_are_texts(declaration: dict[str, Any], default: str | None) -> None:
    assert declared(**declaration).default == default


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ("text", "Parameters.P: a parameter is a mapping with a Type."),
        ({}, "Parameters.P.Type: None is no parameter type."),
        ({"Type": "Text"}, "Parameters.P.Type: 'Text' is no parameter type."),
        ({"Type": ["String"]}, "Parameters.P.Type: ['String'] is no parameter type."),
        ({"Type": "String", "Default": ["a"]}, "Parameters.P.Default: Default must be a text."),
        (
            {"Type": "String", "AllowedValues": "a"},
            "Parameters.P.AllowedValues: AllowedValues must be a list of texts.",
        ),
        (
            {"Type": "String", "AllowedValues": [{}]},
            "Parameters.P.AllowedValues: AllowedValues must be a list of texts.",
        ),
        (
            {"Type": "String", "AllowedPattern": "["},
            "Parameters.P.AllowedPattern: AllowedPattern must be a regular expression this project can check.",
        ),
        (
            {"Type": "String", "AllowedPattern": "[a-z&&[^b]]"},
            "Parameters.P.AllowedPattern: AllowedPattern must be a regular expression this project can check.",
        ),
        ({"Type": "String", "MinLength": "a"}, "Parameters.P.MinLength: MinLength must be a whole number."),
        ({"Type": "Number", "MinValue": []}, "Parameters.P.MinValue: MinValue must be a number."),
    ],
)
def test_wrong_declarations(declaration: Any, message: str) -> None:
    with pytest.raises(ResolveError) as caught:
        read_parameters({"P": declaration}, Problems(strict=True))
    assert caught.value.message == message


def test_wrong_declarations_set_no_limit_when_not_strict() -> None:
    section = {"P": {"Type": "Text", "AllowedPattern": "[", "MinLength": "a"}, "Q": "text"}
    parameters = read_parameters(section, Problems(strict=False))
    assert parameters == {"P": Parameter("P", type="Text")}


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_text(number: float) -> None:
    """Joining a typed Number into a text gives back what was typed, and its number is the same."""
    text = str(number)
    typed = declared(Type="Number").typed(text)
    assert str(typed) == text
    assert as_number(typed) == number


@given(st.lists(st.text(alphabet="ab .-", max_size=4), min_size=1, max_size=4))
def test_list_members_are_trimmed(members: list[str]) -> None:
    assert declared(Type="CommaDelimitedList").typed(" , ".join(members)) == [member.strip() for member in members]
