"""Which parameter values the matrix tries.

Parameters that conditions or rules read are *decisive*: they choose which resources exist, so every combination of
their values is tried. Every other parameter is tried one value at a time, on top of each base (the template's defaults
and each environment's file): each allowed value, each bound, and values just outside, which the template must refuse.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from hipaa_pipeline.errors import UserError
from hipaa_pipeline.evaluation.patterns import examples

if TYPE_CHECKING:
    from hipaa_pipeline.evaluation.parameters import Parameter
    from hipaa_pipeline.resolve import Resolver

Values = Mapping[str, str]

MOST_COMBINATIONS = 2_000_000
_FEW = 3  # so many allowed values are all tried in every combination; of more, the first, the default and the last

# Texts that a pattern accepts, for parameters whose default is empty or missing: shortest, usual and longest.
_EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "EnvironmentSuffix": ("prod", "a1", "abcdefghij-123456789"),
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


def combinations(resolver: Resolver, region: str, bases: Iterable[Values]) -> Iterator[Values]:
    """Every parameter set to try in a Region. Raises UserError when they are too many, or a value cannot be guessed."""
    base = base_values(resolver.parameters, region)
    choices = {name: decisive_values(resolver.parameters[name], base[name], region) for name in decisive(resolver)}
    number = math.prod(map(len, choices.values()))
    if number > MOST_COMBINATIONS:
        raise UserError(
            f"{number:,} combinations of {', '.join(choices)} are more than {MOST_COMBINATIONS:,}.",
            "hipaa-pipeline check TEMPLATE --parameters FILE",
        )
    for chosen in itertools.product(*choices.values()):
        yield {**base, **dict(zip(choices, chosen, strict=True))}
    for start in (base, *bases):
        yield start
        for parameter in resolver.parameters.values():
            for value in boundary_values(parameter, region):
                yield {**start, parameter.name: value}


def decisive(resolver: Resolver) -> list[str]:
    """The parameters that conditions or rules read, in the template's order."""
    expressions = (*resolver.conditions.values(), *(assertion.holds for assertion in resolver.assertions))
    read = frozenset().union(*(expression.inputs for expression in expressions))
    return [name for name in resolver.parameters if name in read]


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
    return list(dict.fromkeys((base, *_examples(parameter, region))))


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
        *filter(None, [_BY_TYPE.get(parameter.type)]),
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
