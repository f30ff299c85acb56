"""Start, find and stop local accounts: the caller's side of the process in `__main__`.

`local_account` gives one for a `with` block; `ensure_running` one that outlives the command, noted in
`.local-account/account.json` of the working directory, so that `make deploy`, `make verify` and `make destroy` with
ENV=local meet the same account. Both listen on 127.0.0.1 only, on a port the system chooses.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import http.client
import importlib.metadata
import json
import select
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from hipaa_pipeline.aws.session import Connection
from hipaa_pipeline.configuration import DEFAULT_REGION
from hipaa_pipeline.errors import ExitCode, UserError
from hipaa_pipeline.local import MINISTACK_VERSION
from hipaa_pipeline.local.settings import Settings

STATE_DIRECTORY = Path(".local-account")
START_SECONDS = 30.0
STOP_SECONDS = 5.0
ANSWER_SECONDS = 10.0
_LAST_LINES = 15
_STATUS = "hipaa-pipeline local status"


@dataclasses.dataclass(frozen=True)
class LocalAccount:
    """A running local account: where it answers, and its admin endpoints as methods."""

    port: int
    pid: int
    settings: Settings

    @property
    def endpoint_url(self) -> str:
        """What AWS_ENDPOINT_URL names."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def account_id(self) -> str:
        """The account's number."""
        return self.settings.account_id

    @property
    def region(self) -> str:
        """The Region it was started for; others work as well, each with its own resources."""
        return self.settings.region

    @property
    def connection(self) -> Connection:
        """How to call it: any credentials do."""
        return Connection(self.region, None, self.endpoint_url, "local", "local")

    def inventory(self) -> dict[str, list[str]]:
        """What is in the account by `service.kind`; see `local.inventory`."""
        answer: dict[str, list[str]] = self.admin("GET", "inventory")
        return answer

    def add_fault(self, **fault: Any) -> int:
        """Put a fault in force (see `local.faults`); its number."""
        return int(self.admin("POST", "faults", fault)["number"])

    def clear_faults(self, number: int | None = None) -> None:
        """Remove one fault, or all."""
        self.admin("DELETE", "faults" if number is None else f"faults/{number}")

    def set_quotas(self, quotas: Mapping[str, float]) -> None:
        """Change applied quotas by `service/code`."""
        self.admin("PUT", "quotas", dict(quotas))

    def approve_increases(self) -> list[str]:
        """Grant every pending quota increase; the quotas granted."""
        granted: list[str] = self.admin("POST", "quotas/approve")["approved"]
        return granted

    def confirm_subscriptions(self) -> list[str]:
        """Let the owner of each pending subscription confirm it; their ARNs."""
        confirmed: list[str] = self.admin("POST", "subscriptions/confirm")["confirmed"]
        return confirmed

    def fill(self, usage: Mapping[str, int]) -> None:
        """Use quotas up (`{"vpc/L-F678F1CE": 5}`) with resources as other teams may have them; see `local.fill`."""
        self.admin("POST", "fill", dict(usage))

    def calls(self) -> list[str]:
        """`service.Operation` of each request since the last reset, in the order they arrived."""
        answer: list[str] = self.admin("GET", "calls")
        return answer

    def set_creation_delay(self, milliseconds: int) -> None:
        """Let every stack resource take this long from now on."""
        self.admin("POST", "settings", {"creation_delay_ms": milliseconds})

    def reset(self) -> None:
        """Forget everything that happened since the start."""
        self.admin("POST", "reset")

    def admin(self, method: str, path: str, document: Any = None) -> Any:
        """An admin request's answer (see `local.admin`), about the account's Region.

        Raises UserError when it is refused or not answered.
        """
        return _admin(self.port, method, path, document, self.region)


@contextlib.contextmanager
def local_account(
    *,
    region: str = DEFAULT_REGION,
    port: int = 0,
    quotas: Mapping[str, float] | None = None,
    faults: Iterable[Mapping[str, Any]] = (),
    creation_delay_ms: int = 0,
) -> Iterator[LocalAccount]:
    """A local account for the block, in its own process, which ends with the block or with this process.

    Raises UserError when MiniStack is absent or of another version, the port is taken, or the process does not start.
    """
    settings = Settings(
        region=region, quotas=dict(quotas or {}), faults=tuple(faults), creation_delay_ms=creation_delay_ms
    )
    require_ministack()
    with tempfile.TemporaryFile() as log:
        with _bound_socket(port) as listener:
            bound = listener.getsockname()[1]
            process = _start(settings, listener, log)
        try:
            _await_ready(process, log)
            yield LocalAccount(bound, process.pid, settings)
        finally:
            _end(process)


def ensure_running(*, region: str = DEFAULT_REGION) -> Connection:
    """The working directory's own local account, started in the background unless it runs already.

    Raises UserError as `local_account` does.
    """
    return running_or_started(region=region).connection


