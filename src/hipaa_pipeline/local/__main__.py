"""The account's own process: `python -m hipaa_pipeline.local`, started by `server`, never by hand.

It serves the socket it is given, says `{"ready": true}` or `{"error": why}` on standard output, and ends when its
parent does (standard input closes, also when the parent is killed) or, detached, when its state file no longer names
it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from hipaa_pipeline.errors import ExitCode
from hipaa_pipeline.local.settings import Settings

STATE_FILE_SECONDS = 30.0
STATE_FILE_CHECK_SECONDS = 0.5


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m hipaa_pipeline.local", description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="a bound loopback socket's file descriptor")
    parser.add_argument("--settings", type=Settings.from_json, default=Settings())
    parser.add_argument("--state", type=Path, help="live as long as this file names this process")
    arguments = parser.parse_args()
    if arguments.state:
        threading.Thread(target=_end_without_state, args=(arguments.state,), daemon=True).start()
    else:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    port = socket.socket(fileno=os.dup(arguments.socket)).getsockname()[1]
    os.environ.update(environment(arguments.settings, port))
    sys.modules["docker"] = None  # type: ignore[assignment]  # MiniStack never starts a container, and starts sooner.
    asyncio.run(_serve(arguments.settings, arguments.socket))


def environment(settings: Settings, port: int) -> dict[str, str]:
    """The environment MiniStack reads when it is imported: loopback only, nothing persisted, no other listener."""
    return {
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": settings.region,
        "MINISTACK_ACCOUNT_ID": settings.account_id,
        "AUTH": "false",
        "PERSIST_STATE": "0",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": os.environ.get("HIPAA_PIPELINE_LOCAL_LOG", "CRITICAL"),
    }


async def _serve(settings: Settings, descriptor: int) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from hipaa_pipeline.local import extend
    from hipaa_pipeline.local.gateway import Gateway
    from hipaa_pipeline.local.quotas import UnknownQuotaError

    stop = asyncio.Event()
    try:
        account = extend.install(settings)
    except UnknownQuotaError as error:
        _say({"error": str(error)})
        os._exit(ExitCode.USAGE)
    gateway = Gateway(account, stop=stop.set, ready=lambda: _say({"ready": True}))
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.2
    config.errorlog = None
    await serve(gateway, config, shutdown_trigger=stop.wait)
    os._exit(0)  # MiniStack's worker threads are not daemons; nothing is left to do.


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    while sys.stdin.buffer.read(1024):
        pass
    os._exit(0)


def _end_without_state(path: Path) -> None:
    """A detached account ends when its state file is removed or taken over, so that none is left behind."""
    deadline = time.monotonic() + STATE_FILE_SECONDS
    while not _named_in(path) and time.monotonic() < deadline:
        time.sleep(STATE_FILE_CHECK_SECONDS)
    while _named_in(path):
        time.sleep(STATE_FILE_CHECK_SECONDS)
    os._exit(0)


def _named_in(path: Path) -> bool:
    try:
        state: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(state.get("pid") == os.getpid())


if __name__ == "__main__":
    main()
