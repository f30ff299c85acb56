"""A deployment that is killed before its nth call: `python killed.py ENDPOINT NUMBER COMMAND`, started by a test."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from typing import Any

from hipaa_pipeline.aws.session import Connection
from scenario import Scenario

COUNT = itertools.count(1)


def main() -> None:
    """Deploy or destroy, and die as `kill -9` makes a process die: without a chance to clean up."""
    endpoint, number, command = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    scenario = Scenario(Connection("ap-southeast-1", None, endpoint, "local", "local"))

    def die(**_: Any) -> None:
        if next(COUNT) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    for service in ("cloudformation", "ec2", "rds", "kms"):
        scenario.session.client(service, "ap-southeast-1").meta.events.register("before-call", die)
    outcome = scenario.deploy({"DeletionProtection": "true"}) if command == "deploy" else scenario.destroy()
    sys.stdout.write(f"{outcome.result} after {next(COUNT) - 1} calls: nothing was left to be killed at\n")


if __name__ == "__main__":
    main()
