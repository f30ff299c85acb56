"""The manifest: the SHA-256 of every other file of a bundle, so that tampering shows.

It holds nothing but what follows from the files, in one spelling, so that checking it is making it again: a byte
changed, missing or added anywhere, in the manifest too, makes a difference. Whoever can write all files can write a new
manifest as well; against that, keep the manifest's own SHA-256 elsewhere (`evidence` prints it) and give it to
`evidence --verify`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

MANIFEST = "manifest.json"


def manifest(files: Mapping[str, bytes]) -> bytes:
    """The manifest of these files (contents by relative path), itself left out."""
    entries = [
        {"path": path, "bytes": len(content), "sha256": digest(content)}
        for path, content in sorted(files.items())
        if path != MANIFEST
    ]
    return (json.dumps({"files": entries}, indent=2) + "\n").encode()


def digest(content: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def tampering(files: Mapping[str, bytes], expected_sha256: str = "") -> list[str]:
    """What is wrong with a bundle, one sentence each; nothing when it is as it was written.

    `expected_sha256` is the manifest's own, as noted when the bundle was made; empty when nobody noted it.
    """
    if MANIFEST not in files:
        return [f"{MANIFEST} is missing."]
    problems = list(_differences(files))
    if not problems and manifest(files) != files[MANIFEST]:
        problems.append(f"{MANIFEST} is not written as this tool writes it.")
    found = digest(files[MANIFEST])
    if expected_sha256 and found != expected_sha256.lower():
        problems.append(f"{MANIFEST} has SHA-256 {found}, not {expected_sha256.lower()}.")
    return problems


def _differences(files: Mapping[str, bytes]) -> Iterator[str]:
    listed = _listed(files[MANIFEST])
    if listed is None:
        yield f"{MANIFEST} is not a manifest."
        return
    for path in sorted(set(listed) | (set(files) - {MANIFEST})):
        if path not in files:
            yield f"{path} is missing."
        elif path not in listed:
            yield f"{path} was added."
        elif listed[path] != digest(files[path]):
            yield f"{path} was changed."


def _listed(content: bytes) -> dict[str, str] | None:
    try:
        entries = json.loads(content)["files"]
        return {str(entry["path"]): str(entry["sha256"]) for entry in entries}
    except (ValueError, KeyError, TypeError):
        return None
