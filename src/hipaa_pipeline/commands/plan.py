"""`plan`: create a change set, show it, remove it."""

from __future__ import annotations

import click

from hipaa_pipeline.commands.options import aws_options, environment_option, format_option


@click.command()
@environment_option
@aws_options
@format_option("text", "json")
def command(environment: str, region: str | None, profile: str | None, output_format: str) -> int:
    """Create a change set, show it, remove it: nothing is changed."""
    from hipaa_pipeline import console
    from hipaa_pipeline.aws import stacks
    from hipaa_pipeline.commands.costing import cost_difference
    from hipaa_pipeline.commands.ordering import prepare
    from hipaa_pipeline.deployment import wording
    from hipaa_pipeline.deployment.deploy import plan

    prepared = prepare(environment, region, profile, yes=True)
    name, session = prepared.order.stack_name, prepared.tools.session
    proposal = plan(prepared.order, prepared.tools)
    if proposal is None:
        if output_format == "json":
            console.result_json({"stack_name": name, "kind": "none", "changes": [], "parameters": [], "cost": None})
        else:
            console.result(f"{name} is already up to date.")
        return 0
    running = None if proposal.creates else stacks.read(session, name)
    cost = cost_difference(session, running, prepared.subject.expected)
    if output_format == "json":
        told = {**proposal.summary.as_dict(), "cost": cost.as_dict() if cost else None}
        console.result_json({"stack_name": name, "kind": proposal.kind.lower(), **told})
    else:
        console.result("\n".join(wording.plan_lines(name, proposal)))
        console.result("\n".join(wording.cost_lines(cost)) if cost else "  Its cost is not known for this Region.")
    return 0
