"""IAM policy documents, parsed: who may do what to which resources, under which conditions.

Judged on meaning, not on text: the order of keys does not matter, one value equals a list of it, actions and service
names know no case, wildcards match as IAM matches them, and `Deny` never counts as a grant.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from hipaa_pipeline.controls.check import listed, mapping, unread
from hipaa_pipeline.stack import UNKNOWN, Resource, Stack, is_unknown, unknown

STATEMENT = "Statement"
"""The element under which `Statement.unknowns` says that a statement as a whole is unknown."""

Condition = tuple[str, str, tuple[str, ...]]  # operator and key in lower case, values


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """One statement at `path`. Principals are (kind, value) pairs, `("AWS", "*")` for everyone.

    References are texts (`${Key.Arn}`). `elements` are the names that are written (`NotAction`). `unknowns` holds, for
    each element with a part that could not be determined (`Action`, `Resource`, `Principal`, `Condition`; `Statement`
    where not even the elements are known), the reason; `unknown_kinds` the kinds of unknown principals.
    """

    path: str
    allow: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: tuple[tuple[str, str], ...]
    not_principals: tuple[tuple[str, str], ...]
    conditions: tuple[Condition, ...]
    unknowns: Mapping[str, str]
    unknown_kinds: tuple[str, ...] = ()
    elements: frozenset[str] = frozenset()

    def acts(self, action: str) -> bool:
        """Whether the statement speaks about an action (`kms:Decrypt`)."""
        if self.not_actions:
            return not any_matches(self.not_actions, action)
        return any_matches(self.actions, action)

    def about(self, kind: str, principal: str) -> bool:
        """Whether the statement speaks about a principal, named or by a wildcard."""
        if self.not_principals:
            return (kind, principal) not in self.not_principals
        return any(value == "*" or (of == kind and value == principal) for of, value in self.principals)

    def holds_in(self, context: Mapping[str, str]) -> bool:
        """Whether all conditions hold for a request with these context keys (in lower case) and no others."""
        return all(_condition_holds(condition, context.get(condition[1])) for condition in self.conditions)

    def ties(self, keys: Container[str], *, always_sent: bool = False, limits: Callable[[str], bool] = bool) -> bool:
        """Whether a condition limits one of these keys (lower case) to something that `limits` says of each value.

        A negation does not, nor does a wildcard alone, nor a condition that holds when the key is absent (`IfExists`,
        `ForAllValues`), unless the key is `always_sent`.
        """
        return any(
            key in keys and values and all(value.strip("*") and limits(value) for value in values)
            for operator, key, values in self.conditions
            if "not" not in operator
            and operator != "null"
            and (always_sent or not (operator.endswith("ifexists") or operator.startswith("forallvalues")))
        )


def text_of(value: Any) -> str:
    """A value as one text: references as `${Name}` or `${Name.Attribute}`, whatever form they had; "" for no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict) and len(value) == 1:
        match value:
            case {"Ref": str(name)}:
                return f"${{{name}}}"
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return f"${{{name}.{attribute}}}"
            case {"Fn::Sub": str(text)}:
                return text
    return ""


@functools.lru_cache(maxsize=4096)
def _glob(pattern: str) -> Callable[[str], Any]:
    translated = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(translated, re.IGNORECASE | re.DOTALL).fullmatch


def matches(pattern: str, text: str) -> bool:
    """Whether IAM's wildcards `*` and `?` let `pattern` cover `text`, upper and lower case alike."""
    return _glob(pattern)(text) is not None


@functools.lru_cache(maxsize=16384)
def any_matches(patterns: tuple[str, ...], text: str) -> bool:
    """Whether one of several patterns covers `text`; the same statements are asked about the same actions for ever."""
    return any(matches(pattern, text) for pattern in patterns)


