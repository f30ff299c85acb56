"""`hipaa-pipeline local`, as typed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hipaa_pipeline.aws.session import Connection, Session
from hipaa_pipeline.local.server import LocalAccount, running
from hipaa_pipeline.local.settings import Settings


def typed(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    code = "from hipaa_pipeline.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "local", *arguments],
        cwd=directory, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def serving(tmp_path: Path) -> subprocess.Popen[str]:
    """An account served in the foreground with a quota of one VPC, as on macOS, which has no timed wait for signals."""
    code = "import signal; vars(signal).pop('sigtimedwait', None); from hipaa_pipeline.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "local", "serve", "--quota", "vpc/L-F678F1CE=1"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


def exported(serving: subprocess.Popen[str]) -> dict[str, str]:
    """The variables it says to export, once it is ready."""
    assert serving.stdout is not None
    lines = [serving.stdout.readline().strip() for _ in range(3)]
    return dict(word.split("=", 1) for line in lines for word in line.removeprefix("export ").split())


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_what_to_type_and_ends_on_control_c(serving: subprocess.Popen[str], end: signal.Signals) -> None:
    with serving:
        told = exported(serving)
        assert told["AWS_DEFAULT_REGION"] == "ap-southeast-1"
        session = Session(Connection("ap-southeast-1", None, told["AWS_ENDPOINT_URL"], "local", "local"))
        quota = session.call("service-quotas", "get_service_quota", ServiceCode="vpc", QuotaCode="L-F678F1CE")
        assert quota["Quota"]["Value"] == 1
        serving.send_signal(end)
        assert serving.wait(20) == 0
        assert serving.stderr is not None
        assert serving.stderr.read().splitlines()[1:] == []


def test_serve_says_so_when_the_account_is_gone(serving: subprocess.Popen[str]) -> None:
    with serving:
        port = int(exported(serving)["AWS_ENDPOINT_URL"].rpartition(":")[2])
        os.kill(LocalAccount(port, 0, Settings()).admin("GET", "health")["pid"], signal.SIGKILL)
        assert serving.wait(20) == 1
        assert serving.stderr is not None
        assert f"The local account on port {port} does not answer" in serving.stderr.read()


@pytest.mark.parametrize(
    "quota", ["vpc/L-F678F1CE", *(f"vpc/L-F678F1CE={value}" for value in ("many", "nan", "inf", "-5", "1e400", ""))]
)
def test_a_quota_that_is_no_number_is_refused(tmp_path: Path, quota: str) -> None:
    told = typed("serve", "--quota", quota, directory=tmp_path)
    assert told.returncode == 2
    assert "is not CODE=VALUE" in told.stderr
    assert "next:" in told.stderr


def test_status_and_stop_of_the_background_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed("status", directory=tmp_path).returncode == 1
    assert typed("stop", directory=tmp_path).stdout == "not running\n"
    start = "from hipaa_pipeline.local.server import ensure_running; ensure_running()"
    subprocess.run([sys.executable, "-W", "error", "-c", start], cwd=tmp_path, timeout=60, check=True)
    monkeypatch.chdir(tmp_path)
    account = running()
    assert account is not None
    Session(account.connection).call("sns", "create_topic", Name="t")
    shown = typed("status", directory=tmp_path)
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[0].startswith(f"running at {account.endpoint_url}")
    assert "sns.topic: 1" in shown.stdout
    assert typed("stop", directory=tmp_path).stdout == "stopped\n"
    assert running() is None
