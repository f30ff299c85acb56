"""`evidence` and the end of `deploy`, from the command line to the files, on the local account."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from hipaa_pipeline import cli
from hipaa_pipeline.configuration import PARAMETERS_DIRECTORY, TEMPLATE_PATH
from hipaa_pipeline.errors import UserError
from hipaa_pipeline.evidence.oscal import check
from hipaa_pipeline.local.server import LocalAccount, local_account


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the template and the parameter files, as a clone has them."""
    path = tmp_path_factory.mktemp("place")
    shutil.copytree(PARAMETERS_DIRECTORY, path / PARAMETERS_DIRECTORY)
    shutil.copytree(TEMPLATE_PATH.parent, path / TEMPLATE_PATH.parent)
    return path


@pytest.fixture(scope="module")
def own_account() -> Iterator[LocalAccount]:
    with local_account() as account:
        yield account


@pytest.fixture(autouse=True)
def here(place: Path, own_account: LocalAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("AWS_ENDPOINT_URL", own_account.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_REGION", own_account.region)


def run(*arguments: str) -> int:
    return int(cli.group.main(list(arguments), standalone_mode=False))


@pytest.fixture(scope="module")
def deployed(place: Path, own_account: LocalAccount) -> Path:
    """The local environment, deployed by the command; its quality report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("AWS_ENDPOINT_URL", own_account.endpoint_url)
        patch.setenv("AWS_ACCESS_KEY_ID", "local")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        patch.setenv("AWS_REGION", own_account.region)
        assert run("deploy", "--env", "local", "--yes") == 0
    return place / "evidence" / "local-quality.html"


@pytest.mark.usefixtures("deployed")
def test_a_bundle_is_written_and_checks(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("evidence", "--env", "local", "--output", "one", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["findings"]["fail"] == told["findings"]["unknown"] == 0
    assert run("evidence", "--verify", "one", "--sha256", told["manifest_sha256"]) == 0
    assert capsys.readouterr().out == "one is as it was written.\n"
    assert run("evidence", "--verify", "one") == 0
    assert capsys.readouterr().out == "one is as its manifest says.\n"
    with (Path("one") / "controls.csv").open("a", encoding="utf-8") as stream:
        stream.write("more")
    assert run("evidence", "--verify", "one", "--format", "json") == 1
    assert json.loads(capsys.readouterr().out)["problems"] == ["controls.csv was changed."]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--verify", "one", "--sha256", ""), "it has 64 hexadecimal digits, as `evidence` printed them."),
        (("--verify", "one", "--sha256", "abc"), "it has 64 hexadecimal digits, as `evidence` printed them."),
        (("--sha256", "0" * 64), "--sha256 goes with --verify."),
        (
            ("--verify", "one", "--output", "two"),
            "--verify checks a bundle and writes none: --output and --drill do not go with it.",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: tuple[str, ...], message: str) -> None:
    """An empty hash, as of a variable that was not set, would pass as a check that was made."""
    with pytest.raises(click.UsageError) as caught:
        run("evidence", *arguments)
    assert caught.value.message == message


@pytest.mark.usefixtures("deployed")
def test_a_bundle_tells_of_the_deployment() -> None:
    run("evidence", "--env", "local", "--output", "two", "--no-drift")
    bundle = Path("two")
    changes = json.loads((bundle / "change-set.json").read_text(encoding="utf-8"))["Changes"]
    expected = json.loads((bundle / "expected.json").read_text(encoding="utf-8"))["resources"]
    assert {change["ResourceChange"]["LogicalResourceId"] for change in changes} >= set(expected)
    events = json.loads((bundle / "events.json").read_text(encoding="utf-8"))
    assert {event["logical_id"] for event in events if event["status"] == "CREATE_COMPLETE"} >= set(expected)
    live = json.loads((bundle / "live.json").read_text(encoding="utf-8"))["resources"]
    assert set(live) == set(expected)
    documents = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (bundle / "oscal").iterdir()}
    paths = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*")}
    assert check.problems(documents, paths) == []


@pytest.mark.usefixtures("deployed")
def test_a_drill_is_in_the_bundle(own_account: LocalAccount, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evidence", "--env", "local", "--output", "drilled", "--no-drift", "--drill", "--yes") == 0
    findings = json.loads((Path("drilled") / "findings.json").read_text(encoding="utf-8"))
    rung = [one["resource"] for one in findings if one["control"] == "cloudwatch_alarm_drill"]
    assert "IteratorAgeAlarm" in rung
    origin = json.loads((Path("drilled") / "versions.json").read_text(encoding="utf-8"))
    assert origin["endpoint"] == own_account.endpoint_url
    assert "nothing was rung" not in capsys.readouterr().err.lower()


@pytest.mark.usefixtures("deployed")
def test_a_drill_is_asked_for_first() -> None:
    with pytest.raises(UserError, match="Ring every alarm of hipaa-pipeline-local in "):
        run("evidence", "--env", "local", "--output", "undrilled", "--no-drift", "--drill")
    assert not Path("undrilled").exists()


@pytest.mark.usefixtures("deployed")
def test_without_output_the_directory_is_dated(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("evidence", "--env", "local", "--no-drift") == 0
    report = Path(capsys.readouterr().out.splitlines()[0])
    assert report.is_file()
    assert report.parent.parent == Path("evidence")


@pytest.mark.usefixtures("deployed")
def test_evidence_is_not_overwritten() -> None:
    Path("three").mkdir()
    (Path("three") / "kept").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match="not overwritten"):
        run("evidence", "--env", "local", "--output", "three", "--no-drift")
    assert [path.name for path in Path("three").iterdir()] == ["kept"]


def test_without_a_stack_the_next_command_is_told() -> None:
    with pytest.raises(UserError, match="There is no stack hipaa-pipeline-prod") as caught:
        run("evidence", "--env", "prod", "--output", "four")
    assert caught.value.next_command == "make deploy ENV=prod"
    with pytest.raises(UserError, match="There is no stack hipaa-pipeline-prod"):
        run("verify", "--env", "prod")


def test_the_quality_report_has_the_gates(deployed: Path, own_account: LocalAccount) -> None:
    page = deployed.read_text(encoding="utf-8")
    for text in (
        "Deployment of hipaa-pipeline-local", "Controls, asked of the template", "Preflight, asked of the account",
        "Finishing and read-back of the running stack", "created in", "to add", "RecordStream", "USD",
        "<strong>Not AWS.</strong>", own_account.endpoint_url,
    ):  # fmt: skip
        assert text in page
    assert "What needs attention" not in page
