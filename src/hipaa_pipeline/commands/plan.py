"""`plan`: create a change set, show it, remove it."""

from __future__ import annotations

import click

from hipaa_pipeline.commands.options import aws_options, environment_option, format_option


@click.command()
@environment_option
@aws_options
@format_option("text", "json")
def command(environment: str, region: str | None, profile: str | None, output_format: str) -> int:
    """Create a change set, show it, remove it: nothing is changed.

    Exit code 0: it can be done; 1: CloudFormation would refuse it during the update.
    """
    from hipaa_pipeline import console
    from hipaa_pipeline.aws import stacks
    from hipaa_pipeline.commands.costing import CostOfChange, cost_of_change
    from hipaa_pipeline.commands.ordering import prepare
    from hipaa_pipeline.deployment import wording
    from hipaa_pipeline.deployment.changes import impossible
    from hipaa_pipeline.deployment.deploy import plan
    from hipaa_pipeline.errors import ExitCode

    prepared = prepare(environment, region, profile, yes=True)
    name, session = prepared.order.stack_name, prepared.tools.session
    proposal = plan(prepared.order, prepared.tools)
    if proposal is None:
        if output_format == "json":
            unchanged = {"stack_name": name, "kind": "none", "changes": [], "parameters": []}
            console.result_json({**unchanged, **CostOfChange().as_dict()})
        else:
            console.result(f"{name} is already up to date.")
        return 0
    running = None if proposal.creates else stacks.read(session, name)
    cost = cost_of_change(session, running, prepared.subject.expected)
    if output_format == "json":
        told = {**proposal.summary.as_dict(), **cost.as_dict()}
        console.result_json({"stack_name": name, "kind": proposal.kind.lower(), **told})
    else:
        console.result("\n".join([*wording.plan_lines(name, proposal), *cost.lines()]))
    refused = impossible(proposal.summary)
    if refused:
        console.note(refused)
    return ExitCode.FAILED if refused else ExitCode.GOOD
