"""Whether the template refuses a parameter set, asked once for what the answer rests on.

A template refuses a set for two reasons: a value against its parameter's declaration, whatever the others are; or a
rule, which reads some parameters and nothing else of the set. So the resolver is asked once for each value, and once
for each combination of what rules read; every other set that agrees with these is refused, or accepted, like them.
"""

from __future__ import annotations

from collections.abc import Mapping

from hipaa_pipeline.resolve import ParameterError, Resolver


class Acceptance:
    """What one template accepts in one Region, of sets that give every parameter a value."""

    def __init__(self, resolver: Resolver, region: str) -> None:
        self._resolver = resolver
        self._region = region
        read = frozenset().union(*(assertion.holds.inputs for assertion in resolver.assertions))
        self._read_by_rules = [name for name in resolver.parameters if name in read]
        self._values: dict[tuple[str, str], bool] = {}
        self._combinations: dict[tuple[str, ...], bool] = {}

    def refuses(self, values: Mapping[str, str]) -> bool:
        """Whether the template refuses the set."""
        return not all(map(self._accepts_value, values.items())) or not self._accepts_combination(values)

    def _accepts_value(self, item: tuple[str, str]) -> bool:
        if item not in self._values:
            name, text = item
            parameter = self._resolver.parameters.get(name)
            self._values[item] = parameter is not None and parameter.accepts(text)
        return self._values[item]

    def _accepts_combination(self, values: Mapping[str, str]) -> bool:
        key = tuple(values[name] for name in self._read_by_rules)
        if key not in self._combinations:
            self._combinations[key] = self._resolves(values)
        return self._combinations[key]

    def _resolves(self, values: Mapping[str, str]) -> bool:
        try:
            self._resolver.resolve(values, region=self._region)
        except ParameterError:
            return False
        return True
