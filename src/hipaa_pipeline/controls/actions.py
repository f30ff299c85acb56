"""Which IAM actions can be limited to resources, from the Service Authorization Reference (`iam_actions.json`)."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources


@functools.cache
def _without_resources() -> Mapping[str, frozenset[str]]:
    """By service, the actions that work on Resource "*" only; all in lower case."""
    text = resources.files("hipaa_pipeline.controls").joinpath("iam_actions.json").read_text(encoding="utf-8")
    return {service: frozenset(names.lower().split()) for service, names in json.loads(text)["services"].items()}


def needs_every_resource(action: str) -> bool:
    """Whether an action (`kinesis:ListStreams`) works on Resource "*" only: named with an ARN, it grants nothing."""
    service, _, name = action.lower().partition(":")
    return name in _without_resources().get(service, ())


def is_known_service(action: str) -> bool:
    """Whether the reference at hand knows the service of an action."""
    return action.lower().partition(":")[0] in _without_resources()
