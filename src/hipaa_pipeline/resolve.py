"""Template + parameters + Region + account -> the stack in its own shape (`stack.Stack`).

A template is compiled once (`compile_template`) and resolved as often as wanted: each resource is kept under the values
it depends on, so that stacks which differ in one parameter share every resource that does not use it.

What is wrong (an invalid parameter, a violated rule, an unknown name or function, a macro) is an error when strict, and
an unknown value with its place otherwise. What only AWS knows (the value of an SSM parameter, another stack's export, a
function of an attribute that exists only once the stack does) is unknown in both. An assertion of Rules that asks the
account (Fn::ValueOf) is left to CloudFormation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from typing import Any

from hipaa_pipeline.evaluation.compiler import Compiler, Names
from hipaa_pipeline.evaluation.conditions import assertions, conditions
from hipaa_pipeline.evaluation.expressions import EXPORTS, Context, condition_input
from hipaa_pipeline.evaluation.members import output, resource
from hipaa_pipeline.evaluation.parameters import (
    Parameter,
    ParameterError,
    read_parameters,
    refusal,
    undeclared,
)
from hipaa_pipeline.evaluation.problems import Problems, ResolveError, dotted
from hipaa_pipeline.evaluation.pseudo import partition_of, pseudo_parameters
from hipaa_pipeline.masking import MASK
from hipaa_pipeline.source import Template, TemplatePath
from hipaa_pipeline.stack import Stack, is_unknown, unknown

__all__ = ["ParameterError", "ResolveError", "Resolver", "compile_template", "resolve"]

EXAMPLE_ACCOUNT = "111122223333"  # AWS's own example, for resolving without an account
MACROS_EVALUATED = ("AWS::LanguageExtensions",)  # its functions are evaluated here, except Fn::ForEach

Refused = dict[TemplatePath, str]


def resolve(
    template: Template | Mapping[str, Any],
    parameters: Mapping[str, str],
    *,
    region: str,
    account_id: str = EXAMPLE_ACCOUNT,
    partition: str = "",
    stack_name: str = "",
    strict: bool = True,
) -> Stack:
    """The stack that a template (or its long-form body) makes of parameter values, given as texts.

    `partition` is derived from the Region when empty. Raises ParameterError and ResolveError when strict.
    """
    resolver = compile_template(template, strict=strict)
    return resolver.resolve(
        parameters, region=region, account_id=account_id, partition=partition, stack_name=stack_name
    )


def compile_template(template: Template | Mapping[str, Any], *, strict: bool = True) -> Resolver:
    """A template ready to be resolved many times. Raises ResolveError when strict and something in it is wrong."""
    if isinstance(template, Template):
        return Resolver(template.body, Problems(strict, template))
    return Resolver(template, Problems(strict))


class Resolver:
    """A compiled template; `resolve` may be called any number of times.

    `parameters`, `conditions` and `assertions` are the template's own, by which its parameter space can be told.
    """

    def __init__(self, body: Mapping[str, Any], problems: Problems) -> None:
        self._problems = problems
        self._unresolved: dict[str, str] = {}
        self._refuse_macros(body)
        self.parameters = read_parameters(body.get("Parameters") or {}, problems)
        resources = self._members("Resources", body)
        names = _names(body, frozenset(self.parameters), resources)
        compiler = Compiler(names, problems)
        no_resources = Compiler(dataclasses.replace(names, resources={}), problems)
        self.conditions = conditions(body.get("Conditions") or {}, no_resources)
        self.assertions = assertions(body.get("Rules") or {}, no_resources)
        self._resources = [resource(name, declared, compiler) for name, declared in resources.items()]
        self._outputs = [output(name, each, compiler) for name, each in self._members("Outputs", body).items()]
        self._typed: dict[tuple[str, str], tuple[Any, str]] = {}

    def resolve(
        self,
        parameters: Mapping[str, str],
        *,
        region: str,
        account_id: str = EXAMPLE_ACCOUNT,
        partition: str = "",
        stack_name: str = "",
        exports: Mapping[str, str] | None = None,
    ) -> Stack:
        """The stack for these parameter values, as `resolve`; `exports` are other stacks' exported values by name."""
        partition = partition or partition_of(region)
        fixed = {**pseudo_parameters(region, account_id, partition, stack_name), EXPORTS: dict(exports or {})}
        context, refused = self._given(parameters, fixed)
        self._refuse(refused)
        violated = self._violated(context)
        self._refuse(violated)
        shown = self._without_secrets(self._with_conditions(context))
        return Stack(
            resources={each.name: each.evaluate(shown) for each in self._resources if each.exists(shown)},
            region=region,
            account_id=account_id,
            partition=partition,
            name=stack_name,
            parameters={name: shown.values[name] for name in self.parameters},
            outputs={each.name: each.evaluate(shown) for each in self._outputs if each.exists(shown)},
            conditions={name: shown.values[condition_input(name)] for name in self.conditions},
            unresolved=self._unresolved | {dotted(path): why for path, why in (refused | violated).items()},
        )

    def _refuse_macros(self, body: Mapping[str, Any]) -> None:
        declared = body.get("Transform", [])
        macros = declared if isinstance(declared, list) else [declared]
        if "Fn::Transform" in body or any(macro not in MACROS_EVALUATED for macro in macros):
            self._leave(("Transform",), "macros change the template in AWS, before it is resolved")

    def _members(self, section: str, body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """The members of a section that can be resolved; what is wrong with the others is a problem."""
        found = {}
        for name, declared in (body.get(section) or {}).items():
            if problem := _unusable(section, name, declared):
                self._leave((section, name), problem)
            else:
                found[name] = declared
        return found

    def _leave(self, path: TemplatePath, problem: str) -> None:
        """A problem of something that is no single value. Raises ResolveError when strict."""
        self._problems.answer(path, problem)
        self._unresolved[dotted(path)] = problem

    def _given(self, parameters: Mapping[str, str], fixed: Mapping[str, Any]) -> tuple[Context, Refused]:
        """The inputs that were given, typed, and what is wrong with them."""
        values = dict(fixed)
        keys = {name: _key(value) for name, value in fixed.items()}
        refused: Refused = {
            ("Parameters", name): undeclared(name, list(self.parameters))
            for name in parameters
            if name not in self.parameters
        }
        for name, parameter in self.parameters.items():
            text = parameters.get(name, parameter.default)
            values[name], problem = self._value(parameter, text)
            keys[name] = text if isinstance(text, str) else _key(values[name])
            if problem:
                refused["Parameters", name] = problem
        return Context(values, keys), refused

    def _value(self, parameter: Parameter, text: Any) -> tuple[Any, str]:
        """A parameter's typed value, unknown when refused, and why it is refused; kept, since matrices repeat them."""
        if not isinstance(text, str):
            problem = refusal(parameter, text)
            return unknown(problem), problem
        key = (parameter.name, text)
        if key not in self._typed:
            problem = refusal(parameter, text)
            self._typed[key] = (unknown(problem) if problem else parameter.typed(text), problem)
        return self._typed[key]

    def _violated(self, context: Context) -> Refused:
        """The rules that do not hold, with what they say."""
        failed = [assertion for assertion in self.assertions if assertion.holds.evaluate(context) is False]
        violated: Refused = {}
        for assertion in failed:
            used = sorted(assertion.holds.inputs & self.parameters.keys())
            shown = ", ".join(f"{name} is {self.parameters[name].shown(str(context.keys[name]))}" for name in used)
            violated["Rules", assertion.rule] = f"Rule {assertion.rule}: {assertion.description} ({shown})"
        return violated

    def _refuse(self, refused: Refused) -> None:
        if not refused or not self._problems.strict:
            return
        template = self._problems.template
        raise ParameterError("\n".join(refused.values()), template.show(next(iter(refused))) if template else "")

    def _with_conditions(self, context: Context) -> Context:
        """The inputs with the results of all conditions, each evaluated after those it refers to."""
        values, keys = dict(context.values), dict(context.keys)
        decided = Context(values, keys)
        for name, expression in self.conditions.items():
            key = condition_input(name)
            values[key] = expression.evaluate(decided)
            keys[key] = _key(values[key])
        return decided

    def _without_secrets(self, context: Context) -> Context:
        """The inputs as resources may show them: NoEcho values decide conditions, but never appear in a stack."""
        masked = {name: MASK for name, parameter in self.parameters.items() if parameter.no_echo}
        return Context({**context.values, **masked}, {**context.keys, **masked}) if masked else context


def _names(body: Mapping[str, Any], parameters: frozenset[str], resources: Mapping[str, Any]) -> Names:
    declared = body.get("Conditions") or {}
    condition_of = {name: each.get("Condition") for name, each in resources.items()}
    return Names(
        parameters=parameters,
        resources={name: next((each for each in declared if each == of), None) for name, of in condition_of.items()},
        conditions=frozenset(declared),
        mappings=body.get("Mappings") or {},
        bodies=resources,
    )


def _unusable(section: str, name: str, declared: Any) -> str:
    """Why a member of Resources or Outputs cannot be resolved; empty when it can."""
    if name.startswith("Fn::"):
        return f"{name} is run by AWS, before the template is resolved"
    if not isinstance(declared, Mapping):
        return "this must be a mapping"
    return "a resource has a Type" if section == "Resources" and not isinstance(declared.get("Type"), str) else ""


def _key(value: Any) -> Hashable:
    """A hashable stand-in for an input's value, equal only for equal values."""
    if isinstance(value, str | bool):
        return value
    if is_unknown(value):
        return ("unknown", *value.values())
    return tuple(sorted(value.items()) if isinstance(value, Mapping) else value)
