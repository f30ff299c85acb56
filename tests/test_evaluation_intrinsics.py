"""Each intrinsic function, value by value."""

from __future__ import annotations

import base64
import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.evaluation import intrinsics
from hipaa_pipeline.evaluation.texts import FunctionError, UndeterminedError
from hipaa_pipeline.stack import unknown

KEY = {"Ref": "Key"}
ARN = {"Fn::GetAtt": ["Key", "Arn"]}
MAPPINGS = {"Families": {"15": {"Family": "postgres15", "Zones": ["a", "b"]}}, "Made": {"Fn::Transform": {}}}
FIND = intrinsics.find_in_map(MAPPINGS)


@pytest.mark.parametrize(
    ("function", "argument", "value"),
    [
        (intrinsics.join, ["-", ["a", "b", "c"]], "a-b-c"),
        (intrinsics.join, ["", []], ""),
        (intrinsics.join, [",", [1, True, 0.5]], "1,true,0.5"),
        (intrinsics.join, [":", ["a"]], "a"),
        (intrinsics.join, ["", [ARN]], ARN),
        (intrinsics.join, ["/", [ARN, "*"]], {"Fn::Sub": "${Key.Arn}/*"}),
        (intrinsics.join, ["${x}", ["a", KEY]], {"Fn::Sub": "a${!x}${Key}"}),
        (intrinsics.join, ["", ["${a}", "b"]], "${a}b"),
        (intrinsics.concatenate, ["a", KEY, {"Fn::Sub": "b${Key.Arn}"}], {"Fn::Sub": "a${Key}b${Key.Arn}"}),
        (intrinsics.split, [",", "a,b,"], ["a", "b", ""]),
        (intrinsics.split, ["::", "a::b:c"], ["a", "b:c"]),
        (intrinsics.split, [",", ""], [""]),
        (intrinsics.select, [0, ["a", "b"]], "a"),
        (intrinsics.select, ["1", ["a", KEY]], KEY),
        (intrinsics.select, [0, ["a", unknown("b is")]], "a"),
        (intrinsics.cidr, ["192.168.0.0/24", "6", "5"], [f"192.168.0.{32 * index}/27" for index in range(6)]),
        (intrinsics.cidr, ["10.20.0.0/16", 2, 8], ["10.20.0.0/24", "10.20.1.0/24"]),
        (intrinsics.cidr, ["10.0.0.5/24", 1, 4], ["10.0.0.0/28"]),
        (intrinsics.cidr, ["10.0.0.0/24", 1, 8], ["10.0.0.0/24"]),
        (intrinsics.cidr, ["2001:db8::/56", 2, 64], ["2001:db8::/64", "2001:db8:0:1::/64"]),
        (intrinsics.availability_zones, ["", "eu-central-1"], ["eu-central-1a", "eu-central-1b", "eu-central-1c"]),
        (intrinsics.availability_zones, ["us-east-1", "x"], ["us-east-1a", "us-east-1b", "us-east-1c"]),
        (intrinsics.encode_base64, "text", "dGV4dA=="),
        (intrinsics.encode_base64, "ü", "w7w="),
        (intrinsics.length, [1, 2, 3], 3),
        (intrinsics.length, [], 0),
        (intrinsics.to_json_string, {"a": [1, True, None, "b"]}, '{"a":[1,true,null,"b"]}'),
        (intrinsics.to_json_string, ["${x}", "ü"], '["${x}","ü"]'),
        (intrinsics.to_json_string, {"a": ARN}, {"Fn::Sub": '{"a":"${Key.Arn}"}'}),
        (intrinsics.to_json_string, [{"Fn::Sub": '"${Key}'}], {"Fn::Sub": '["\\"${Key}"]'}),
        (intrinsics.to_json_string, [KEY, "${x}"], {"Fn::Sub": '["${Key}","${!x}"]'}),
        (FIND, ["Families", "15", "Family"], "postgres15"),
        (FIND, ["Families", 15, "Zones"], ["a", "b"]),
        (FIND, ["Families", "99", "Family", {"DefaultValue": "none"}], "none"),
        (FIND, ["Absent", "99", "Family", {"DefaultValue": KEY}], KEY),
        (FIND, ["Families", "15", "Family", {"DefaultValue": "none"}], "postgres15"),
        (intrinsics.import_value, ["name", {"name": "vpc-1"}], "vpc-1"),
    ],
)
def test_value(function: Any, argument: Any, value: Any) -> None:
    assert function(argument) == value


