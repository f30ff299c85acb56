"""What the Service Authorization Reference says of IAM actions: their prefixes, and which know no resources.

The data is `iam_actions.json`, written by `tools/iam_actions.py`.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any


@functools.cache
def _reference() -> Mapping[str, Any]:
    text = resources.files("hipaa_pipeline.controls").joinpath("iam_actions.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@functools.cache
def _prefixes() -> frozenset[str]:
    return frozenset(_reference()["prefixes"].split())


@functools.cache
def _without_resources() -> Mapping[str, frozenset[str]]:
    """By prefix, the actions that work on Resource "*" only; all in lower case."""
    return {prefix: frozenset(names.lower().split()) for prefix, names in _reference()["without_resources"].items()}


def has_prefix(action: str) -> bool:
    """Whether an action begins with a prefix that exists (`cloudwatch:`, not `monitoring:`); a wildcard may be one."""
    prefix = action.lower().partition(":")[0]
    return "*" in prefix or "?" in prefix or prefix in _prefixes()


def needs_every_resource(action: str) -> bool:
    """Whether an action (`kinesis:ListStreams`) works on Resource "*" only: named with an ARN, it grants nothing."""
    prefix, _, name = action.lower().partition(":")
    return name in _without_resources().get(prefix, ())


def is_known_service(action: str) -> bool:
    """Whether it is known which actions of this one's service can be limited to resources."""
    return action.lower().partition(":")[0] in _without_resources()
