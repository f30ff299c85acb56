"""How long `verify` takes, as a person types it, with 100 ms injected into every answer of the local account."""

from __future__ import annotations

import os
import subprocess
import sys

from measuring import seconds

from hipaa_pipeline import console
from hipaa_pipeline.local.server import LocalAccount, local_account

RUNS = 5
LATENCY_MS = 100
MAX_SECONDS = 2.5


def main() -> int:
    """Print the fastest and the slowest of some runs, without and with the latency; 1 when the slowest is too slow."""
    with local_account() as account:
        run(account, "deploy", "--yes")
        before = len(account.calls())
        plain = [run(account, "verify") for _ in range(RUNS)]
        calls = (len(account.calls()) - before) // RUNS
        account.add_fault(action="latency", milliseconds=LATENCY_MS)
        late = [run(account, "verify") for _ in range(RUNS)]
    console.result(f"verify, {calls} calls, {RUNS} runs                fastest  slowest")
    console.result(f"  answers at once                        {min(plain):6.2f} s {max(plain):6.2f} s")
    console.result(
        f"  every answer {LATENCY_MS} ms late (limit {MAX_SECONDS} s)  {min(late):6.2f} s {max(late):6.2f} s"
    )
    return int(max(late) > MAX_SECONDS)


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
    quiet = subprocess.DEVNULL
    return seconds(lambda: subprocess.run(command, env=environment, stdout=quiet, stderr=quiet, check=True))  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
