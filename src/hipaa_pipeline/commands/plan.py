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
    from hipaa_pipeline import console, wording
    from hipaa_pipeline.commands.ordering import prepare
    from hipaa_pipeline.deploy import plan

    prepared = prepare(environment, region, profile, yes=True)
    proposal = plan(prepared.order, prepared.tools)
    name = prepared.order.stack_name
    if output_format == "json":
        summary = proposal.summary.as_dict() if proposal else {"changes": [], "parameters": []}
        kind = proposal.kind.lower() if proposal else "none"
        console.result_json({"stack_name": name, "kind": kind, **summary})
    elif proposal is None:
        console.result(f"{name} is already up to date.")
    else:
        console.result("\n".join(wording.plan_lines(name, proposal)))
    return 0