def running_or_started(*, region: str = DEFAULT_REGION) -> LocalAccount:
    """As `ensure_running`, but the account itself."""
    with _state_file("lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        account = running()
        return dataclasses.replace(account, settings=Settings(region=region)) if account else _start_detached(region)


def running() -> LocalAccount | None:
    """The working directory's local account if it answers and is of this version; None otherwise."""
    try:
        state = json.loads((STATE_DIRECTORY / "account.json").read_text(encoding="utf-8"))
        health = _admin(int(state["port"]), "GET", "health")
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None
    if (
        not isinstance(health, dict)
        or health.get("pid") != state.get("pid")
        or health.get("ministack") != MINISTACK_VERSION
    ):
        return None
    return LocalAccount(int(state["port"]), int(state["pid"]), Settings(region=health["region"]))


def stop_running() -> bool:
    """End the working directory's local account and wait for its end; whether there was one."""
    account = running()
    if account is None:
        return False
    account.admin("POST", "stop")
    (STATE_DIRECTORY / "account.json").unlink(missing_ok=True)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and _listens(account.port):
        time.sleep(0.02)
    return True


def require_ministack() -> None:
    """Raise UserError unless exactly the MiniStack this package was written for is installed."""
    try:
        installed = importlib.metadata.version("ministack")
        importlib.metadata.version("hypercorn")
    except importlib.metadata.PackageNotFoundError as error:
        raise UserError(
            f"The local account needs {error.name}, which is not installed.", "make install", ExitCode.USAGE
        ) from error
    if installed != MINISTACK_VERSION:
        raise UserError(
            f"The local account needs MiniStack {MINISTACK_VERSION} exactly; {installed} is installed.",
            "make install",
            ExitCode.USAGE,
        )


def _bound_socket(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)  # Who connects before the process is up is queued rather than refused.
    except (OSError, OverflowError) as error:
        listener.close()
        raise UserError(
            f"The local account cannot listen on 127.0.0.1:{port}: {error}.", "hipaa-pipeline local serve --port 0"
        ) from error
    return listener


def _start(
    settings: Settings, listener: socket.socket, log: IO[bytes], state: Path | None = None
) -> subprocess.Popen[bytes]:
    """The account's process, with the bound socket handed over. Detached when it is given a state file."""
    command = [sys.executable, "-m", "hipaa_pipeline.local", "--socket", str(listener.fileno())]
    command += ["--settings", settings.to_json(), *(["--state", str(state.resolve())] if state else [])]
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        command,
        stdin=subprocess.DEVNULL if state else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        pass_fds=[listener.fileno()],
        start_new_session=True,  # Ctrl-C is for the command; the account ends when its caller does.
    )


def _await_ready(process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    """Wait for the process to say that it is ready. Raises UserError with its last words when it does not."""
    pipe = process.stdout
    assert pipe is not None  # noqa: S101 - a pipe was asked for
    ready, _, _ = select.select([pipe], [], [], START_SECONDS)
    said = json.loads(pipe.readline() or "{}") if ready else {}
    if "error" in said:
        raise UserError(said["error"], "hipaa-pipeline local serve --help")
    if said:
        return
    _end(process)
    log.seek(0)
    lines = log.read().decode(errors="replace").splitlines()[-_LAST_LINES:]
    how = f"ended with code {process.returncode}" if ready else f"was not ready within {START_SECONDS:.0f} s"
    raise UserError("\n".join([f"The local account {how}.", *lines]), "make install", ExitCode.FAILED)


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


def _start_detached(region: str) -> LocalAccount:
    require_ministack()
    settings = Settings(region=region)
    state = STATE_DIRECTORY / "account.json"
    with _state_file("account.log") as log:
        with _bound_socket(0) as listener:
            port = listener.getsockname()[1]
            process = _start(settings, listener, log, state)
        with _state_file(state.name) as noted:
            told = {"port": port, "pid": process.pid, "ministack": MINISTACK_VERSION}
            noted.write(json.dumps(told).encode() + b"\n")
        _await_ready(process, log)
    pipe = process.stdout
    if pipe is not None:
        pipe.close()
    process.returncode = 0  # It is left to run: nobody waits for it, and Python must not warn about that.
    return LocalAccount(port, process.pid, settings)


def _state_file(name: str) -> IO[bytes]:
    """A file of the state directory, emptied. Raises UserError where the working directory cannot be written."""
    path = STATE_DIRECTORY / name
    try:
        STATE_DIRECTORY.mkdir(exist_ok=True)
        return path.open("w+b")
    except OSError as error:
        raise UserError(
            f"The local account is noted in {path}, which cannot be written: {error.strerror}.",
            f"ls -ld . {STATE_DIRECTORY}",
        ) from error


def _admin(port: int, method: str, path: str, document: Any = None, region: str = DEFAULT_REGION) -> Any:
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/_hipaa/{path}", data=body, method=method)
    # Said where MiniStack looks for the Region: in the scope of a signature.
    request.add_header("Authorization", f"AWS4-HMAC-SHA256 Credential=local/20260101/{region}/hipaa/aws4_request")
    try:
        status, told = _exchanged(request)
    except OSError as error:
        raise UserError(
            f"The local account on port {port} does not answer: {error}.", _STATUS, ExitCode.FAILED
        ) from error
    except http.client.HTTPException as error:
        raise _stranger(port) from error
    if status != http.HTTPStatus.OK:
        raise UserError(f"The local account refused {method} {path}: {told.decode(errors='replace')}", _STATUS)
    try:
        answer = json.loads(told)
    except ValueError as error:
        raise _stranger(port) from error
    if not isinstance(answer, dict | list):
        raise _stranger(port)
    return answer


def _exchanged(request: urllib.request.Request) -> tuple[int, bytes]:
    """Status and body of the answer, whatever it says. Raises OSError or HTTPException when there is none."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def _stranger(port: int) -> UserError:
    return UserError(f"What answers on port {port} is not the local account.", _STATUS, ExitCode.FAILED)


def _listens(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
