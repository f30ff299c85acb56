"""Identifiers and the small pieces that all OSCAL documents share.

Control IDs are OSCAL tokens, so that `164.312(a)(2)(iv)` becomes `hipaa-164.312.a.2.iv`. UUIDs are version 5, made of
names, so that the same facts have the same ones.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

OSCAL_VERSION = "1.2.1"
NAMESPACE = "https://hipaa-pipeline.invalid/ns/oscal"
"""Names this project's own properties; `.invalid` (RFC 2606) because there is nothing to visit."""

_UUIDS = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)

CATALOG = "catalog.json"
COMPONENTS = "component-definition.json"
RESULTS = "assessment-results.json"


def control_id(citation: str) -> str:
    """`164.312(a)(2)(iv)` -> `hipaa-164.312.a.2.iv`."""
    return "hipaa-" + citation.replace(")", "").replace("(", ".")


def statement_id(citation: str) -> str:
    """The ID of a control's statement, which findings are about."""
    return f"{control_id(citation)}_smt"


def named(*names: str) -> str:
    """The UUID of what these names name."""
    return str(uuid.uuid5(_UUIDS, "\n".join(names)))


def digest(content: Any) -> str:
    """A short text that changes when the content does; names a document's version."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def prop(name: str, value: str, *, own: bool = True) -> dict[str, str]:
    """A property; `own` puts it into this project's namespace. Values are one line and not empty."""
    told = " ".join(value.split()) or "none"
    return {"name": name, **({"ns": NAMESPACE} if own else {}), "value": told}


def metadata(title: str, collected: str, version: str) -> dict[str, str]:
    """What every document begins with; `collected` is the one stated time."""
    return {"title": title, "last-modified": collected, "version": version, "oscal-version": OSCAL_VERSION}


def document(kind: str, title: str, collected: str, version: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """A whole document. Its UUID follows from its content without the stated time."""
    timeless = json.dumps(content, sort_keys=True).replace(collected, "")
    return {
        kind: {
            "uuid": named(kind, title, version, digest(timeless)),
            "metadata": metadata(title, collected, version),
            **content,
        }
    }


def text(value: dict[str, Any]) -> bytes:
    """A document as it is written to a file."""
    return (json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n").encode()
