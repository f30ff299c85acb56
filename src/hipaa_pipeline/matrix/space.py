"""Which parameter values the matrix tries.

Parameters that conditions read are *decisive*: they choose which resources exist, so every combination of them is
tried. Where the template's rules refuse one, it is tried again with each other value of the parameters that only rules
read, since one of these may be what lets it through.

All parameters are tried at their bounds: each allowed value, the shortest and longest texts, both ends of a range, just
outside it, and what somebody might type to weaken the stack. This is done one value at a time on top of many starts:
the template's defaults, each environment's file, and for each of these every decisive parameter changed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hipaa_pipeline.errors import UserError
from hipaa_pipeline.evaluation.patterns import examples

if TYPE_CHECKING:
    from hipaa_pipeline.evaluation.expressions import Expression
    from hipaa_pipeline.evaluation.parameters import Parameter
    from hipaa_pipeline.resolve import Resolver

Values = Mapping[str, str]
Refused = Callable[[Values], bool]

MOST_COMBINATIONS = 2_000_000
_FEW = 3  # so many allowed values are all tried in every combination; of more, the first, the default and the last

# Texts that a pattern accepts, for parameters whose default is empty or missing: shortest, usual and longest.
_EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "EnvironmentSuffix": ("a1", "prod", "abcdefghij-123456789"),
    "VpcCidr": ("10.20.0.0/16", "192.168.254.0/23"),
    "ExistingVpcId": ("vpc-0123456789abcdef0",),
    "ExistingPrivateSubnetIds": ("subnet-0123456789abcdef0,subnet-0123456789abcdef1",),
    "ExistingEndpointSecurityGroupId": ("sg-0123456789abcdef0",),
    "S3PrefixListId": ("pl-0123456789abcdef0",),
    "ExistingAlarmTopicArn": ("arn:aws:sns:{region}:111122223333:alarms",),
    "AlarmEmail": ("on-call@example.com",),
    "PermissionsBoundaryName": ("boundary",),
    "ExistingProcessorRoleArn": ("arn:aws:iam::111122223333:role/processor",),
    "ExistingMonitoringRoleArn": ("arn:aws:iam::111122223333:role/monitoring",),
    "ExistingFlowLogRoleArn": ("arn:aws:iam::111122223333:role/flow-logs",),
    "ExistingBackupRoleArn": ("arn:aws:iam::111122223333:role/backup",),
}
# What somebody might type to weaken the stack; most are refused, the rest must not matter.
_HOSTILE = ("", "*", "false", "none", "0", "-1", "0.0.0.0/0", "arn:aws:iam::aws:policy/AdministratorAccess")
# Values for parameters of other people's templates that have no default.
_BY_TYPE = {
    "AWS::EC2::AvailabilityZone::Name": "{region}a",
    "List<AWS::EC2::AvailabilityZone::Name>": "{region}a,{region}b,{region}c",
    "AWS::EC2::VPC::Id": "vpc-0123456789abcdef0",
    "AWS::EC2::Subnet::Id": "subnet-0123456789abcdef0",
    "List<AWS::EC2::Subnet::Id>": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "AWS::EC2::SecurityGroup::Id": "sg-0123456789abcdef0",
    "List<AWS::EC2::SecurityGroup::Id>": "sg-0123456789abcdef0",
}
_GUESSES = (
    "example",
    "example-value",
    "Example1",
    "10.0.0.0/16",
    "10.0.0.0/24",
    "1",
    "a@example.com",
    "Passw0rdPassw0rd",
)


def combinations(resolver: Resolver, region: str, bases: Iterable[Values], refused: Refused) -> Iterator[Values]:
    """Every parameter set to try in a Region, once; `refused` tells whether the template refuses one.

    Raises UserError when they are too many, or a value cannot be guessed.
    """
    seen: set[tuple[str, ...]] = set()
    for values in _combinations(resolver, region, bases, refused):
        key = tuple(values[name] for name in resolver.parameters)
        if key not in seen:
            seen.add(key)
            yield values


def _combinations(resolver: Resolver, region: str, bases: Iterable[Values], refused: Refused) -> Iterator[Values]:
    base = base_values(resolver.parameters, region)
    decisive, guarding = decisive_parameters(resolver)
    choices = {name: decisive_values(resolver.parameters[name], base[name], region) for name in decisive}
    guards = {name: decisive_values(resolver.parameters[name], base[name], region) for name in guarding}
    _refuse_too_many(choices)
    for chosen in itertools.product(*choices.values()):
        yield from _until_accepted({**base, **dict(zip(choices, chosen, strict=True))}, guards, refused)
    bounds = {name: boundary_values(parameter, region) for name, parameter in resolver.parameters.items()}
    for start in (base, *({**base, **given} for given in bases)):
        for changed in (start, *_neighbours(start, choices, {**choices, **guards}, refused)):
            yield changed
            yield from _changes(changed, bounds)


def _refuse_too_many(choices: Mapping[str, Sequence[str]]) -> None:
    number = math.prod(map(len, choices.values()))
    if number > MOST_COMBINATIONS:
        raise UserError(
            f"{number:,} combinations of {', '.join(choices)} are more than {MOST_COMBINATIONS:,}.",
            "hipaa-pipeline check TEMPLATE --parameters FILE",
        )


def decisive_parameters(resolver: Resolver) -> tuple[list[str], list[str]]:
    """The parameters that conditions read, and those that only rules read; both in the template's order."""
    by_conditions = _read(resolver.conditions.values())
    by_rules = _read(assertion.holds for assertion in resolver.assertions) - by_conditions
    names = list(resolver.parameters)
    return [name for name in names if name in by_conditions], [name for name in names if name in by_rules]


