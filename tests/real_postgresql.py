"""A real PostgreSQL server on loopback, with whatever settings a test wants, and the log it writes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from needs import need

INSTALL = "apt-get install postgresql-15 postgresql-15-pgaudit"
PASSWORD = "correct horse battery"
START_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class Server:
    """A running server: its programs, its port on 127.0.0.1, its log."""

    programs: Path
    port: int
    sockets: Path
    log: Path

    def psql(self, sql: str, *, user: str = "postgres", password: str = PASSWORD, database: str = "postgres") -> int:
        """Run statements over TLS, errors ignored; psql's exit code."""
        return self._run([self._program("psql"), "-X", "-q", "-c", sql], user, password, database)

    def pgbench(self, script: str, variables: Mapping[str, str]) -> int:
        """Run a script with its variables sent as bind values of the extended protocol."""
        path = self.sockets / "script.sql"
        path.write_text(script, encoding="utf-8")
        path.chmod(0o644)
        defined = [f"--define={name}={value}" for name, value in variables.items()]
        command = [self._program("pgbench"), "-n", "-M", "extended", "-t", "1", "-f", str(path), *defined]
        return self._run(command, "postgres", PASSWORD, "postgres")

    def answers(self, seconds: float) -> bool:
        """Whether the server answers a query, now or soon; settings may keep it from logging that it is ready."""
        deadline = time.monotonic() + seconds
        while self.psql("SELECT 1") != 0:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def logged(self) -> str:
        """What the server has logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def logged_with(self, text: str, seconds: float = 10.0) -> bool:
        """Whether the log holds a text, now or soon: a session's end is logged after its client has gone."""
        deadline = time.monotonic() + seconds
        while text not in self.logged():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _program(self, name: str) -> str:
        return str(self.programs / name)

    def _run(self, command: Sequence[str], user: str, password: str, database: str) -> int:
        environment = {
            **os.environ,
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": user,
            "PGPASSWORD": password,
            "PGDATABASE": database,
            "PGSSLMODE": "prefer",
            "PGCONNECT_TIMEOUT": "10",
        }
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
        return done.returncode


def programs() -> Path:
    """The directory of the newest server that has pgAudit; the test is skipped where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/lib/pgaudit.so"), key=lambda path: int(path.parts[4]))
    need(bool(found), "PostgreSQL with pgAudit", INSTALL)
    return found[-1].parents[1] / "bin"


@contextlib.contextmanager
def server(settings: Mapping[str, str], access: str) -> Iterator[Server]:
    """A server with these settings and these lines of pg_hba.conf, gone with its files at the end."""
    binaries = programs()
    home = Path(tempfile.mkdtemp(prefix="hipaa-postgresql-"))
    try:
        home.chmod(0o755)
        _own(home)
        _initialise(binaries, home)
        _certificate(home)
        (home / "data" / "pg_hba.conf").write_text(access, encoding="utf-8")
        with _running(binaries, home, settings) as running:
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _initialise(binaries: Path, home: Path) -> None:
    password = home / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    _own(password)
    command = [
        str(binaries / "initdb"), "-D", str(home / "data"), "-U", "postgres", "-A", "scram-sha-256",
        "--pwfile", str(password), "--no-locale", "-E", "UTF8", "--no-sync",
    ]  # fmt: skip
    subprocess.run(_as_postgres(command), check=True, capture_output=True, cwd=home, timeout=60)


def _certificate(home: Path) -> None:
    key, certificate = home / "data" / "server.key", home / "data" / "server.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    key.chmod(0o600)
    _own(key)
    _own(certificate)


@contextlib.contextmanager
def _running(binaries: Path, home: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    port = _free_port()
    own = {"port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(home), "ssl": "on",
           "fsync": "off", "logging_collector": "off"}  # fmt: skip
    options = [part for name, value in {**own, **settings}.items() for part in ("-c", f"{name}={value}")]
    command = [str(binaries / "postgres"), "-D", str(home / "data"), *options]
    log = home / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(_as_postgres(command), stdout=stream, stderr=subprocess.STDOUT, cwd=home)
    try:
        found = Server(binaries, port, home, log)
        assert found.answers(START_SECONDS), found.logged()
        yield found
    finally:
        process.terminate()
        process.wait(timeout=30)


def _as_postgres(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root: as the user that its package makes, then."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *command]


def _own(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, "postgres", "postgres")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
