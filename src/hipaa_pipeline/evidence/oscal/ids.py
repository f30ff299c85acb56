"""Identifiers and the small pieces that all OSCAL documents share.

Control IDs are OSCAL tokens, so that `164.312(a)(2)(iv)` becomes `hipaa-164.312.a.2.iv`. UUIDs are version 5, made of
names, so that the same facts have the same ones: of the stack, its account and Region, and where something is said of
one assessment, of the time it states too.
"""

from __future__ import annotations

import dataclasses
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


@dataclasses.dataclass(frozen=True)
class About:
    """What all documents of a bundle state: the stack, its account and Region, the endpoint asked, when, by what."""

    stack: str
    account_id: str
    region: str
    endpoint: str
    collected: str
    version: str

    @property
    def place(self) -> str:
        """The stack as a person names it."""
        return f"{self.stack} in {self.account_id}, {self.region}"

    def named(self, *names: str) -> str:
        """The UUID of what these names name in the stack."""
        return _named(self.account_id, self.region, self.stack, *names)

    def assessed(self, *names: str) -> str:
        """The UUID of what these names name in this assessment of the stack."""
        return self.named(self.collected, *names)


def control_id(citation: str) -> str:
    """`164.312(a)(2)(iv)` -> `hipaa-164.312.a.2.iv`."""
    return "hipaa-" + citation.replace(")", "").replace("(", ".")


def statement_id(citation: str) -> str:
    """The ID of a control's statement: the whole of what the paragraph wants."""
    return f"{control_id(citation)}_smt"


def objective_id(citation: str) -> str:
    """The ID of a control's assessment objective: the part of it that is assessed, which findings are about."""
    return f"{control_id(citation)}_obj"


def _named(*names: str) -> str:
    return str(uuid.uuid5(_UUIDS, "\n".join(names)))


def prop(name: str, value: str, *, own: bool = True, remarks: str = "") -> dict[str, str]:
    """A property; `own` puts it into this project's namespace. Values are one line and not empty."""
    told = " ".join(value.split()) or "none"
    return {
        "name": name,
        **({"ns": NAMESPACE} if own else {}),
        "value": told,
        **({"remarks": remarks} if remarks else {}),
    }


def document(kind: str, title: str, about: About, content: Mapping[str, Any], remarks: str = "") -> dict[str, Any]:
    """A whole document. Its UUID follows from the stack and the content, not from the time stated in its metadata."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {
        kind: {
            "uuid": about.named(kind, about.version, digest),
            "metadata": {
                "title": title,
                "last-modified": about.collected,
                "version": about.version,
                "oscal-version": OSCAL_VERSION,
                "props": [prop("endpoint", about.endpoint)],
                **({"remarks": remarks} if remarks else {}),
            },
            **content,
        }
    }


def text(value: dict[str, Any]) -> bytes:
    """A document as it is written to a file."""
    return (json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n").encode()
