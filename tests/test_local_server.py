"""The account's process: starting, refusing to start, and never outliving whoever needs it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import socketserver
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import hipaa_pipeline
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.local import MINISTACK_VERSION
from hipaa_pipeline.local.server import (
    LocalAccount,
    ensure_running,
    local_account,
    running,
    running_or_started,
    stop_running,
)
from hipaa_pipeline.local.settings import Settings

SOURCES = Path(hipaa_pipeline.__file__).parents[1]


def python(code: str, *options: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [path, str(SOURCES)]))}
    return subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def ends(pid: int, seconds: float = 20.0) -> bool:
    """Whether a process is gone within a bound."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and is_alive(pid):
        time.sleep(0.05)
    return not is_alive(pid)


def test_answers_as_the_account_it_says(account: LocalAccount) -> None:
    identity = Session(account.connection).call("sts", "get_caller_identity")
    assert identity["Account"] == account.account_id == "111122223333"
    assert identity["Arn"] == "arn:aws:sts::111122223333:assumed-role/local-administrator/local"
    assert account.endpoint_url == f"http://127.0.0.1:{account.port}"
    assert account.admin("GET", "health")["ministack"] == MINISTACK_VERSION


def test_listens_on_the_loopback_interface_only(account: LocalAccount) -> None:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    port = f"{account.port:04X}"
    listening = {fields[1] for fields in map(str.split, lines) if fields[1].endswith(f":{port}") and fields[3] == "0A"}
    assert listening == {f"0100007F:{port}"}
    with socket.socket(socket.AF_INET6) as probe:
        probe.settimeout(1)
        assert probe.connect_ex(("::1", account.port)) != 0


def test_ends_with_its_block() -> None:
    with local_account(region="eu-central-1") as account:
        assert account.admin("GET", "health")["region"] == "eu-central-1"
        assert is_alive(account.pid)
    assert ends(account.pid)
    with pytest.raises(UserError, match="does not answer"):
        account.admin("GET", "health")


def test_an_occupied_port_is_said_with_the_next_command() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"127.0.0.1:{port}") as caught, local_account(port=port):
            pass
    assert caught.value.next_command == "hipaa-pipeline local serve --port 0"
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_process_that_dies_at_start_shows_its_last_words() -> None:
    with pytest.raises(UserError, match="explode") as caught, local_account(faults=[{"action": "explode"}]):
        pass
    assert caught.value.exit_code == ExitCode.FAILED


def test_an_unknown_quota_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="no quota vpc/L-NONE") as caught, local_account(quotas={"vpc/L-NONE": 1}):
        pass
    assert "vpc/L-F678F1CE" in caught.value.message
    assert caught.value.exit_code == ExitCode.USAGE


def test_another_version_of_ministack_is_refused(tmp_path: Path) -> None:
    information = tmp_path / "ministack-9.9.9.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: ministack\nVersion: 9.9.9\n")
    told = python(TRY_TO_START, path=str(tmp_path))
    assert told.stdout.splitlines() == [
        f"The local account needs MiniStack {MINISTACK_VERSION} exactly; 9.9.9 is installed.", "make install", "2",
    ]  # fmt: skip


def test_absent_ministack_is_refused() -> None:
    told = python(TRY_TO_START, "-S")
    assert told.stdout.splitlines() == [
        "The local account needs ministack, which is not installed.", "make install", "2",
    ]  # fmt: skip


TRY_TO_START = """
    from hipaa_pipeline.errors import UserError
    from hipaa_pipeline.local.server import local_account
    try:
        with local_account():
            pass
    except UserError as error:
        print(error.message, error.next_command, int(error.exit_code), sep="\\n")
"""


