"""The bundle: complete, the same for the same facts, free of personal texts, and tamper-evident."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_facts import NOW, evidence
from hipaa_pipeline import bundles
from hipaa_pipeline.asked import ASKED
from hipaa_pipeline.controls import HIPAA
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.evidence import quality, table
from hipaa_pipeline.evidence.bundle import bundle
from hipaa_pipeline.evidence.manifest import MANIFEST, digest, manifest, tampering
from hipaa_pipeline.evidence.matrix import Row, beyond, matrix, questions, worst
from hipaa_pipeline.evidence.quality import Quality
from hipaa_pipeline.evidence.report import anchor, gates, timeline
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.verification.verify import QUESTIONS


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


def test_only_the_stated_time_and_what_follows_from_it_differs_later(files: dict[str, bytes]) -> None:
    later = NOW + datetime.timedelta(seconds=3)
    again = bundle(evidence(now=later))
    told, then = NOW.isoformat().encode(), later.isoformat().encode()
    changed = {name for name in files if files[name] != again[name]}
    assert changed == {
        "controls.csv", "manifest.json", "oscal/assessment-results.json", "oscal/catalog.json",
        "oscal/component-definition.json", "report.html", "versions.json",
    }  # fmt: skip
    results = "oscal/assessment-results.json"
    assert {name: files[name] for name in changed - {MANIFEST, results}} == {
        name: again[name].replace(then, told) for name in changed - {MANIFEST, results}
    }
    assert in_order(files[results]) == in_order(again[results].replace(then, told))


UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def in_order(document: bytes) -> bytes:
    """The document with each UUID replaced by the number of its first occurrence."""
    numbers: dict[bytes, bytes] = {}
    return UUID.sub(lambda found: numbers.setdefault(found[0], b"#%d" % len(numbers)), document)


def test_no_personal_text_leaves_the_account(files: dict[str, bytes]) -> None:
    assert [name for name, content in files.items() if b"nurse@clinic.example" in content] == []
    assert b"****@clinic.example" in files["live.json"]


def test_who_answers_for_it_is_named(files: dict[str, bytes]) -> None:
    assert json.loads(files["versions.json"])["caller"] == evidence().caller
    assert [waiver["owner"] for waiver in json.loads(files["waivers.json"])] == ["platform team"]
    assert b"the caller and the owners of waivers are named" in files["report.html"]


SECRET = "mail nurse@clinic.example with AKIAABCDEFGHIJKLMNOP"


def test_every_field_that_may_carry_such_a_text_is_masked() -> None:
    """Events, findings, attributes, waivers, cost, and a password that the comparison quotes."""
    facts = evidence()
    key = facts.expected.resources["Key"]
    stack = dataclasses.replace(
        facts.expected,
        resources={**facts.expected.resources, "Key": dataclasses.replace(key, attributes={"Metadata": SECRET})},
    )
    quoted = Finding(
        control="live_property_matches", status=Status.UNKNOWN, resource="Key", property="Auth.SecretString",
        expected="hush-expected", actual="hush-actual", reason=SECRET, remedy=SECRET,
    )  # fmt: skip
    files = bundle(
        dataclasses.replace(
            facts,
            expected=stack,
            live=stack,
            findings=(*facts.findings, quoted),
            waivers=tuple(dataclasses.replace(waiver, reason=SECRET) for waiver in facts.waivers),
            events=tuple(dataclasses.replace(event, reason=SECRET) for event in facts.events),
            change_set={"Changes": [{"ResourceChange": {"AfterContext": json.dumps({"Password": "hush-context"})}}]},
            cost={**facts.cost, "assumptions": {"note": SECRET}},
        )
    )
    told = [name for name, content in files.items() for text in (b"nurse@", b"AKIA", b"hush") if text in content]
    assert told == []


def test_the_quality_report_is_as_discreet() -> None:
    failed = Finding(control="sns_alarms_reach_somebody", status=Status.FAIL, actual=SECRET, reason=SECRET)
    page = quality.html(
        Quality(
            environment="dev", stack_name="s", account_id="1", region="r", time=NOW, foreign=(), result="failed",
            failed=True, judged={"Gate": [failed]}, message=SECRET,
        )
    )  # fmt: skip
    assert page.count("mail ****@clinic.example with ****") == 3
    assert "nurse@" not in page
    assert "Not AWS" not in page


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


def rows_of(*findings: Finding) -> list[Row]:
    return matrix(HIPAA, questions(ASKED, findings))


def row_of(citation: str, *findings: Finding) -> Row:
    return next(row for row in rows_of(*findings) if row.paragraph.citation == citation)


def csv_of(*findings: Finding) -> list[dict[str, str]]:
    asked = questions(ASKED, findings)
    text = table.render(matrix(HIPAA, asked), beyond(HIPAA, asked), "now")
    return list(csv.DictReader(io.StringIO(text, newline="")))


AUDIT = next(one.slug for one in ASKED if "164.312(b)" in one.citations)


@pytest.mark.parametrize("status", Status)
def test_a_paragraph_is_as_good_as_its_worst_answer(status: Status) -> None:
    row = row_of("164.312(b)", finding(AUDIT, Status.PASS), finding(AUDIT, status, "S"))
    assert row.status is worst([Status.PASS, status])
    assert row.covered


def test_nothing_asked_is_not_assessed_and_never_said_not_to_apply() -> None:
    rows = rows_of(finding(AUDIT, Status.NOT_APPLICABLE))
    assert len(rows) == len(HIPAA)
    assert [row for row in rows if row.covered] == []
    assert {row.assessment for row in rows} == {"not-assessed"}
    assert {line["paragraph_status"] for line in csv_of(finding(AUDIT, Status.NOT_APPLICABLE))} == {"not-assessed"}


def test_the_csv_does_not_say_that_risk_analysis_does_not_apply(files: dict[str, bytes]) -> None:
    lines = list(csv.DictReader(io.StringIO(files["controls.csv"].decode(), newline="")))
    [line] = [line for line in lines if line["citation"] == "164.308(a)(1)(ii)(A)"]
    assert (line["kind"], line["paragraph_status"], line["duty"]) == (
        "required", "not-assessed", "Your organisation: this report is an input to the analysis, not the analysis"
    )  # fmt: skip
    assert "not-applicable" not in {line["paragraph_status"] for line in lines}


def test_two_failing_rules_of_one_resource_are_both_told() -> None:
    lines = csv_of(
        finding(AUDIT, Status.FAIL, rule="first", severity="high"), finding(AUDIT, Status.FAIL, rule="second")
    )
    told = [(line["rule"], line["severity"], line["evidence"]) for line in lines if line["citation"] == "164.312(b)"]
    assert told == [("first", "high", "findings.json#/0"), ("second", "", "findings.json#/1")]


def test_what_no_paragraph_asks_for_is_told_too() -> None:
    habit = next(one.slug for one in ASKED if not one.citations)
    others = [line for line in csv_of(finding(habit, Status.FAIL)) if line["citation"] == "none"]
    assert [(line["control"], line["control_status"], line["paragraph_status"]) for line in others] == [
        (habit, "fail", "fail")
    ]


def test_a_waiver_that_is_over_is_a_failure_of_risk_management() -> None:
    lines = csv_of(finding("waivers", Status.FAIL, rule="waivers_expired"))
    told = [line for line in lines if line["control"] == "waivers"]
    assert [(line["citation"], line["rule"], line["control_status"], line["paragraph_status"]) for line in told] == [
        ("164.308(a)(1)(ii)(B)", "waivers_expired", "fail", "fail")
    ]


def test_every_finding_is_in_the_csv_and_in_the_report(files: dict[str, bytes]) -> None:
    pointers = {f"findings.json#/{number}" for number in range(len(evidence().findings))}
    lines = csv.DictReader(io.StringIO(files["controls.csv"].decode(), newline=""))
    assert {line["evidence"] for line in lines} - {""} == pointers
    assert set(re.findall(r"findings\.json#/\d+", files["report.html"].decode())) == pointers


def test_a_finding_that_no_question_made_is_not_lost_silently() -> None:
    with pytest.raises(ValueError, match="no question made the finding of unheard_of"):
        questions(ASKED, [finding("unheard_of", Status.FAIL)])


def test_answers_point_to_their_findings(files: dict[str, bytes]) -> None:
    facts = evidence()
    findings = json.loads(files["findings.json"])
    for question in questions(ASKED, facts.findings):
        for answer in question.answers:
            pointed = findings[int(answer.pointer[1:])]
            assert (pointed["control"], pointed["resource"]) == (question.slug, answer.finding.resource)
            assert pointed["status"] == answer.finding.status


def test_the_csv_has_every_paragraph_and_its_columns(files: dict[str, bytes]) -> None:
    lines = list(csv.DictReader(io.StringIO(files["controls.csv"].decode(), newline="")))
    assert {line["citation"] for line in lines} == {*(paragraph.citation for paragraph in HIPAA), "none"}
    assert {line["kind"] for line in lines} == {"standard", "required", "addressable", ""}
    assert {line["collected"] for line in lines} == {NOW.isoformat()}
    assert {line["severity"] for line in lines} >= {"critical", "high", "medium", "low"}


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_a_spreadsheet_takes_nothing_for_a_formula(value: str) -> None:
    lines = csv_of(finding(ASKED[0].slug, Status.PASS, value))
    assert [cell for line in lines for cell in line.values() if cell.startswith(("=", "+", "-", "@", "\t"))] == []


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


# The report's claims


def test_every_paragraph_that_is_assessed_is_listed_with_what_remains(files: dict[str, bytes]) -> None:
    page = files["report.html"].decode()
    _, _, rest = page.partition('<h3 id="shared">')
    listed = re.findall(r"<th scope=\"row\">(164\.\S+) ", rest.partition("</section>")[0])
    assert listed == [
        row.paragraph.citation for row in matrix(HIPAA, questions(ASKED, evidence().findings)) if row.covered
    ]
    assert {"164.312(b)", "164.312(d)"} <= set(listed)


def test_a_paragraph_is_only_said_to_pass_in_its_technical_part(files: dict[str, bytes]) -> None:
    overview = (
        files["report.html"].decode().partition('aria-label="Overview of the paragraphs"')[2].partition("</table>")
    )
    assert "✓ technical part passes" in overview[0]
    assert "✓ pass<" not in overview[0]


def test_the_report_says_what_cloudformation_told_and_whose_the_duties_are(files: dict[str, bytes]) -> None:
    page = files["report.html"].decode()
    for told in ("termination protection and drift", "<code>DeletionPolicy</code>", "<code>DependsOn</code>"):
        assert told in page
    assert "duties of your organisation, of AWS or of both; some paragraphs bind only certain entities" in page
    for false in ("not from CloudFormation", "duties of people", "No setting of this stack can meet"):
        assert false not in page


ENDPOINT = "http://127.0.0.1:4566"


def test_an_endpoint_that_is_not_aws_is_told_everywhere() -> None:
    files = bundle(evidence(foreign=(ENDPOINT,)))
    assert json.loads(files["versions.json"])["endpoint"] == ENDPOINT
    page = files["report.html"].decode()
    assert page.index("<strong>Not AWS.</strong>") < page.index("<dl")
    for name in ("catalog", "component-definition", "assessment-results"):
        [prop] = json.loads(files[f"oscal/{name}.json"])[name]["metadata"]["props"]
        assert (prop["name"], prop["value"]) == ("endpoint", ENDPOINT)


def test_aws_itself_needs_no_banner(files: dict[str, bytes]) -> None:
    assert json.loads(files["versions.json"])["endpoint"] == "AWS's own endpoints"
    assert b"Not AWS" not in files["report.html"]


def test_the_document_and_the_bundle_count_alike() -> None:
    """What docs/controls.md says of `prod` is what a bundle of `prod` assesses, live questions included."""
    facts = evidence("prod")
    live = [Finding(control=question.slug, status=Status.PASS) for question in QUESTIONS]
    rows = matrix(HIPAA, questions(ASKED, [*facts.findings, *live]))
    document = Path("docs/controls.md").read_text(encoding="utf-8")
    assert [row.paragraph.citation for row in rows if row.covered] == re.findall(
        r"^### (164\S+)", document, re.MULTILINE
    )
