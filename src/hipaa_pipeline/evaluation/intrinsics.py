"""CloudFormation's intrinsic functions on values already evaluated: pure, one Python function each.

Each takes the function's argument and returns plain values or references in the normal form of `stack`. FunctionError
says what is wrong with the argument, UndeterminedError that only AWS knows the value.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import ipaddress
import itertools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from hipaa_pipeline.evaluation.texts import (
    FunctionError,
    Segment,
    UndeterminedError,
    normal_form,
    plain_text,
    segments_of,
)
from hipaa_pipeline.stack import UNKNOWN, is_reference, is_unknown

AVAILABILITY_ZONE_LETTERS = "abc"  # which zones an account has is AWS's to say; three is what nearly every Region has


def join(argument: Any) -> Any:
    """`Fn::Join: [delimiter, texts]`; references stay, as one `Fn::Sub`."""
    delimiter, items = _arguments("Fn::Join", argument, 2)
    segments: list[Segment] = []
    for index, item in enumerate(_list("Fn::Join", items)):
        segments += [plain_text(delimiter)] if index else []
        segments += segments_of(item)
    return normal_form(segments)


def concatenate(argument: Any) -> Any:
    """What `Fn::Sub` does once its variables have values: the texts and references one after the other."""
    return normal_form([segment for item in argument for segment in segments_of(item)])


def split(argument: Any) -> list[str]:
    """`Fn::Split: [delimiter, text]`."""
    delimiter, text = _arguments("Fn::Split", argument, 2)
    separator = plain_text(delimiter)
    if not separator:
        raise FunctionError("Fn::Split needs a delimiter")
    return plain_text(text).split(separator)


def select(argument: Any) -> Any:
    """`Fn::Select: [index, list]`, counted from 0."""
    index, items = _arguments("Fn::Select", argument, 2)
    position, candidates = _integer("Fn::Select", index), _list("Fn::Select", items)
    if not 0 <= position < len(candidates):
        raise FunctionError(f"Fn::Select has no item {position} in a list of {len(candidates)}")
    return candidates[position]


def cidr(argument: Any) -> list[str]:
    """`Fn::Cidr: [ipBlock, count, cidrBits]`: the first `count` (1 to 256) blocks with `cidrBits` host bits each."""
    if isinstance(argument, list) and len(argument) == 2:
        raise UndeterminedError("Fn::Cidr without cidrBits: AWS documents no default")
    block, count, bits = _arguments("Fn::Cidr", argument, 3)
    network, wanted = _network(plain_text(block)), _integer("Fn::Cidr", count)
    prefix = network.max_prefixlen - _integer("Fn::Cidr", bits)
    if not 1 <= wanted <= 256:
        raise FunctionError(f"Fn::Cidr makes 1 to 256 blocks, not {wanted}")
    if not network.prefixlen <= prefix <= network.max_prefixlen:
        raise FunctionError(f"Fn::Cidr cannot divide {network} into blocks of /{prefix}")
    blocks = [str(subnet) for subnet in itertools.islice(network.subnets(new_prefix=prefix), wanted)]
    if len(blocks) < wanted:
        raise FunctionError(f"Fn::Cidr finds only {len(blocks)} blocks of /{prefix} in {network}, not {wanted}")
    return blocks


def availability_zones(argument: Any) -> list[str]:
    """`Fn::GetAZs: region`, given as [region, this stack's Region]; empty means the latter. The zones are presumed."""
    region, own = argument
    name = plain_text(region) or plain_text(own)
    return [f"{name}{letter}" for letter in AVAILABILITY_ZONE_LETTERS]


def encode_base64(argument: Any) -> str:
    """`Fn::Base64: text`."""
    return base64.b64encode(plain_text(argument).encode()).decode()


def length(argument: Any) -> int:
    """`Fn::Length: list` (of the AWS::LanguageExtensions transform)."""
    return len(_list("Fn::Length", argument))


def to_json_string(argument: Any) -> Any:
    """`Fn::ToJsonString: value` (of AWS::LanguageExtensions): compact JSON; references stay, as one `Fn::Sub`."""
    if not isinstance(argument, list | dict) or is_reference(argument):
        raise FunctionError("Fn::ToJsonString takes a mapping or a list")
    taken_out: list[list[Segment]] = []
    written = json.dumps(_without_references(argument, taken_out), separators=(",", ":"), ensure_ascii=False)
    segments: list[Segment] = []
    for index, piece in enumerate(re.split(r"\\u0000(\d+)\\u0000", written)):
        segments += taken_out[int(piece)] if index % 2 else [piece]
    return normal_form(segments)


def find_in_map(mappings: Mapping[str, Any]) -> Callable[[Any], Any]:
    """`Fn::FindInMap: [map, top-level key, second-level key, {DefaultValue}]` in these mappings."""

    def find(argument: Any) -> Any:
        names, default = _map_arguments(argument)
        found: Any = mappings
        for step, name in enumerate(names):
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif default is not None:
                return default["DefaultValue"]
            else:
                _not_in_map(found, names[: step + 1])
        return found

    return find


def import_value(argument: Any) -> Any:
    """`Fn::ImportValue: name`, given as [name, the exports known]."""
    name, exports = argument
    exported = plain_text(name)
    if exported not in exports:
        raise UndeterminedError(f"the export {exported!r} of another stack was not given")
    return exports[exported]


def _arguments(function: str, argument: Any, number: int) -> list[Any]:
    _refuse_unknown(argument)
    if not isinstance(argument, list) or len(argument) != number:
        raise FunctionError(f"{function} takes a list of {number}")
    return argument


def _list(function: str, value: Any) -> list[Any]:
    _refuse_unknown(value)
    if is_reference(value):
        raise UndeterminedError(f"{function} of a list that exists only once the stack does")
    if not isinstance(value, list):
        raise FunctionError(f"{function} needs a list")
    return value


def _refuse_unknown(value: Any) -> None:
    if is_unknown(value):
        raise UndeterminedError(value[UNKNOWN], value)


def _integer(function: str, value: Any) -> int:
    text = plain_text(value)
    if not re.fullmatch(r"-?[0-9]+", text):
        raise FunctionError(f"{function} needs an integer, not {text!r}")
    return int(text)


def _network(block: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(block, strict=False)
    except ValueError as error:
        raise FunctionError(f"Fn::Cidr needs an address block such as 10.0.0.0/16, not {block!r}") from error


def _map_arguments(argument: Any) -> tuple[list[str], Mapping[str, Any] | None]:
    default = None
    if isinstance(argument, list) and len(argument) == 4:
        *argument, default = argument
        if not isinstance(default, Mapping) or set(default) != {"DefaultValue"}:
            raise FunctionError("the fourth argument of Fn::FindInMap is {DefaultValue: ...}")
    return [plain_text(name) for name in _arguments("Fn::FindInMap", argument, 3)], default


def _not_in_map(found: Any, names: list[str]) -> NoReturn:
    if isinstance(found, Mapping) and "Fn::Transform" in found:
        raise UndeterminedError("the mapping is made by a macro, which runs only in AWS")
    raise FunctionError(f"Mappings has no {'.'.join(names)}")


def _without_references(value: Any, taken_out: list[list[Segment]]) -> Any:
    """The value with a numbered mark instead of each text that holds a reference; those go to `taken_out`."""
    _refuse_unknown(value)
    if is_reference(value):
        taken_out.append([_in_json(segment) for segment in segments_of(value)])
        return f"\0{len(taken_out) - 1}\0"
    if isinstance(value, str) and "\0" in value:
        raise FunctionError("Fn::ToJsonString takes no text with a NUL character")
    if isinstance(value, Mapping):
        return {key: _without_references(item, taken_out) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_references(item, taken_out) for item in value]
    return value


def _in_json(segment: Segment) -> Segment:
    return json.dumps(segment, ensure_ascii=False)[1:-1] if isinstance(segment, str) else segment
