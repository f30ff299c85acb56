"""`plan`, `deploy` and `destroy` as a user meets them: the real template, a local account, formats and exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import click.testing
import pytest

from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.commands import deploy, destroy, plan
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.local.server import LocalAccount

TOPIC = "healthcare-alarm-topic-local"
ROOT = Path(__file__).parents[1]
COMMANDS = {"plan": plan.command, "deploy": deploy.command, "destroy": destroy.command}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the commands read, to be changed at will."""
    for name in ("parameters", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def in_a_local_account(checkout: Path, account: LocalAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": account.endpoint_url,
        "AWS_REGION": account.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }.items():
        monkeypatch.setenv(name, value)


def run(name: str, *arguments: str, environment: str = "local") -> click.testing.Result:
    """A command in this process, with its environment `local` unless said otherwise."""
    given = ["--env", environment, *arguments]
    outcome = click.testing.CliRunner().invoke(COMMANDS[name], given, standalone_mode=False)
    if outcome.exception:
        raise outcome.exception
    return outcome


def console_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The console script in a process of its own, without a terminal, as CI runs it."""
    code = "from hipaa_pipeline.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_life_in_every_format(account: LocalAccount) -> None:
    """Plan, deploy, deploy again, change, destroy: exit 0 each time, results on standard output only."""
    planned = json.loads(run("plan", "--format", "json").stdout)
    assert (planned["kind"], {change["kind"] for change in planned["changes"]}) == ("create", {"add"})
    assert planned["cost"]["before"] == 0 < planned["cost"]["after"]
    assert account.inventory() == {}

    created = run("deploy", "--yes", "--format", "json")
    document = json.loads(created.stdout)
    assert (created.return_value, document["result"]) == (ExitCode.GOOD, "created")
    assert len(document["changes"]) == len(planned["changes"])
    assert document["outputs"]["StreamName"] == "healthcare-record-stream-local"
    assert document["findings"]
    assert "Reading hipaa-pipeline-local back." in created.stderr

    again = run("deploy", "--yes", "--no-preflight", "--format", "junit")
    suite = ET.fromstring(again.stdout)
    assert again.return_value == ExitCode.GOOD
    assert suite.find(".//testcase[@name]") is not None
    assert suite.find(".//failure") is None
    assert run("plan").stdout == "hipaa-pipeline-local is already up to date.\n"
    assert json.loads(run("plan", "--format", "json").stdout)["kind"] == "none"

    parameters = Path("parameters/local.json")
    document = json.loads(parameters.read_text())
    document["Parameters"]["DatabaseStorageGiB"] = "40"
    parameters.write_text(json.dumps(document))
    lines = run("plan").stdout.splitlines()
    assert lines[0].startswith("update the stack hipaa-pipeline-local: ")
    assert lines[1] == "  parameter DatabaseStorageGiB: 20 -> 40"
    assert "  ~ modify Database AWS::RDS::DBInstance healthcare-database-local" in lines
    assert any(line.startswith("  Monthly cost: ") for line in lines)

    destroyed = run("destroy", "--yes", "--format", "json")
    document = json.loads(destroyed.stdout)
    assert (destroyed.return_value, document["result"]) == (ExitCode.GOOD, "destroyed")
    assert [one["presence"] for one in document["left"]] == ["ending"]
    assert [*account.inventory()] == ["kms.key_pending_deletion"]


def test_a_cost_that_is_not_known_stops_nothing(account: LocalAccount) -> None:
    run("deploy", "--yes", "--no-preflight")
    parameters = Path("parameters/local.json")
    document = json.loads(parameters.read_text())
    document["Parameters"]["StreamShards"] = "2"
    parameters.write_text(json.dumps(document))
    account.add_fault(service="cloudformation", operation="GetTemplate", action="deny")

    planned = json.loads(run("plan", "--format", "json").stdout)
    assert planned["cost"] is None
    assert planned["cost_unknown"].startswith("AWS refused cloudformation:GetTemplate: ")
    line = f"  Monthly cost: not known. {planned['cost_unknown']}"
    assert run("plan").stdout.splitlines()[-1] == line
    updated = run("deploy", "--yes", "--no-preflight", "--format", "json")
    assert json.loads(updated.stdout)["result"] == "updated"
    assert updated.return_value == ExitCode.UNKNOWN  # because reading back needs the template too
    assert line in updated.stderr.splitlines()


def test_a_failure_in_words(account: LocalAccount) -> None:
    account.add_fault(logical_id="Vpc", action="fail", message="The maximum number of VPCs has been reached.")
    outcome = run("deploy", "--yes", "--no-preflight")
    lines = outcome.stdout.splitlines()
    assert outcome.return_value == ExitCode.FAILED
    assert lines[0] == (
        "The creation of hipaa-pipeline-local ended with ROLLBACK_COMPLETE. What failed first: "
        "Vpc (AWS::EC2::VPC): The maximum number of VPCs has been reached."
    )
    assert lines[1] == "  cause:  quota"
    assert any("USD an hour while it was there" in line for line in lines)
    assert outcome.stderr.splitlines()[-1] == "next:  make deploy ENV=local"


def test_further_commands_lead_to_the_same_place(account: LocalAccount) -> None:
    account.add_fault(logical_id="Key", action="fail", message="Internal Failure")
    outcome = run("deploy", "--yes", "--no-preflight", "--region", "eu-central-1")
    assert outcome.stderr.splitlines()[-1] == 'next:  make deploy ENV=local ARGS="--region eu-central-1"'


def test_a_plan_that_cannot_be_carried_out_ends_with_1(checkout: Path, account: LocalAccount) -> None:
    run("deploy", "--yes", "--no-preflight")
    path = checkout / "parameters/local.json"
    document = json.loads(path.read_text())
    document["Parameters"]["DatabaseName"] = "records"
    path.write_text(json.dumps(document))
    planned = run("plan", "--format", "json")
    assert planned.return_value == ExitCode.FAILED
    changes = json.loads(planned.stdout)["changes"]
    assert [change["logical_id"] for change in changes if change["impossible"]] == ["Database"]
    assert planned.stderr.splitlines()[-1].startswith(
        "CloudFormation cannot replace a resource that keeps its explicit name: Database (AWS::RDS::DBInstance), by "
        "DBName (DatabaseName)."
    )


def test_what_was_deleted_by_hand_leads_to_verify_not_to_evidence(account: LocalAccount, session: Session) -> None:
    """Nothing to deploy, and yet not as it was promised: the next command and the remedy are those that help."""
    run("deploy", "--yes", "--no-preflight")
    session.call("sns", "delete_topic", TopicArn=f"arn:aws:sns:{account.region}:{account.account_id}:{TOPIC}")
    outcome = run("deploy", "--yes", "--no-preflight")
    assert outcome.return_value == ExitCode.FAILED
    assert outcome.stdout.splitlines()[0] == "hipaa-pipeline-local is already up to date."
    assert "--deployment-mode REVERT_DRIFT" in outcome.stdout
    assert outcome.stderr.splitlines()[-1] == "next:  make verify ENV=local"


def test_preflight_stops_what_would_fail(account: LocalAccount) -> None:
    account.fill({"vpc/L-F678F1CE": 5})
    before = account.inventory()
    outcome = run("deploy", "--yes")
    assert outcome.return_value == ExitCode.FAILED
    assert outcome.stdout.splitlines()[0] == (
        "Preflight foresees that this would fail (1 blocked), so nothing was done."
    )
    assert "hipaa-pipeline-local, what stands in the way" in outcome.stdout.splitlines()
    assert "read back" not in outcome.stdout
    assert outcome.stdout.splitlines()[-1].endswith("(1 finding, 1 control)")
    assert outcome.stderr.splitlines()[-1] == "next:  make preflight ENV=local"
    assert account.inventory() == before


@pytest.mark.parametrize("waived", [False, True])
def test_a_copied_environment_needs_waivers_of_its_own_before_anything_is_created(
    checkout: Path, account: LocalAccount, waived: bool
) -> None:
    """The controls are asked of the template first: nobody pays for a stack that ends red."""
    document = json.loads((checkout / "parameters/local.json").read_text())
    document["Parameters"]["EnvironmentSuffix"] = "staging"
    (checkout / "parameters/staging.json").write_text(json.dumps(document))
    waivers = checkout / "parameters/waivers.toml"
    if waived:
        waivers.write_text(waivers.read_text().replace('"local"', '"staging"'))
    outcome = run("deploy", "--yes", environment="staging")
    failed = [line.split()[1] for line in outcome.stdout.splitlines() if line.startswith("    rule:")]
    assert outcome.return_value == (ExitCode.GOOD if waived else ExitCode.FAILED)
    assert failed == ([] if waived else ["rds_multi_az", "rds_deletion_protection", "rds_in_backup_plan"])
    assert ("cloudformation.stack" in account.inventory()) is waived
    page = (checkout / "evidence/staging-quality.html").read_text()
    assert "Preflight, asked of the account" in page
    assert page.count("Finishing and read-back of the running stack") == int(waived)


@pytest.mark.parametrize("name", ["deploy", "destroy"])
def test_without_a_terminal_nothing_happens_unless_yes(account: LocalAccount, name: str) -> None:
    if name == "destroy":
        run("deploy", "--yes", "--no-preflight")
    before = account.inventory()
    with pytest.raises(UserError) as caught:
        run(name)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.next_command == "Run the same command with --yes."
    assert account.inventory() == before


@pytest.mark.parametrize(
    ("environment", "written", "changed", "code", "told"),
    [
        ("nope", "", {}, 2, "There is no environment 'nope'"),
        ("local", "{", {}, 2, "parameters/local.json is not valid JSON"),
        ("local", '{"Parameters": {"DatabaseStorageGiB": 40}}', {}, 2, "write it in quotes"),
        ("local", '{"Parameters": {"EnvironmentSuffix": "local", "StreamMode": "X"}}', {}, 2, "StreamMode"),
        ("local", "", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, 3, "AWS did not answer"),
        ("local", "", {"AWS_ENDPOINT_URL": "nonsense"}, 3, "AWS did not answer"),
        ("local", "", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, 2, "AWS credentials are missing"),
    ],
)
def test_bad_input_is_told_with_the_next_command(
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
    written: str,
    changed: dict[str, str],
    code: int,
    told: str,
) -> None:
    if written:
        (checkout / "parameters" / f"{environment}.json").write_text(written)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(checkout / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(checkout / "none"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
        if not value:
            monkeypatch.delenv(name)
    ended = console_script("deploy", "--env", environment, "--yes")
    assert (ended.returncode, ended.stdout) == (code, "")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("next:  ")