def matches_arn(pattern: str, arn: str) -> bool:
    """Whether an ARN pattern covers an ARN, part by part: only in the last part a wildcard reaches over colons."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    if len(patterns) != len(parts):
        return pattern == "*"
    return all(matches(wanted, part) for wanted, part in zip(patterns, parts, strict=True))


_parsed: dict[tuple[int, str], tuple[Any, tuple[Statement, ...]]] = {}


def statements(document: Any, path: str) -> tuple[Statement, ...]:
    """The statements of a policy document (a mapping, or its JSON text) found at `path`.

    Remembers documents by identity, because every check of policies asks for the same ones, and the stacks of a matrix
    share them; a document in a stack is never changed in place.
    """
    remembered = _parsed.get((id(document), path))
    if remembered is not None and remembered[0] is document:
        return remembered[1]
    if len(_parsed) > 4096:
        _parsed.clear()
    parsed = tuple(_statements(document, path))
    _parsed[(id(document), path)] = (document, parsed)
    return parsed


def _statements(document: Any, path: str) -> Iterable[Statement]:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            document = {UNKNOWN: "the policy is a text that is not JSON"}
    if is_unknown(document):
        yield _parse(document, path)
        return
    for index, statement in enumerate(listed(mapping(document).get("Statement"))):
        yield _parse(statement, f"{path}.Statement[{index}]")


def _parse(raw: Any, path: str) -> Statement:
    if is_unknown(raw):
        raw = dict.fromkeys((STATEMENT, "Effect", "Action", "Resource", "Principal", "Condition"), raw)
    statement = mapping(raw)
    return Statement(
        path=path,
        allow=text_of(statement.get("Effect")).lower() != "deny",
        actions=_texts(statement.get("Action")),
        not_actions=_texts(statement.get("NotAction")),
        resources=_texts(statement.get("Resource")),
        not_resources=_texts(statement.get("NotResource")),
        principals=_principals(statement.get("Principal")),
        not_principals=_principals(statement.get("NotPrincipal")),
        conditions=_conditions(statement.get("Condition")),
        unknowns=dict(_unknowns(statement)),
        unknown_kinds=tuple(
            str(kind) for kind, values in mapping(statement.get("Principal")).items() if _reason(values) is not None
        ),
        elements=frozenset(map(str, statement)),
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for text in map(text_of, listed(value)) if text)


def _principals(value: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(value, dict) and not is_unknown(value):
        return tuple((str(kind), text) for kind, values in value.items() for text in _texts(values))
    return tuple(("AWS", text) for text in _texts(value))


def _conditions(value: Any) -> tuple[Condition, ...]:
    return tuple(
        (str(operator).lower(), str(key).lower(), _texts(values))
        for operator, entries in mapping(value).items()
        for key, values in mapping(entries).items()
    )


def _unknowns(statement: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for element, value in statement.items():
        reason = _reason(value)
        if reason is not None:
            yield element.removeprefix("Not"), reason


def _reason(value: Any) -> str | None:
    """Why some part of a value is unknown, None where all of it is known."""
    found = unread(value)
    return None if found is None else str(found[UNKNOWN])


@functools.lru_cache(maxsize=4096)
def _condition_holds(condition: Condition, actual: str | None) -> bool:
    """Whether a condition holds for the value its key has in a request, None where the request lacks the key."""
    operator, _, values = condition
    operator = operator.rsplit(":", 1)[-1]
    if operator == "null":
        return values == ("true",) if actual is None else values == ("false",)
    if_exists = operator.endswith("ifexists")
    test = operator.removesuffix("ifexists")
    negated = "not" in test
    if actual is None:
        return if_exists or negated
    return any(_value_holds(test.replace("not", ""), value, actual) for value in values) != negated


def _value_holds(test: str, value: str, actual: str) -> bool:
    if test.startswith("arn"):
        return matches_arn(value, actual)
    if test == "stringlike":
        return _glob_exact(value)(actual) is not None
    if test in {"stringequals", "numericequals"}:
        return value == actual
    return value.lower() == actual.lower() if test in {"stringequalsignorecase", "bool"} else False


@functools.lru_cache(maxsize=1024)
def _glob_exact(pattern: str) -> Callable[[str], Any]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL).fullmatch


def undecided(policy: Iterable[Statement]) -> dict[str, str] | None:
    """The mark of the first part of a policy that is unknown, None where all of it is known."""
    return next((unknown(reason) for statement in policy for reason in statement.unknowns.values()), None)


def admits(policy: Iterable[Statement], kind: str, principal: str, action: str, context: Mapping[str, str]) -> bool:
    """Whether a resource policy lets a principal do an action in a request with these context keys (lower case)."""
    granted = False
    for statement in policy:
        if statement.acts(action) and statement.about(kind, principal) and statement.holds_in(context):
            if not statement.allow:
                return False
            granted = True
    return granted


# Where policies are: identity policies (what the holder may do), trust policies, resource policies (who may come).

_INLINE = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")
IDENTITY: Mapping[str, str] = {
    "AWS::IAM::ManagedPolicy": "PolicyDocument",
    "AWS::IAM::Policy": "PolicyDocument",
    "AWS::IAM::RolePolicy": "PolicyDocument",
    "AWS::IAM::UserPolicy": "PolicyDocument",
    "AWS::IAM::GroupPolicy": "PolicyDocument",
    **dict.fromkeys(_INLINE, "Policies"),
}
TRUST: Mapping[str, str] = {"AWS::IAM::Role": "AssumeRolePolicyDocument"}
RESOURCE: Mapping[str, str] = {
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::KMS::ReplicaKey": "KeyPolicy",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::Kinesis::ResourcePolicy": "ResourcePolicy",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
    "AWS::Backup::BackupVault": "AccessPolicy",
    "AWS::Logs::ResourcePolicy": "PolicyDocument",
}
ENDPOINT: Mapping[str, str] = {"AWS::EC2::VPCEndpoint": "PolicyDocument"}


def statements_of(resource: Resource, places: Mapping[str, str]) -> tuple[Statement, ...]:
    """The statements of a resource's policy of one sort (`IDENTITY`, `TRUST`, `RESOURCE`, `ENDPOINT`)."""
    path = places[resource.type]
    if path != "Policies":
        return statements(resource.properties.get(path), path)
    return tuple(
        statement
        for index, inline in enumerate(listed(resource.properties.get(path)))
        for statement in statements(mapping(inline).get("PolicyDocument"), f"{path}[{index}].PolicyDocument")
    )


