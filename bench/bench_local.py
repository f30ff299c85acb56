"""The local account: starting its process, deploying the whole template in it, forgetting everything."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from measuring import seconds

from hipaa_pipeline import console
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment
from hipaa_pipeline.local.server import LocalAccount, local_account

RUNS = 5


def main() -> int:
    """Print the table."""
    console.result("the local account (wall-clock seconds, best of several runs)")
    console.result(f"  start until it answers         {min(_start_seconds() for _ in range(RUNS)):7.2f}")
    with local_account() as account:
        session = Session(account.connection)
        _deploy(session)
        console.result(f"  one read (describe_vpcs)       {best(lambda: session.call('ec2', 'describe_vpcs')):7.3f}")
        console.result(f"  the template, change set to CREATE_COMPLETE {_deploy_seconds(account, session):7.2f}")
        console.result(f"  reset                          {best(account.reset):7.3f}")
    return 0


def best(action: Callable[[], object]) -> float:
    """The least time (s) of some runs."""
    return min(seconds(action) for _ in range(RUNS))


def _start_seconds() -> float:
    started = time.perf_counter()
    with local_account() as account:
        account.admin("GET", "health")
        return time.perf_counter() - started


def _deploy_seconds(account: LocalAccount, session: Session) -> float:
    times = []
    for _ in range(RUNS):
        account.reset()
        times.append(seconds(lambda: _deploy(session)))
    return min(times)


def _deploy(session: Session) -> None:
    configuration = load_environment("local")
    name = configuration.stack_name
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in configuration.parameters.items()]
    session.call(
        "cloudformation", "create_change_set", StackName=name, ChangeSetName="c", ChangeSetType="CREATE",
        TemplateBody=TEMPLATE_PATH.read_text(encoding="utf-8"), Parameters=given, Capabilities=["CAPABILITY_NAMED_IAM"],
    )  # fmt: skip
    session.call("cloudformation", "execute_change_set", StackName=name, ChangeSetName="c")
    while (status := _status(session, name)).endswith("_IN_PROGRESS"):
        time.sleep(0.01)
    if status != "CREATE_COMPLETE":
        raise RuntimeError(json.dumps({"stack": name, "status": status}))


def _status(session: Session, name: str) -> str:
    return str(session.call("cloudformation", "describe_stacks", StackName=name)["Stacks"][0]["StackStatus"])


if __name__ == "__main__":
    sys.exit(main())
