"""How long `verify` takes, as a person types it, with 100 ms injected into every answer of the local account."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from hipaa_pipeline.local.server import LocalAccount, local_account

RUNS = 5
LATENCY_MS = 100
MAX_SECONDS = 2.5


def main() -> None:
    """Print the fastest and the slowest of some runs, without and with the latency, and the number of calls."""
    with local_account() as account:
        run(account, "deploy", "--yes")
        before = len(account.calls())
        plain = [run(account, "verify") for _ in range(RUNS)]
        calls = (len(account.calls()) - before) // RUNS
        account.add_fault(action="latency", milliseconds=LATENCY_MS)
        late = [run(account, "verify") for _ in range(RUNS)]
    say(f"verify, {calls} calls, {RUNS} runs                fastest  slowest")
    say(f"  answers at once                        {min(plain):6.2f} s {max(plain):6.2f} s")
    say(f"  every answer {LATENCY_MS} ms late (limit {MAX_SECONDS} s)  {min(late):6.2f} s {max(late):6.2f} s")


def say(line: str) -> None:
    """A line of the table."""
    sys.stdout.write(line + "\n")


def run(account: LocalAccount, *arguments: str) -> float:
    """The seconds one command takes, from the start of its process to the end."""
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": account.endpoint_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": account.region,
    }
    command = [sys.executable, "-c", "from hipaa_pipeline.cli import main; main()", *arguments, "--env", "local"]
    begin = time.monotonic()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)  # noqa: S603
    return time.monotonic() - begin


if __name__ == "__main__":
    main()
