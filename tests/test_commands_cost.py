from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import click.testing
import pytest

from hipaa_pipeline.commands.cost import command
from hipaa_pipeline.cost.lock import LOCK_PATH, load_lock
from hipaa_pipeline.errors import UserError
from price_server import PriceServer, price_server

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def in_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("AWS_REGION", "ap-southeast-1")


@pytest.fixture
def server() -> Iterator[PriceServer]:
    with price_server() as running:
        yield running


def run(*arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(command, arguments, standalone_mode=False)


def test_json_is_the_contract() -> None:
    outcome = run("--env", "dev", "--format", "json")

    assert outcome.return_value == 0
    result = json.loads(outcome.stdout)
    assert list(result) == ["currency", "as_of", "monthly", "items", "unpriced", "assumptions"]
    assert result["assumptions"]["region"] == "ap-southeast-1"


def test_a_flag_changes_the_estimate_and_is_shown() -> None:
    outcome = run("--env", "dev", "--kms-requests", "1e6", "--format", "json")

    result = json.loads(outcome.stdout)
    assert result["assumptions"]["kms_requests"] == 1_000_000
    assert {item["item"]: item["monthly"] for item in result["items"]}["key requests"] == 3.0


def test_text_ends_with_what_was_assumed_and_is_free() -> None:
    outcome = run("--env", "dev", "--compare-first-attempt")

    assert "  --events-per-day 100000: records put into the stream each day" in outcome.stdout
    assert "free allowances each month are not subtracted" in outcome.stdout
    assert "The first attempt said about 39 USD a month." in outcome.stdout


def test_the_comparison_as_json() -> None:
    outcome = run("--env", "dev", "--compare-first-attempt", "--format", "json")

    assert sum(part["said"] for part in json.loads(outcome.stdout)["first_attempt"]) == 39


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--env", "nowhere"], "There is no environment 'nowhere'"),
        (["--region", "mars-1"], "'mars-1' is no AWS Region"),
        (["--region", "me-central-9"], "The price lock has no Region 'me-central-9'"),
        (["--flow-log-gb", "-1"], "--flow-log-gb is -1: an amount cannot be negative"),
        (["--prices", "missing.json"], "cannot be read"),
        (["--refresh", "--base-url", "http://pricing.example"], "is not an https address"),
    ],
)
def test_bad_input_gets_a_sentence(arguments: list[str], message: str) -> None:
    outcome = run(*arguments)

    assert isinstance(outcome.exception, UserError)
    assert message in outcome.exception.message
    assert outcome.exception.exit_code == 2


def test_what_is_no_number_is_a_usage_error() -> None:
    outcome = run("--flow-log-gb", "much")

    assert isinstance(outcome.exception, click.UsageError)
    assert "'much' is not a number." in outcome.exception.message


def test_an_old_price_warns_and_fails_when_asked(tmp_path: Path) -> None:
    document = json.loads(LOCK_PATH.read_text())
    document["regions"]["ap-southeast-1"]["kms_key_month"]["date"] = "2020-02-29"
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(document))

    warned = run("--env", "dev", "--prices", str(path))
    failed = run("--env", "dev", "--prices", str(path), "--fail-if-stale")

    assert warned.return_value == 0
    assert "older than 180 days, the oldest of 2020-02-29." in warned.stderr
    assert isinstance(failed.exception, UserError)
    assert failed.exception.exit_code == 1


def test_a_refresh_replaces_the_lock_and_shows_what_changed(server: PriceServer, tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    shutil.copy(LOCK_PATH, path)

    outcome = run("--refresh", "--region", "ap-southeast-1", "--base-url", server.url, "--prices", str(path))

    assert outcome.return_value == 0
    assert "ap-southeast-1  kinesis_shard_hour  0.0184 -> 0.019\n" in outcome.stdout
    assert load_lock(path).in_region("ap-southeast-1")["logs_vended_gb"].price > 0
    assert load_lock(path).in_region("us-east-1") == load_lock().in_region("us-east-1")


def test_a_refresh_that_fails_leaves_the_lock_alone(server: PriceServer, tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    shutil.copy(LOCK_PATH, path)
    server.replace("AmazonVPC", "0.0130000000", "dear")

    outcome = run("--refresh", "--region", "ap-southeast-1", "--base-url", server.url, "--prices", str(path))

    assert isinstance(outcome.exception, UserError)
    assert "vpc_endpoint_hour in ap-southeast-1: 'dear' is not a price. The price lock was not changed." in str(
        outcome.exception.message
    )
    assert path.read_bytes() == LOCK_PATH.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["prices.json"]


def test_the_changes_of_a_refresh_as_json(server: PriceServer, tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    shutil.copy(LOCK_PATH, path)
    arguments = ["--refresh", "--region", "ap-southeast-1", "--base-url", server.url, "--prices", str(path)]

    outcome = run(*arguments, "--format", "json")

    assert {
        "region": "ap-southeast-1",
        "slug": "kinesis_shard_hour",
        "before": "0.0184",
        "after": "0.019",
    } in json.loads(outcome.stdout)


def test_stale_prices_are_told_with_what_can_be_typed(tmp_path: Path) -> None:
    """The price lock that was used is the one to refresh."""
    path = tmp_path / "prices.json"
    path.write_text(LOCK_PATH.read_text().replace('"date": "20', '"date": "19'))
    refused = run("--env", "dev", "--prices", str(path), "--fail-if-stale").exception
    assert isinstance(refused, UserError)
    refresh = f'make cost ARGS="--refresh --region ap-southeast-1 --prices {path}"'
    assert refused.next_command == refresh
    assert run("--env", "dev", "--prices", str(path)).stderr.endswith(f"\nnext:  {refresh}\n")