@pytest.mark.parametrize(
    ("function", "argument", "problem"),
    [
        (intrinsics.join, "text", "Fn::Join takes a list of 2"),
        (intrinsics.join, ["", "text"], "Fn::Join needs a list"),
        (intrinsics.join, ["", [["a"]]], "a text is needed, not a list"),
        (intrinsics.split, ["", "text"], "Fn::Split needs a delimiter"),
        (intrinsics.split, [","], "Fn::Split takes a list of 2"),
        (intrinsics.select, [2, ["a", "b"]], "Fn::Select has no item 2 in a list of 2"),
        (intrinsics.select, [-1, ["a"]], "Fn::Select has no item -1 in a list of 1"),
        (intrinsics.select, ["x", ["a"]], "Fn::Select needs an integer, not 'x'"),
        (intrinsics.select, [0, "a"], "Fn::Select needs a list"),
        (intrinsics.cidr, ["10.0.0.0/16", 0, 8], "Fn::Cidr makes 1 to 256 blocks, not 0"),
        (intrinsics.cidr, ["10.0.0.0/8", 257, 8], "Fn::Cidr makes 1 to 256 blocks, not 257"),
        (intrinsics.cidr, ["10.0.0.0/24", 1, 9], "Fn::Cidr cannot divide 10.0.0.0/24 into blocks of /23"),
        (intrinsics.cidr, ["10.0.0.0/24", 1, -1], "Fn::Cidr cannot divide 10.0.0.0/24 into blocks of /33"),
        (intrinsics.cidr, ["10.0.0.0/24", 3, 7], "Fn::Cidr finds only 2 blocks of /25 in 10.0.0.0/24, not 3"),
        (intrinsics.cidr, ["ten", 1, 8], "Fn::Cidr needs an address block such as 10.0.0.0/16, not 'ten'"),
        (intrinsics.cidr, ["10.0.0.0/16"], "Fn::Cidr takes a list of 3"),
        (intrinsics.length, "text", "Fn::Length needs a list"),
        (intrinsics.to_json_string, "text", "Fn::ToJsonString takes a mapping or a list"),
        (intrinsics.to_json_string, KEY, "Fn::ToJsonString takes a mapping or a list"),
        (intrinsics.to_json_string, ["\0000\0"], "Fn::ToJsonString takes no text with a NUL character"),
        (FIND, ["Absent", "15", "Family"], "Mappings has no Absent"),
        (FIND, ["Families", "99", "Family"], "Mappings has no Families.99"),
        (FIND, ["Families", "15", "Age"], "Mappings has no Families.15.Age"),
        (FIND, ["Families", "15"], "Fn::FindInMap takes a list of 3"),
        (FIND, ["Families", "15", "Age", "x"], "the fourth argument of Fn::FindInMap is {DefaultValue: ...}"),
    ],
)
def test_wrong_argument(function: Any, argument: Any, problem: str) -> None:
    with pytest.raises(FunctionError) as caught:
        function(argument)
    assert str(caught.value) == problem


NOT_YET = "it needs a value that exists only once the stack does"


@pytest.mark.parametrize(
    ("function", "argument", "reason"),
    [
        (intrinsics.join, [",", ARN], "Fn::Join of a list that exists only once the stack does"),
        (intrinsics.join, [",", ["a", unknown("why")]], "why"),
        (intrinsics.split, [",", ARN], NOT_YET),
        (intrinsics.split, [",", unknown("why")], "why"),
        (intrinsics.select, [0, ARN], "Fn::Select of a list that exists only once the stack does"),
        (intrinsics.select, [unknown("why"), ["a"]], "why"),
        (intrinsics.cidr, [ARN, 1, 8], NOT_YET),
        (intrinsics.cidr, ["10.0.0.0/16", 2], "Fn::Cidr without cidrBits: AWS documents no default"),
        (intrinsics.encode_base64, KEY, NOT_YET),
        (intrinsics.length, ARN, "Fn::Length of a list that exists only once the stack does"),
        (intrinsics.to_json_string, [unknown("why")], "why"),
        (intrinsics.availability_zones, [KEY, "us-east-1"], NOT_YET),
        (FIND, [KEY, "a", "b"], NOT_YET),
        (FIND, ["Made", "a", "b"], "the mapping is made by a macro, which runs only in AWS"),
        (intrinsics.import_value, ["name", {}], "the export 'name' of another stack was not given"),
    ],
)
def test_what_only_aws_knows(function: Any, argument: Any, reason: str) -> None:
    with pytest.raises(UndeterminedError) as caught:
        function(argument)
    assert str(caught.value) == reason


@given(st.integers(0, 2**32 - 1), st.integers(8, 28), st.integers(1, 256), st.integers(0, 20))
def test_cidr_blocks_lie_side_by_side_in_the_block(address: int, prefix: int, count: int, bits: int) -> None:
    """Every answer has `count` blocks of 2^bits addresses, in the block, one right after the other, from its start."""
    network = ipaddress.ip_network((address, prefix), strict=False)
    fits = prefix <= 32 - bits and count <= 2 ** (32 - bits - prefix)
    if not fits:
        with pytest.raises(FunctionError):
            intrinsics.cidr([str(network), count, bits])
        return
    blocks = [ipaddress.ip_network(block) for block in intrinsics.cidr([str(network), count, bits])]
    starts = [int(block.network_address) - int(network.network_address) for block in blocks]
    assert starts == [index * 2**bits for index in range(count)]
    assert {block.num_addresses for block in blocks} == {2**bits}


@given(st.text())
def test_base64_can_be_read_back(text: str) -> None:
    encodable = text.encode(errors="replace").decode()
    assert base64.b64decode(intrinsics.encode_base64(encodable)).decode() == encodable


@given(st.lists(st.text(alphabet="ab", max_size=3), min_size=1, max_size=5))
def test_split_undoes_join(items: list[str]) -> None:
    assert intrinsics.split([",", intrinsics.join([",", items])]) == items


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(alphabet='a"\\ü$', max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="ab", max_size=2), inner, max_size=3)
        ),
    )
)
def test_to_json_string_can_be_read_back(value: Any) -> None:
    assert json.loads(intrinsics.to_json_string([value])) == [value]
