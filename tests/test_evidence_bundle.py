"""The bundle: complete, the same for the same facts, free of personal texts, and tamper-evident."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_facts import NOW, evidence
from hipaa_pipeline import bundles
from hipaa_pipeline.controls import HIPAA
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.evidence import table
from hipaa_pipeline.evidence.bundle import ASKED, bundle
from hipaa_pipeline.evidence.manifest import MANIFEST, digest, manifest, tampering
from hipaa_pipeline.evidence.masking import masked
from hipaa_pipeline.evidence.matrix import matrix, shared_duty, uncovered, worst
from hipaa_pipeline.evidence.report import anchor, gates, timeline
from hipaa_pipeline.findings import Finding, Status


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return bundle(evidence())


def test_the_files_of_a_bundle(files: dict[str, bytes]) -> None:
    assert sorted(files) == [
        "README.md", "architecture.svg", "change-set.json", "controls.csv", "cost.json", "events.json",
        "expected.json", "findings.json", "live.json", "manifest.json", "oscal/assessment-results.json",
        "oscal/catalog.json", "oscal/component-definition.json", "parameters.json", "report.html", "template.yaml",
        "versions.json", "waivers.json",
    ]  # fmt: skip


def test_every_file_is_described_to_its_reader(files: dict[str, bytes]) -> None:
    text = files["README.md"].decode()
    assert [name for name in files if name.partition("/")[0] not in text and name != "README.md"] == []


@pytest.mark.parametrize(
    ("waived", "sentence"),
    [
        (1, "~ 1 failure is accepted (waived), each by an owner and until a day; nothing else fails."),
        (2, "~ 2 failures are accepted (waived), each by an owner and until a day; nothing else fails."),
    ],
)
def test_a_waived_failure_is_called_a_failure(waived: int, sentence: str) -> None:
    facts = evidence()
    [one] = [finding for finding in facts.findings if finding.status is Status.WAIVED]
    page = bundle(dataclasses.replace(facts, findings=(one,) * waived))["report.html"].decode()
    assert sentence in page


def test_each_waiver_shows_what_it_touches(files: dict[str, bytes]) -> None:
    assert (
        "<td>164.308(a)(1)(ii)(B) required, 164.308(a)(7)(i) standard, 164.308(a)(7)(ii)(A) required, "
        "164.308(a)(7)(ii)(B) required, 164.308(a)(7)(ii)(C) required</td>"
        "<td>risk acceptance for an environment without ePHI, 164.308(a)(1)(ii)(B)</td>"
    ) in files["report.html"].decode()


def test_the_same_facts_give_the_same_bytes(files: dict[str, bytes]) -> None:
    assert bundle(evidence()) == files


def test_only_the_stated_time_differs_later(files: dict[str, bytes]) -> None:
    later = NOW + datetime.timedelta(days=1)
    again = bundle(evidence(now=later))
    told, then = NOW.isoformat().encode(), later.isoformat().encode()
    changed = {name for name in files if files[name] != again[name]}
    assert changed == {
        "controls.csv", "manifest.json", "oscal/assessment-results.json", "oscal/catalog.json",
        "oscal/component-definition.json", "report.html", "versions.json",
    }  # fmt: skip
    assert {name: files[name] for name in changed - {MANIFEST}} == {
        name: again[name].replace(then, told) for name in changed - {MANIFEST}
    }


def test_no_personal_text_leaves_the_account(files: dict[str, bytes]) -> None:
    assert [name for name, content in files.items() if b"nurse@clinic.example" in content] == []
    assert b"****@clinic.example" in files["live.json"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("write to a.b+c@d.example.com now", "write to ****@d.example.com now"),
        ("AKIAABCDEFGHIJKLMNOP", "****"),
        ({"MasterUserPassword": "hunter2"}, {"MasterUserPassword": "****"}),
        ({"ManageMasterUserPassword": True}, {"ManageMasterUserPassword": True}),
        ({"ClientSecret": "arn:aws:secretsmanager:x"}, {"ClientSecret": "arn:aws:secretsmanager:x"}),
        (["x@y.example", 1, None], ["****@y.example", 1, None]),
        ("user@host", "user@host"),
    ],
)
def test_masking(value: Any, shown: Any) -> None:
    assert masked(value) == shown


def test_findings_are_whole(files: dict[str, bytes]) -> None:
    assert len(json.loads(files["findings.json"])) == len(evidence().findings)
    assert all(set(one) >= {"control", "status", "resource"} for one in json.loads(files["findings.json"]))


# The manifest


def test_a_bundle_as_it_was_written(files: dict[str, bytes]) -> None:
    assert tampering(files) == []
    assert tampering(files, digest(files[MANIFEST]).upper()) == []


def test_a_changed_byte_is_found_in_every_file(files: dict[str, bytes]) -> None:
    def flipped(content: bytes) -> bytes:
        middle = len(content) // 2
        return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]

    assert [name for name, content in files.items() if not tampering({**files, name: flipped(content)})] == []


@given(data=st.data())
def test_any_single_change_is_found(data: st.DataObject) -> None:
    contents = st.dictionaries(st.text(min_size=1, max_size=5), st.binary(max_size=20), min_size=1, max_size=4)
    whole = data.draw(contents.filter(lambda found: MANIFEST not in found))
    written = {**whole, MANIFEST: manifest(whole)}
    assert tampering(written) == []
    name = data.draw(st.sampled_from(sorted(written)))
    other = data.draw(st.binary(max_size=20).filter(lambda content: content != written[name]))
    assert tampering({**written, name: other}) != []
    assert tampering({key: value for key, value in written.items() if key != name}) != []
    assert tampering({**written, f"{name}+": b""}) != []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"report.html": b"x"}, ["report.html was changed."]),
        ({"more.txt": b""}, ["more.txt was added."]),
        ({MANIFEST: b"{}"}, ["manifest.json is not a manifest."]),
        ({MANIFEST: b"not JSON"}, ["manifest.json is not a manifest."]),
    ],
)
def test_what_is_told(files: dict[str, bytes], change: dict[str, bytes], told: list[str]) -> None:
    assert tampering({**files, **change}) == told


def test_a_manifest_in_another_spelling_is_told(files: dict[str, bytes]) -> None:
    spelled = json.dumps(json.loads(files[MANIFEST])).encode()
    assert tampering({**files, MANIFEST: spelled}) == ["manifest.json is not written as this tool writes it."]


def test_a_manifest_made_anew_does_not_have_the_noted_hash(files: dict[str, bytes]) -> None:
    forged = {**files, "report.html": b"all good"}
    forged[MANIFEST] = manifest(forged)
    assert tampering(forged) == []
    (problem,) = tampering(forged, digest(files[MANIFEST]))
    assert problem.startswith("manifest.json has SHA-256 ")


# On disk


def test_written_and_read_back(tmp_path: Path, files: dict[str, bytes]) -> None:
    bundles.write(tmp_path / "deep" / "bundle", files)
    assert bundles.read(tmp_path / "deep" / "bundle") == files
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["bundle"]


def test_evidence_is_not_overwritten(tmp_path: Path, files: dict[str, bytes]) -> None:
    bundles.write(tmp_path / "bundle", files)
    with pytest.raises(UserError, match="not overwritten"):
        bundles.write(tmp_path / "bundle", files)


def test_links_and_empty_directories_are_additions(tmp_path: Path, files: dict[str, bytes]) -> None:
    bundles.write(tmp_path / "bundle", files)
    (tmp_path / "bundle" / "empty").mkdir()
    (tmp_path / "bundle" / "report.html").unlink()
    (tmp_path / "outside.html").write_bytes(files["report.html"])
    (tmp_path / "bundle" / "report.html").symlink_to(tmp_path / "outside.html")
    assert tampering(bundles.read(tmp_path / "bundle")) == ["empty/ was added.", "report.html was changed."]


def test_no_bundle_to_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no bundle"):
        bundles.read(tmp_path / "nowhere")


# The matrix and the CSV


def finding(control: str, status: Status, resource: str = "R", **more: Any) -> Finding:
    return Finding(control=control, status=status, resource=resource, **more)


def test_a_paragraph_is_as_good_as_its_worst_answer() -> None:
    control = next(check.slug for check in ASKED if "164.312(b)" in check.citations)
    for status in Status:
        rows = matrix(HIPAA, ASKED, [finding(control, Status.PASS), finding(control, status, "S")])
        row = next(row for row in rows if row.paragraph.citation == "164.312(b)")
        assert row.status is worst([Status.PASS, status])
        assert row.covered


def test_nothing_asked_is_not_covered() -> None:
    rows = matrix(HIPAA, ASKED, [])
    assert len(rows) == len(HIPAA)
    assert {row.status for row in rows} == {Status.NOT_APPLICABLE}
    assert uncovered(rows) == rows
    assert shared_duty(rows) == []


def test_answers_point_to_their_findings(files: dict[str, bytes]) -> None:
    facts = evidence()
    findings = json.loads(files["findings.json"])
    for row in matrix(HIPAA, ASKED, facts.findings):
        for question in row.questions:
            for answer in question.answers:
                pointed = findings[int(answer.pointer[1:])]
                assert (pointed["control"], pointed["resource"]) == (question.slug, answer.resource)
                assert pointed["status"] == answer.status


def test_the_csv_has_every_paragraph_and_its_columns(files: dict[str, bytes]) -> None:
    lines = list(csv.DictReader(io.StringIO(files["controls.csv"].decode(), newline="")))
    assert {line["citation"] for line in lines} == {paragraph.citation for paragraph in HIPAA}
    assert {line["kind"] for line in lines} == {"standard", "required", "addressable"}
    assert {line["collected"] for line in lines} == {NOW.isoformat()}
    assert {line["control_status"] for line in lines if line["control"]} == {str(status) for status in Status}


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_a_spreadsheet_takes_nothing_for_a_formula(value: str) -> None:
    rows = matrix(HIPAA, ASKED, [finding(ASKED[0].slug, Status.PASS, value)])
    lines = list(csv.reader(io.StringIO(table.render(rows, "now"), newline="")))
    assert [cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@", "\t"))] == []


# The report's arithmetic


def test_gates_count_every_finding() -> None:
    facts = evidence()
    found = gates(facts.findings)
    assert [gate.title for gate in found] == [
        "Controls, asked of the running stack", "What only a running account tells",
    ]  # fmt: skip
    assert sum(sum(gate.counts.values()) for gate in found) == len(facts.findings)
    assert [gate.status for gate in found] == [Status.FAIL, Status.FAIL]


def test_the_timeline_is_in_percent_of_the_operation() -> None:
    assert [(step.logical_id, step.seconds, step.start, step.length) for step in timeline(evidence().events)] == [
        ("Key", 20.0, 10.0, 20.0),
        ("Database", 60.0, 30.0, 60.0),
    ]


def test_anchors() -> None:
    assert anchor("164.312(a)(2)(iv)") == "p164-312-a-2-iv"
    assert len({anchor(paragraph.citation) for paragraph in HIPAA}) == len(HIPAA)
