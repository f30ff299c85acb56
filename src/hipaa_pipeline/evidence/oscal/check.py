"""What OSCAL's schemas and compliance-trestle do not check: that the three documents hang together.

Found by trying: trestle accepts a control ID that no catalog has, a source and an observation that lead nowhere, a
version that does not exist, a finding without a status, a private property without a namespace.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hipaa_pipeline.evidence.oscal import ids

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_METHODS = {"EXAMINE", "INTERVIEW", "TEST", "UNKNOWN"}
_COMPONENT_TYPES = {
    "this-system", "system", "interconnection", "software", "hardware", "service", "policy", "physical",
    "process-procedure", "plan", "guidance", "standard", "validation", "network",
}  # fmt: skip
_OSCAL_PROPS = {"label", "sort-id", "status", "alt-identifier", "marking"}

Node = tuple[str, Mapping[str, Any]]


def problems(documents: Mapping[str, Mapping[str, Any]], files: Collection[str]) -> list[str]:
    """What is wrong with the documents (by file name in `oscal/`); `files` are all paths of the bundle."""
    nodes = {name: list(_nodes(document, "")) for name, document in documents.items()}
    missing = [f"{name} is missing" for name in (ids.CATALOG, ids.COMPONENTS, ids.RESULTS) if name not in documents]
    if missing:
        return missing
    return [
        *(problem for name in nodes for problem in _well_formed(name, nodes[name])),
        *_control_references(nodes),
        *_part_references(nodes),
        *_result_references(nodes),
        *_files(nodes[ids.RESULTS], files),
        *_sources(nodes[ids.COMPONENTS], documents),
    ]


def _nodes(value: Any, path: str) -> Iterator[Node]:
    """Every object of a document with its path."""
    if isinstance(value, Mapping):
        yield path, value
        for key, item in value.items():
            yield from _nodes(item, f"{path}/{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _nodes(item, f"{path}/{number}")


def _well_formed(name: str, nodes: list[Node]) -> Iterator[str]:
    seen: set[str] = set()
    for path, node in nodes:
        yield from (f"{name}{path}: {problem}" for problem in _node(path, node))
        own = str(node.get("uuid", ""))
        if own and own in seen:
            yield f"{name}{path}: uuid {own} occurs twice"
        seen.add(own)


def _node(path: str, node: Mapping[str, Any]) -> Iterator[str]:
    if "uuid" in node and uuid.UUID(str(node["uuid"])).version not in (4, 5):
        yield "its uuid is neither version 4 nor 5"
    if "oscal-version" in node and node["oscal-version"] != ids.OSCAL_VERSION:
        yield f"oscal-version is {node['oscal-version']}, not {ids.OSCAL_VERSION}"
    for key in ("id", "control-id", "target-id", "objective-id", "name"):
        if key in node and not _TOKEN.fullmatch(str(node[key])):
            yield f"{key} {node[key]!r} is not a token"
    for key, value in node.items():
        if value in ([], {}, ""):
            yield f"{key} is empty"
    if "/props/" in path and "ns" not in node and node.get("name") not in _OSCAL_PROPS:
        yield f"property {node.get('name')} has no namespace"
    if not set(node.get("methods", ())) <= _METHODS:
        yield f"methods {node['methods']} are not OSCAL's"
    if "/components/" in path and path.count("/") == 3 and node.get("type") not in _COMPONENT_TYPES:
        yield f"component type {node.get('type')} is not OSCAL's"
    if "target-id" in node and node.get("status", {}).get("state") not in ("satisfied", "not-satisfied"):
        yield "the finding has no state"


def _control_references(nodes: Mapping[str, list[Node]]) -> Iterator[str]:
    known = {node["id"] for path, node in nodes[ids.CATALOG] if re.search(r"/controls/\d+$", path)}
    for name in (ids.COMPONENTS, ids.RESULTS):
        for path, node in nodes[name]:
            if "control-id" in node and node["control-id"] not in known:
                yield f"{name}{path}: {node['control-id']} is not in the catalog"


def _part_references(nodes: Mapping[str, list[Node]]) -> Iterator[str]:
    """Findings are about objectives of the catalog, and the catalog's links lead to its own parts."""
    parts = {node["id"]: node["name"] for path, node in nodes[ids.CATALOG] if re.search(r"/parts/\d+$", path)}
    for path, node in nodes[ids.RESULTS]:
        for key in ("target-id", "objective-id"):
            if key in node and parts.get(node[key]) != "assessment-objective":
                yield f"{ids.RESULTS}{path}: {node[key]} is no objective of the catalog"
        if "target-id" in node and node.get("type") != "objective-id":
            yield f"{ids.RESULTS}{path}: the target is not an objective"
    for path, node in nodes[ids.CATALOG]:
        if "href" in node and str(node["href"]).removeprefix("#") not in parts:
            yield f"{ids.CATALOG}{path}: {node['href']} leads nowhere"


def _result_references(nodes: Mapping[str, list[Node]]) -> Iterator[str]:
    """Observations, components and the plan that are referred to exist."""
    results, components = nodes[ids.RESULTS], nodes[ids.COMPONENTS]
    own = {str(node["uuid"]) for _, node in results if "uuid" in node}
    targets = {
        "observation-uuid": {str(node["uuid"]) for path, node in results if re.search(r"/observations/\d+$", path)},
        "subject-uuid": {str(node["uuid"]) for path, node in components if re.search(r"/components/\d+$", path)},
    }
    for path, node in results:
        for key, known in targets.items():
            if key in node and node[key] not in known:
                yield f"{ids.RESULTS}{path}: {key} {node[key]} leads nowhere"
        href = str(node.get("href", ""))
        if href.startswith("#") and href[1:] not in own:
            yield f"{ids.RESULTS}{path}: {href} leads nowhere"


def _files(results: list[Node], files: Collection[str]) -> Iterator[str]:
    for path, node in results:
        href = str(node.get("href", ""))
        if href.startswith("../") and href[3:] not in files:
            yield f"{ids.RESULTS}{path}: there is no file {href}"


def _sources(components: list[Node], documents: Mapping[str, Any]) -> Iterator[str]:
    for path, node in components:
        if "source" in node and node["source"] not in documents:
            yield f"{ids.COMPONENTS}{path}: source {node['source']} leads nowhere"
