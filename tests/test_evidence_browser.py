"""The HTML report in headless Chromium: light, dark and printed, by keyboard, judged by axe-core."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from evidence_facts import NOW, evidence
from hipaa_pipeline.evidence.bundle import bundle
from hipaa_pipeline.evidence.quality import Quality, html
from needs import need

BROWSER = Path(__file__).parent / "browser"
APPEARANCES = ("light", "dark", "print")


def look_at(page: Path, appearance: str, profile: Path) -> dict[str, Any]:
    """What `check.mjs` tells of a page."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or ""
    need(bool(chromium), "Chromium", "apt-get install chromium")
    need(shutil.which("node") is not None, "Node.js", "apt-get install nodejs npm")
    need((BROWSER / "node_modules" / "axe-core").exists(), "axe-core", "npm ci --prefix tests/browser")
    command = ["node", "check.mjs", chromium, str(page), appearance, str(profile)]
    done = subprocess.run(command, cwd=BROWSER, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(bundle(evidence(foreign=("http://127.0.0.1:4566",)))["report.html"])
    return path


@pytest.mark.parametrize("appearance", APPEARANCES)
def test_the_report(report: Path, tmp_path: Path, appearance: str) -> None:
    found = look_at(report, appearance, tmp_path / "profile")
    assert (found["console"], found["errors"], found["requests"]) == ([], [], [])
    assert found["violations"] == []
    assert found["passes"] > 20
    assert found["title"] == "HIPAA evidence: hipaa-pipeline-dev"
    assert [height > 100 for height in found["pictures"]] == [True]
    assert not found["wider_than_the_page"]
    assert found["folded_is_visible"] is (appearance == "print")
    main = [heading for heading in found["headings"] if not heading.startswith("164.")]
    assert main[:10] == [
        "HIPAA evidence for hipaa-pipeline-dev", "Summary", "Needs attention", "Architecture", "Control matrix",
        "Waivers", "Not covered, and whose duty it is", "Covered in part", "The last deployment", "Cost",
    ]  # fmt: skip
    if appearance != "print":
        assert (found["first_focus"], found["after_skip"]) == ("#content", "content")
        assert found["opened_by_keyboard"]
        assert found["background"] == {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 20, 25)"}[appearance]


def test_the_quality_report(tmp_path: Path) -> None:
    facts = evidence()
    page = tmp_path / "quality.html"
    report_of = Quality(
        environment="dev",
        stack_name="hipaa-pipeline-dev",
        account_id="111122223333",
        region="ap-southeast-1",
        time=NOW,
        foreign=("http://127.0.0.1:4566",),
        result="created",
        failed=False,
        judged={"Controls, asked of the template": facts.findings, "Preflight, asked of the account": []},
        changes=["48 to add", "replace Key<b> (AWS::KMS::Key)"],
        events=facts.events,
        cost=facts.cost,
    )
    page.write_text(html(report_of), encoding="utf-8")
    found = look_at(page, "dark", tmp_path / "profile")
    assert (found["console"], found["errors"], found["requests"], found["violations"]) == ([], [], [], [])
    assert found["headings"] == ["Deployment of hipaa-pipeline-dev", "Gates", "Deployment", "Cost"]


def test_a_page_with_faults_is_found_out(tmp_path: Path) -> None:
    """So that the report's clean bill means something."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<!DOCTYPE html><html><head><title>bad</title></head><body><a href='#content'>skip</a><main id=content>"
        "<svg role=img></svg><p style='color:#eee;background:#fff'>pale</p><img src='other.png'>"
        "<details><summary>more</summary><table><tr><td>x</td></tr></table></details></main>"
        "<script>console.error('broken');undefined.x</script></body></html>",
        encoding="utf-8",
    )
    found = look_at(page, "light", tmp_path / "profile")
    assert any("broken" in text for text in found["console"])
    assert found["errors"] != []
    assert [Path(url).name for url in found["requests"]] == ["other.png"]
    assert {violation["id"] for violation in found["violations"]} >= {"html-has-lang", "image-alt", "color-contrast"}
