"""OSCAL: the three documents hang together, and what would break them is found by our own checks."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence_facts import NOW, evidence
from hipaa_pipeline.asked import ASKED
from hipaa_pipeline.controls import HIPAA
from hipaa_pipeline.evidence.bundle import bundle
from hipaa_pipeline.evidence.oscal import check, ids
from hipaa_pipeline.evidence.oscal.components import implementation_status
from hipaa_pipeline.findings import Finding, Status
from needs import need

TRESTLE = Path(".venv-audit/bin/trestle").resolve()
Documents = dict[str, Any]
NOWHERE = "6ba7b810-9dad-51d1-80b4-00c04fd430c8"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return bundle(evidence())


@pytest.fixture
def documents(files: dict[str, bytes]) -> Documents:
    names = (ids.CATALOG, ids.COMPONENTS, ids.RESULTS)
    return {name: json.loads(files[f"oscal/{name}"]) for name in names}


def test_the_documents_hang_together(documents: Documents, files: dict[str, bytes]) -> None:
    assert check.problems(documents, files) == []


def test_every_paragraph_is_a_control(documents: Documents) -> None:
    controls = [control for group in documents[ids.CATALOG]["catalog"]["groups"] for control in group["controls"]]
    assert [control["id"] for control in controls] == [ids.control_id(paragraph.citation) for paragraph in HIPAA]


def test_every_resource_is_a_component(documents: Documents) -> None:
    components = documents[ids.COMPONENTS]["component-definition"]["components"]
    assert [component["title"] for component in components] == list(evidence().expected.resources)


def test_findings_are_satisfied_only_when_everything_passed(documents: Documents) -> None:
    result = documents[ids.RESULTS]["assessment-results"]["results"][0]
    states = {
        found["target"]["target-id"]: (found["target"]["status"]["state"], found["target"]["status"]["reason"])
        for found in result["findings"]
    }
    assert states[ids.objective_id("164.312(b)")] == ("not-satisfied", "fail")
    assert states[ids.objective_id("164.312(a)(2)(iii)")] == ("satisfied", "pass")
    assert set(states.values()) <= {("satisfied", "pass"), ("not-satisfied", "fail"), ("not-satisfied", "other")}
    assert len(result["reviewed-controls"]["control-selections"][0]["include-controls"]) == len(states)


def test_control_ids() -> None:
    assert ids.control_id("164.312(a)(2)(iv)") == "hipaa-164.312.a.2.iv"
    assert len({ids.control_id(paragraph.citation) for paragraph in HIPAA}) == len(HIPAA)


def _control(documents: Documents, citation: str) -> Any:
    controls = [control for group in documents[ids.CATALOG]["catalog"]["groups"] for control in group["controls"]]
    return next(control for control in controls if control["id"] == ids.control_id(citation))


def test_only_what_was_assessed_has_an_objective(documents: Documents) -> None:
    kinds = {
        name: [part["name"] for part in _control(documents, name)["parts"]] for name in ("164.312(b)", "164.308(a)(2)")
    }
    assert kinds == {
        "164.312(b)": ["statement", "guidance", "assessment-objective"], "164.308(a)(2)": ["statement", "guidance"]
    }  # fmt: skip
    assert "The VPC's traffic is recorded" in _control(documents, "164.312(b)")["parts"][2]["prose"]


def test_no_finding_is_about_a_whole_paragraph(documents: Documents) -> None:
    found = _result(documents)["findings"]
    assert {one["target"]["type"] for one in found} == {"objective-id"}
    assert [
        one["title"] for one in found if not one["remarks"].startswith("Not assessed here, and still to be met")
    ] == []


def test_the_catalog_says_that_it_paraphrases(documents: Documents) -> None:
    assert "paraphrase" in documents[ids.CATALOG]["catalog"]["metadata"]["remarks"]


def test_an_observation_for_each_finding_that_says_something(documents: Documents) -> None:
    told = [str(one.status) for one in evidence().findings if one.status is not Status.NOT_APPLICABLE]
    observed = [
        prop["value"] for one in _result(documents)["observations"] for prop in one["props"] if prop["name"] == "status"
    ]
    assert sorted(observed) == sorted(told)
    names = {prop["name"] for one in _result(documents)["observations"] for prop in one["props"]}
    assert names == {"check", "rule", "status", "severity", "property"}


def test_waivers_that_are_over_are_observed() -> None:
    facts = evidence()
    bad = Finding(control="waivers", rule="waivers_expired", status=Status.FAIL, resource="waivers.toml")
    files = bundle(dataclasses.replace(facts, findings=(*facts.findings, bad)))
    [result] = json.loads(files["oscal/assessment-results.json"])["assessment-results"]["results"]
    assert "waivers_expired waivers.toml" in [one["title"] for one in result["observations"]]


@pytest.mark.parametrize(
    ("found", "addressable", "told"),
    [
        ({Status.PASS}, False, "implemented"),
        ({Status.PASS, Status.FAIL}, False, "partial"),
        ({Status.PASS, Status.UNKNOWN}, True, "partial"),
        ({Status.PASS, Status.WAIVED}, True, "partial"),
        ({Status.WAIVED}, True, "alternative"),
        ({Status.WAIVED}, False, "planned"),
        ({Status.FAIL}, True, "planned"),
        ({Status.UNKNOWN}, True, "planned"),
        ({Status.FAIL, Status.WAIVED}, True, "planned"),
    ],
)
def test_implementation_status(found: set[Status], addressable: bool, told: str) -> None:
    assert implementation_status(found, addressable=addressable) == told


def test_what_is_waived_is_not_claimed_to_be_implemented(documents: Documents) -> None:
    components = documents[ids.COMPONENTS]["component-definition"]["components"]
    [database] = [component for component in components if component["title"] == "Database"]
    requirements = database["control-implementations"][0]["implemented-requirements"]
    checks = next(one.citations for one in ASKED if one.slug == "rds_multi_az")
    statuses = {
        one["control-id"]: next(prop for prop in one["props"] if prop["name"] == "implementation-status")
        for one in requirements
    }
    waived = [statuses[ids.control_id(citation)] for citation in checks]
    assert {prop["value"] for prop in waived} == {"partial"}
    assert all("rds_multi_az: waived (Development data can be loaded again)" in prop["remarks"] for prop in waived)


def uuids(files: dict[str, bytes], name: str) -> set[str]:
    return set(re.findall(r'"uuid": "([^"]+)"', files[f"oscal/{name}"].decode()))


def test_uuids_tell_assessments_apart(files: dict[str, bytes]) -> None:
    later = bundle(evidence(now=NOW + datetime.timedelta(seconds=3)))
    assert uuids(files, ids.RESULTS) & uuids(later, ids.RESULTS) == set()
    assert uuids(files, ids.COMPONENTS) == uuids(later, ids.COMPONENTS)
    assert uuids(files, ids.CATALOG) == uuids(later, ids.CATALOG)


@pytest.mark.parametrize("elsewhere", [{"account_id": "999988887777"}, {"region": "eu-central-1"}])
def test_uuids_tell_accounts_and_regions_apart(files: dict[str, bytes], elsewhere: dict[str, str]) -> None:
    other = bundle(evidence(**elsewhere))  # type: ignore[arg-type]
    for name in (ids.CATALOG, ids.COMPONENTS, ids.RESULTS):
        assert uuids(files, name)
        assert uuids(files, name) & uuids(other, name) == set()


def _result(documents: Documents) -> Any:
    return documents[ids.RESULTS]["assessment-results"]["results"][0]


def _component(documents: Documents) -> Any:
    return next(
        component
        for component in documents[ids.COMPONENTS]["component-definition"]["components"]
        if "control-implementations" in component
    )


BREAKS: dict[str, tuple[Callable[[Documents], Any], str]] = {
    "a document is missing": (lambda d: d.pop(ids.CATALOG), "is missing"),
    "another version": (lambda d: d[ids.CATALOG]["catalog"]["metadata"].update({"oscal-version": "9.9"}), "not 1.2.1"),
    "a control that no catalog has": (
        lambda d: _component(d)["control-implementations"][0]["implemented-requirements"][0].update(
            {"control-id": "hipaa-1"}
        ),
        "is not in the catalog",
    ),
    "an objective that no catalog has": (
        lambda d: _result(d)["findings"][0]["target"].update({"target-id": "hipaa-1_obj"}),
        "is no objective of the catalog",
    ),
    "a finding about a whole statement": (
        lambda d: _result(d)["findings"][0]["target"].update({"target-id": ids.statement_id("164.312(b)")}),
        "is no objective of the catalog",
    ),
    "a finding that says it is about a statement": (
        lambda d: _result(d)["findings"][0]["target"].update({"type": "statement-id"}), "the target is not an objective"
    ),
    "a reviewed objective that no catalog has": (
        lambda d: _result(d)["reviewed-controls"]["control-objective-selections"][0]["include-objectives"][0].update(
            {"objective-id": "hipaa-1_obj"}
        ),
        "is no objective of the catalog",
    ),
    "an objective for no statement": (
        lambda d: _control(d, "164.312(b)")["parts"][2]["links"][0].update({"href": "#hipaa-1_smt"}), "leads nowhere"
    ),
    "an observation that leads nowhere": (
        lambda d: _result(d)["findings"][0]["related-observations"][0].update(
            {"observation-uuid": NOWHERE}
        ),
        "leads nowhere",
    ),
    "a subject that leads nowhere": (
        lambda d: next(one for one in _result(d)["observations"] if "subjects" in one)["subjects"][0].update(
            {"subject-uuid": NOWHERE}
        ),
        "leads nowhere",
    ),
    "a plan that leads nowhere": (
        lambda d: d[ids.RESULTS]["assessment-results"]["import-ap"].update({"href": "#" + NOWHERE}),
        "leads nowhere",
    ),
    "a source that leads nowhere": (
        lambda d: _component(d)["control-implementations"][0].update({"source": "other.json"}), "leads nowhere"
    ),
    "evidence that is not there": (
        lambda d: _result(d)["observations"][0]["relevant-evidence"][0].update({"href": "../gone.json"}),
        "there is no file",
    ),
    "a finding without a state": (lambda d: _result(d)["findings"][0]["target"].pop("status"), "has no state"),
    "a method in free text": (lambda d: _result(d)["observations"][0].update({"methods": ["LOOKED"]}), "not OSCAL's"),
    "a component type in free text": (lambda d: _component(d).update({"type": "thing"}), "not OSCAL's"),
    "a private property without a namespace": (lambda d: _component(d)["props"][0].pop("ns"), "has no namespace"),
    "an ID that is no token": (
        lambda d: d[ids.CATALOG]["catalog"]["groups"][0].update({"id": "164.308(a)"}), "is not a token"
    ),
    "an empty list": (lambda d: _result(d)["findings"][0].update({"related-observations": []}), "is empty"),
    "a UUID twice": (
        lambda d: _result(d)["observations"][0].update({"uuid": _result(d)["observations"][1]["uuid"]}), "occurs twice"
    ),
    "a random UUID of the wrong version": (
        lambda d: _result(d).update({"uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}), "neither version 4 nor 5"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_a_document_is_found(documents: Documents, files: dict[str, bytes], name: str) -> None:
    broken = copy.deepcopy(documents)
    change, told = BREAKS[name]
    change(broken)
    assert any(told in problem for problem in check.problems(broken, files))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> Path:
    """A trestle workspace with the three documents imported, as far as trestle accepts them."""
    need(TRESTLE.exists(), "compliance-trestle", "make audit")
    path = tmp_path_factory.mktemp("trestle")
    for name, content in files.items():
        if name.startswith("oscal/"):
            (path / name.removeprefix("oscal/")).write_bytes(content)
    (path / "ws").mkdir()
    trestle(path / "ws", "init")
    return path


def trestle(directory: Path, *arguments: str) -> int:
    done = subprocess.run([str(TRESTLE), *arguments], cwd=directory, capture_output=True, timeout=300, check=False)
    return done.returncode


@pytest.mark.parametrize("kind", ["catalog", "component-definition", "assessment-results"])
def test_trestle_accepts_the_document(workspace: Path, kind: str) -> None:
    assert trestle(workspace, "partial-object-validate", "-f", f"{kind}.json", "-e", kind) == 0
    assert trestle(workspace / "ws", "import", "-f", str(workspace / f"{kind}.json"), "-o", "demo") == 0
    assert trestle(workspace / "ws", "validate", "-t", kind, "-n", "demo") == 0


def test_trestle_refuses_a_broken_document(workspace: Path) -> None:
    """So that the acceptance above means something."""
    broken = json.loads((workspace / "catalog.json").read_text(encoding="utf-8"))
    del broken["catalog"]["metadata"]["title"]
    (workspace / "broken.json").write_text(json.dumps(broken), encoding="utf-8")
    assert trestle(workspace, "partial-object-validate", "-f", "broken.json", "-e", "catalog") != 0
