"""Personal and secret texts made unreadable before anything is written: a bundle travels further than an account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "****"
_EMAIL = re.compile(r"\b[A-Za-z0-9._%+-]+@([A-Za-z0-9.-]+\.[A-Za-z]{2,})\b")
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_SECRET_NAME = re.compile(r"password$|secret$|token$|privatekey$", re.IGNORECASE)


def masked(value: Any) -> Any:
    """The value with e-mail addresses, access keys and the values of secret-looking names masked, at any depth.

    An address keeps its domain, so that a reader can tell whose it is. Names such as `ManageMasterUserPassword` that
    hold a boolean stay as they are.
    """
    if isinstance(value, str):
        return _ACCESS_KEY.sub(MASK, _EMAIL.sub(rf"{MASK}@\1", value))
    if isinstance(value, Mapping):
        return {key: _item(key, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value


def _item(name: str, value: Any) -> Any:
    if isinstance(value, str) and _SECRET_NAME.search(name) and not value.startswith("arn:"):
        return MASK
    return masked(value)
