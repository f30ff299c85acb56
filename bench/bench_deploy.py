"""What the deployer costs beside the least script that does the same: create a change set, execute it, wait.

Both create the real template in the embedded account, alternately, from the same start: no stack, clients made before.
The deployer also clears the way, reads all of the change set twice, watches the events, sets the stack policy and
closes the default security group. Its verification is timed apart, since the script has nothing to compare it with;
preflight is not part of it. The promise is at most 1.5 times.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable

from measuring import seconds

from hipaa_pipeline import console
from hipaa_pipeline.ask import Yes
from hipaa_pipeline.aws.patient import PatientSession
from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment
from hipaa_pipeline.deployment.deploy import Hooks, deploy
from hipaa_pipeline.deployment.order import Order, Result, Tools
from hipaa_pipeline.deployment.progress import PlainProgress
from hipaa_pipeline.local.server import LocalAccount, local_account
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.verification import verify

ROUNDS = 7
PROMISE = 1.5
POLL_SECONDS = 0.05


def bare(session: Session, order: Order) -> None:
    """The least script: nothing is shown, guarded, watched or cleaned up."""
    call = session.call
    call(
        "cloudformation", "create_change_set", StackName=order.stack_name, ChangeSetName="c", ChangeSetType="CREATE",
        TemplateBody=order.template_body, Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in order.parameters.items()],
        Tags=[{"Key": key, "Value": value} for key, value in order.stack_tags.items()],
    )  # fmt: skip
    while call("cloudformation", "describe_change_set", StackName=order.stack_name, ChangeSetName="c")["Status"] != (
        "CREATE_COMPLETE"
    ):
        time.sleep(POLL_SECONDS)
    call("cloudformation", "execute_change_set", StackName=order.stack_name, ChangeSetName="c")
    while (
        call("cloudformation", "describe_stacks", StackName=order.stack_name)["Stacks"][0]["StackStatus"]
        != "CREATE_COMPLETE"
    ):
        time.sleep(POLL_SECONDS)


def timed(account: LocalAccount, work: Callable[[], object]) -> float:
    """Seconds that the work takes in an empty account."""
    account.reset()
    return seconds(work)


def main() -> int:
    """Print the table; 1 when the promise is broken."""
    configuration, template = load_environment("local"), load_template(TEMPLATE_PATH)
    order = Order(
        environment="local",
        stack_name=configuration.stack_name,
        template_body=template.text,
        parameters=configuration.parameters,
        tags=configuration.tags,
        protected=False,
    )
    with local_account() as account:
        clock = SystemClock()
        session = PatientSession(account.connection, clock)
        numbers = itertools.count()
        tools = Tools(
            session=session,
            clock=clock,
            ask=Yes(),
            progress=Quiet,
            say=lambda _text: None,
            unique=lambda: str(next(numbers)),
        )
        hooks = Hooks(show=lambda _proposal, _stack: None, read_back=lambda _stack: ())
        expected = resolve(template, configuration.parameters, region=account.region, stack_name=order.stack_name)

        def deployed() -> None:
            if deploy(order, tools, hooks).result is not Result.CREATED:
                raise SystemExit("the deployment failed; there is nothing to measure")

        deployed()  # makes the clients
        times: dict[str, list[float]] = {"bare script": [], "deployer": [], "verification": []}
        for _ in range(ROUNDS):
            times["bare script"].append(timed(account, lambda: bare(session, order)))
            times["deployer"].append(timed(account, deployed))
            times["verification"].append(seconds(lambda: verify.run(session, expected, clock=clock)))
    return report({name: statistics.median(found) for name, found in times.items()})


class Quiet(PlainProgress):
    """Progress that is not printed, for neither of the two prints anything."""

    def show(self, events: object, fresh: object) -> None:
        """Nothing."""


def report(medians: dict[str, float]) -> int:
    """The table on standard output."""
    ratio = medians["deployer"] / medians["bare script"]
    lines = [f"{'median of ' + str(ROUNDS):<14} {'ms':>8}"]
    lines += [f"{name:<14} {1000 * seconds:8.0f}" for name, seconds in medians.items()]
    lines.append(f"deployer / bare script: {ratio:.2f} (promise: at most {PROMISE})")
    console.result("\n".join(lines))
    return 0 if ratio <= PROMISE else 1


if __name__ == "__main__":
    sys.exit(main())
