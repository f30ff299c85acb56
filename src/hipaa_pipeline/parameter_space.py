"""The parameter values worth trying: what conditions and rules depend on, and the bounds of every parameter. Pure."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hipaa_pipeline.evaluation.expressions import Context, Expression, condition_input
from hipaa_pipeline.evaluation.parameters import Parameter
from hipaa_pipeline.evaluation.patterns import examples as matching
from hipaa_pipeline.resolve import Resolver, compile_template
from hipaa_pipeline.source import Template

_AWS_EXAMPLES = {
    "AWS::EC2::AvailabilityZone::Name": "ap-southeast-1a",
    "AWS::EC2::Image::Id": "ami-0123456789abcdef0",
    "AWS::EC2::Instance::Id": "i-0123456789abcdef0",
    "AWS::EC2::KeyPair::KeyName": "key",
    "AWS::EC2::SecurityGroup::GroupName": "group",
    "AWS::EC2::SecurityGroup::Id": "sg-0123456789abcdef0",
    "AWS::EC2::Subnet::Id": "subnet-0123456789abcdef0",
    "AWS::EC2::VPC::Id": "vpc-0123456789abcdef0",
    "AWS::EC2::Volume::Id": "vol-0123456789abcdef0",
    "AWS::Route53::HostedZone::Id": "Z0123456789ABCDEFGHIJ",
}


@dataclasses.dataclass(frozen=True)
class ParameterSpace:
    """What can be chosen in a template; every value in it is one that its parameter accepts.

    `conditions` and `rules`: the parameters each depends on, directly or through other conditions.
    `boundaries`: for every parameter its default, least, greatest, shortest and longest values, or all allowed ones.
    `deciding`: for every parameter that a condition depends on, one value for each way the comparisons with it can come
    out; `constrained`: the same for those that only rules depend on.
    """

    conditions: Mapping[str, frozenset[str]]
    rules: Mapping[str, frozenset[str]]
    boundaries: Mapping[str, tuple[str, ...]]
    deciding: Mapping[str, tuple[str, ...]]
    constrained: Mapping[str, tuple[str, ...]]

    @property
    def size(self) -> int:
        """How many combinations of deciding values there are."""
        return math.prod(len(values) for values in self.deciding.values())

    def combinations(self) -> Iterator[dict[str, str]]:
        """Every combination of deciding values."""
        return _product(self.deciding)

    def completions(self, chosen: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """A combination with every combination of constrained values: rules may refuse some of them, or all."""
        return ({**chosen, **added} for added in _product(self.constrained))


def parameter_space(
    template: Template | Mapping[str, Any], examples: Mapping[str, Sequence[str]] | None = None
) -> ParameterSpace:
    """The parameter space of a template or its long-form body; `examples` are values by parameter to try first."""
    resolver = compile_template(template, strict=False)
    conditions = {name: _parameters_of(expression, resolver) for name, expression in resolver.conditions.items()}
    rules: dict[str, frozenset[str]] = {}
    for assertion in resolver.assertions:
        used = _parameters_of(assertion.holds, resolver)
        rules[assertion.rule] = rules.get(assertion.rule, frozenset()) | used
    boundaries = {
        name: tuple(_candidates(parameter, (examples or {}).get(name, ())))
        for name, parameter in resolver.parameters.items()
    }
    decide, constrain = _union(conditions), _union(rules)
    classes = {
        name: _one_of_each(name, boundaries[name], resolver) for name in boundaries if name in decide | constrain
    }
    return ParameterSpace(
        conditions=conditions,
        rules=rules,
        boundaries=boundaries,
        deciding={name: values for name, values in classes.items() if name in decide},
        constrained={name: values for name, values in classes.items() if name not in decide},
    )


def _parameters_of(expression: Expression, resolver: Resolver) -> frozenset[str]:
    """The parameters an expression depends on, through conditions too."""
    found: set[str] = set()
    waiting = set(expression.inputs)
    by_input = {condition_input(name): each for name, each in resolver.conditions.items()}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= by_input[name].inputs if name in by_input else frozenset()
    return frozenset(found & resolver.parameters.keys())


def _one_of_each(name: str, candidates: Sequence[str], resolver: Resolver) -> tuple[str, ...]:
    """The first candidate for each way in which the comparisons with this parameter can come out.

    All candidates where a comparison also depends on something else: then the parameter alone does not tell.
    """
    involved = [comparison for comparison in resolver.comparisons if name in comparison.inputs]
    if any(comparison.inputs != {name} for comparison in involved):
        return tuple(candidates)
    parameter = resolver.parameters[name]
    by_outcome: dict[str, str] = {}
    for text in candidates:
        context = Context({name: parameter.typed(text)}, {})
        by_outcome.setdefault(repr([comparison.evaluate(context) for comparison in involved]), text)
    return tuple(by_outcome.values())


def _candidates(parameter: Parameter, given: Iterable[str]) -> list[str]:
    """Values to try that the parameter accepts: those given, its default, then its bounds; each once."""
    tried = [*given, *([] if parameter.default is None else [parameter.default]), *_bounds(parameter)]
    return [text for text in dict.fromkeys(tried) if parameter.accepts(text)]


def _bounds(parameter: Parameter) -> list[str]:
    if parameter.allowed_values is not None:
        return list(parameter.allowed_values)
    if parameter.is_number:
        return [_written(bound) for bound in (parameter.min_value, parameter.max_value) if bound is not None] or ["0"]
    if parameter.allowed_pattern is not None:
        return matching(parameter.allowed_pattern)
    example = _AWS_EXAMPLES.get(parameter.type.removeprefix("List<").removesuffix(">"))
    lengths = (parameter.min_length or 0, parameter.max_length if parameter.max_length is not None else 1)
    return [example] if example else ["a" * length for length in lengths]


def _written(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _union(groups: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*groups.values())


def _product(values: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    return (dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values()))