def account_of(text: str) -> str:
    """The account ID that a principal or condition value names, bare or inside an ARN; "" where there is none."""
    account = text.split(":")[4] if text.startswith("arn:") and text.count(":") >= 5 else text
    return account if re.fullmatch(r"\d{12}", account) else ""


def is_own(value: str, stack: Stack) -> bool:
    """Whether a condition's value is limited to this account or an organisation.

    So are the account's ID, an ARN with it, an ARN that has no account but a name (a bucket's), a reference to a
    resource of the stack, and the ID of an organisation.
    """
    if value.startswith(("${", "o-")):
        return True
    if not value.startswith("arn:") or value.count(":") < 5:
        return value == stack.account_id
    account, name = value.split(":", 5)[4:]
    return account == stack.account_id or (account == "" and name.strip("*") != "")


# AWS's own accounts, from which load balancers deliver access logs in the older Regions.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
_LOAD_BALANCERS = """
009996457667 027434742980 033677994240 037604701340 048591011584 054676820928 076674570225 098369216593 114774131450
127311923021 156460612806 190560391635 383597477331 507241528517 582318560864 589379963580 600734575887 635631232127
638102146993 652711504416 718504428378 754344448648 783225319266 797873946194 897822967062 985666609251
"""
AWS_ACCOUNTS = frozenset(_LOAD_BALANCERS.split())


def foreign_accounts(texts: Iterable[str], stack: Stack) -> list[str]:
    """The account IDs among principals or condition values that are neither the stack's own nor AWS's, sorted."""
    return sorted({account_of(text) for text in texts} - {"", stack.account_id} - AWS_ACCOUNTS)