def test_dies_when_its_parent_is_killed() -> None:
    code = """
        import time
        from hipaa_pipeline.local.server import local_account
        with local_account() as account:
            print(account.pid, flush=True)
            time.sleep(60)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.send_signal(signal.SIGKILL)
        assert ends(pid)


def test_the_background_account_is_shared_by_commands_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert running() is None
    assert stop_running() is False
    first = ensure_running(region="us-east-1")
    Session(first).call("sns", "create_topic", Name="kept")
    second = ensure_running(region="us-east-1")
    assert second == first
    assert Session(second).call("sns", "list_topics")["Topics"] == [
        {"TopicArn": "arn:aws:sns:us-east-1:111122223333:kept"}
    ]
    account = running()
    assert account is not None
    assert stop_running() is True
    assert ends(account.pid)
    assert running() is None
    assert not (tmp_path / ".local-account/account.json").exists()


@pytest.mark.parametrize("in_the_way", [".local-account", ".local-account/lock/x"])
def test_a_directory_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_the_way: str
) -> None:
    """What stands in the way of the directory or file, as root may write everywhere."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / in_the_way).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / in_the_way).touch()
    reason = "Is a directory" if "lock" in in_the_way else "File exists"
    with pytest.raises(UserError) as caught:
        ensure_running()
    assert caught.value.message == (
        f"The local account is noted in .local-account/lock, which cannot be written: {reason}."
    )
    assert caught.value.next_command == "ls -ld . .local-account"


def test_the_background_account_ends_when_its_directory_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    account = running_or_started()
    (tmp_path / ".local-account/account.json").unlink()
    assert ends(account.pid)


def test_make_clean_ends_the_background_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    account = running_or_started()
    subprocess.run(["make", "--file", str(SOURCES.parent / "Makefile"), "clean"], check=True, timeout=60)
    assert ends(account.pid)
    assert not (tmp_path / ".local-account").exists()


def test_the_background_account_is_started_anew_when_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = running_or_started()
    os.kill(first.pid, signal.SIGKILL)
    second = running_or_started()
    assert second.pid != first.pid
    assert stop_running()


def test_a_state_file_that_names_a_stranger_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                           account: LocalAccount) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    state = tmp_path / ".local-account"
    state.mkdir()
    (state / "account.json").write_text(f'{{"port": {account.port}, "pid": 1}}')
    assert running() is None
    (state / "account.json").write_text("not JSON")
    assert running() is None


@contextlib.contextmanager
def stranger(answer: bytes) -> Iterator[int]:
    """A server on a port of its own that says this to whoever connects, whatever is asked."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def http(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.0 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


NOT_IT = "What answers on port {port} is not the local account."
STRANGERS = {
    "not HTTP": (b"220 mail.example.com ESMTP\r\n", NOT_IT),
    "cut short": (http(b"{}").replace(b": 2", b": 99"), NOT_IT),
    "a page": (http(b"<html></html>"), NOT_IT),
    "not text": (http(b"\xff\xfe\xfa"), NOT_IT),
    "a number": (http(b"1"), NOT_IT),
    "null": (http(b"null"), NOT_IT),
    "elsewhere": (http(b"<html></html>", "404 Not Found"), "The local account refused GET inventory: <html></html>"),
    "silence": (
        b"",
        "The local account on port {port} does not answer: Remote end closed connection without response.",
    ),
}
ANSWERS = {**{name: answer for name, (answer, _) in STRANGERS.items()}, "a list": http(b"[]"), "empty": http(b"{}")}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_stranger_on_the_noted_port_is_not_the_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".local-account").mkdir()
    with stranger(answer) as port:
        (tmp_path / ".local-account/account.json").write_text(f'{{"port": {port}, "pid": 1}}')
        assert running() is None


@pytest.mark.parametrize(("answer", "told"), STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_that_is_asked_for_something_is_told_in_a_sentence(answer: bytes, told: str) -> None:
    with stranger(answer) as port, pytest.raises(UserError) as caught:
        LocalAccount(port, 1, Settings()).admin("GET", "inventory")
    assert (caught.value.message, caught.value.next_command) == (told.format(port=port), "hipaa-pipeline local status")


@pytest.mark.parametrize(("method", "path"), [("GET", "nothing"), ("POST", "faults")])
def test_admin_requests_that_make_no_sense_are_refused(account: LocalAccount, method: str, path: str) -> None:
    with pytest.raises(UserError, match="refused"):
        account.admin(method, path, {})
