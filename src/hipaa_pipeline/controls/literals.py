"""No secret is written down in a property, a parameter or an output: whoever may describe the stack would read it."""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_pipeline.controls.check import ANY, STACK, Check, Severity, Verdict, failed, mapping, problems_or_pass
from hipaa_pipeline.masking import NAME_ENDS, NO_SECRET, SECRET_FORMS, plain
from hipaa_pipeline.stack import Resource, Stack, as_bool

_SECRET_NAMES = re.compile(rf"({NAME_ENDS})$")
# Names of values that look random and are no secrets.
_RANDOM = re.compile(r"(sha256|sha1|md5|hash|checksum|digest|etag|version|id|fingerprint|arn)$")
_TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{32,128}")
_WORD = re.compile(r"[a-z]{8}|[A-Z]{8}")  # what a random text of this length hardly ever holds
_ENTROPY_BITS = 4.5  # a random base64 text of 40 characters has about 4.8 bits a character, an identifier about 4.1

IN_PARAMETER = "no_secret_in_parameter"

Found = tuple[str, str]  # where, and what it looks like


def find_secrets(value: Any, path: str = "") -> list[Found]:
    """The places at or below `path` whose text looks like a secret, and why; never the text itself."""
    found: list[Found] = []
    _search(value, path, "", found)
    return found


def _search(value: Any, path: str, name: str, found: list[Found]) -> None:
    if isinstance(value, str):
        why = _secret(name, value)
        if why:
            found.append((path, why))
    elif isinstance(value, dict):
        for key, item in value.items():
            _search(item, f"{path}.{key}" if path else str(key), str(key), found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _search(item, f"{path}[{index}]", name, found)


@functools.lru_cache(maxsize=8192)
def _secret(name: str, text: str) -> str:
    """What a text under a name looks like, "" for nothing secret; the same texts return in every stack."""
    if SECRET_FORMS.search(text):
        return "a key, token or password"
    named = plain(name)
    if _SECRET_NAMES.search(named) and not NO_SECRET.match(text):
        return f"a value of {name}"
    return "a random text" if _TOKEN.fullmatch(text) and not _RANDOM.search(named) and _is_random(text) else ""


def _is_random(text: str) -> bool:
    """Whether a text has letters of both cases, digits, and more information than a name has."""
    if sum(map(str.isdigit, text)) < 3 or text.lower() == text or text.upper() == text or _WORD.search(text):
        return False
    counts = Counter(text).values()
    entropy = -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
    return entropy >= _ENTROPY_BITS


def _no_literal(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    found = find_secrets(resource.properties)
    yield from problems_or_pass((failed(path, _NONE, why) for path, why in found), "", _NONE, "none found")


def _no_parameter(itself: Resource, _stack: Stack) -> Iterator[Verdict]:
    found = find_secrets(itself.properties.get("Parameters"), "Parameters")
    yield from problems_or_pass((failed(path, _NONE, why) for path, why in found), "Parameters", _NONE, "none found")


def secrets_in_defaults(body: Mapping[str, Any]) -> Iterator[Verdict]:
    """The parameter defaults of a template that everybody who reads it can read; only the template shows them."""
    for name, declared in mapping(body.get("Parameters")).items():
        path, default = f"Parameters.{name}.Default", mapping(declared).get("Default")
        if as_bool(mapping(declared).get("NoEcho")) and default not in (None, ""):
            yield failed(path, _NONE, "the default of a NoEcho parameter")
        else:
            yield from (failed(path, _NONE, why) for _, why in find_secrets({str(name): default}))


def _no_output(itself: Resource, _stack: Stack) -> Iterator[Verdict]:
    found = [
        *find_secrets(itself.properties.get("Outputs"), "Outputs"),
        *_reveals(mapping(itself.properties.get("Outputs"))),
    ]
    yield from problems_or_pass((failed(path, _NONE, why) for path, why in found), "Outputs", _NONE, "none found")


def _reveals(outputs: Mapping[str, Any]) -> Iterator[Found]:
    """Outputs that print a secret when the stack is described: a dynamic reference, or an access key's secret."""
    for name, value in outputs.items():
        text = str(value)
        if "{{resolve:secretsmanager:" in text or "{{resolve:ssm-secure:" in text or "SecretAccessKey" in text:
            yield f"Outputs.{name}", "a secret that the output prints"


_NONE = "no secret"
_CITED = ("164.308(a)(5)(ii)(D)", "164.312(a)(1)", "164.312(d)")

CHECKS = (
    Check(
        slug="no_secret_in_property",
        service="CloudFormation",
        severity=Severity.CRITICAL,
        title="No property holds a secret",
        remedy="Let RDS or Secrets Manager make it and refer to it; and change this one, it is known now.",
        citations=_CITED,
        types=(ANY,),
        judge=_no_literal,
    ),
    Check(
        slug=IN_PARAMETER,
        service="CloudFormation",
        severity=Severity.CRITICAL,
        title="No parameter holds a secret that can be read",
        remedy="Let RDS or Secrets Manager make the secret; where it must be handed in, use NoEcho without a default.",
        citations=_CITED,
        types=(STACK,),
        judge=_no_parameter,
    ),
    Check(
        slug="no_secret_in_output",
        service="CloudFormation",
        severity=Severity.CRITICAL,
        title="No output prints a secret",
        remedy="Print the secret's ARN instead.",
        citations=_CITED,
        types=(STACK,),
        judge=_no_output,
    ),
)