def _read(expressions: Iterable[Expression]) -> frozenset[str]:
    return frozenset().union(*(expression.inputs for expression in expressions))


def _changes(values: Values, choices: Mapping[str, Sequence[str]]) -> Iterator[Values]:
    """The set with each other value of each choice, one at a time."""
    for name, others in choices.items():
        yield from ({**values, name: other} for other in others if other != values.get(name))


def _until_accepted(values: Values, choices: Mapping[str, Sequence[str]], refused: Refused) -> Iterator[Values]:
    """The set, and while it is refused, each change of it; up to the first that is accepted."""
    for tried in itertools.chain([values], _changes(values, choices)):
        yield tried
        if not refused(tried):
            return


def _neighbours(
    start: Values,
    choices: Mapping[str, Sequence[str]],
    more: Mapping[str, Sequence[str]],
    refused: Refused,
) -> Iterator[Values]:
    """For each change of the start the first accepted set: the change alone, or with one of `more` besides."""
    for name, values in choices.items():
        others = {other: each for other, each in more.items() if other != name}
        for changed in _changes(start, {name: values}):
            *_, last = _until_accepted(changed, others, refused)
            if not refused(last):
                yield last


def base_values(parameters: Mapping[str, Parameter], region: str) -> dict[str, str]:
    """Each parameter's default, or an example where it has none."""
    return {name: _base_value(parameter, region) for name, parameter in parameters.items()}


def decisive_values(parameter: Parameter, base: str, region: str) -> list[str]:
    """The values to try in every combination: of two or three all, of many the ends, and of a text all examples."""
    if parameter.allowed_values is not None:
        allowed = parameter.allowed_values
        return list(dict.fromkeys(allowed if len(allowed) <= _FEW else (base, allowed[0], allowed[-1])))
    if parameter.is_number:
        return list(dict.fromkeys((base, *_bounds(parameter))))
    usual = [*_examples(parameter, region)] or _texts(parameter)
    return list(dict.fromkeys((base, *filter(None, usual[:_FEW]))))


def boundary_values(parameter: Parameter, region: str) -> list[str]:
    """The values to try one at a time: allowed ones, bounds, just outside them, and hostile ones."""
    inside = (*(parameter.allowed_values or ()), *_bounds(parameter), *_examples(parameter, region), *_texts(parameter))
    outside = (*_outside(parameter), *_HOSTILE)
    return list(dict.fromkeys((*inside, *outside)))


def _base_value(parameter: Parameter, region: str) -> str:
    candidates = (
        *_examples(parameter, region),
        *(parameter.allowed_values or ()),
        *_bounds(parameter),
        *_texts(parameter),
        *filter(None, [_BY_TYPE.get(parameter.type, "").format(region=region)]),
        *_GUESSES,
    )
    if parameter.default is not None:
        return parameter.default
    value = next((candidate for candidate in candidates if parameter.accepts(candidate)), None)
    if value is None:
        raise UserError(
            f"Parameter {parameter.name} has no default, and no value that it accepts could be guessed.",
            "hipaa-pipeline check TEMPLATE --parameters FILE",
        )
    return value


def _examples(parameter: Parameter, region: str) -> Iterator[str]:
    return (text.format(region=region) for text in _EXAMPLES.get(parameter.name, ()))


def _texts(parameter: Parameter) -> list[str]:
    """The shortest and longest texts that its pattern matches, and one for each alternative."""
    return examples(parameter.allowed_pattern) if parameter.allowed_pattern else []


def _bounds(parameter: Parameter) -> Iterator[str]:
    return (_number(bound) for bound in (parameter.min_value, parameter.max_value) if bound is not None)


def _outside(parameter: Parameter) -> Iterator[str]:
    if parameter.min_value is not None:
        yield _number(parameter.min_value - 1)
    if parameter.max_value is not None:
        yield _number(parameter.max_value + 1)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)
