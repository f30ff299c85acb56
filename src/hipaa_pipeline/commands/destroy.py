"""`destroy`: show, confirm, snapshot if protected, delete, prove nothing is left."""

from __future__ import annotations

import click

from hipaa_pipeline.commands.options import aws_options, environment_option, format_option, timeout_option, yes_option


@click.command()
@environment_option
@aws_options
@yes_option
@timeout_option
@format_option("text", "json", "junit")
def command(
    environment: str, region: str | None, profile: str | None, yes: bool, timeout: float, output_format: str
) -> int:
    """Delete the stack of an environment, and prove that nothing of it is left."""
    from hipaa_pipeline import console
    from hipaa_pipeline.aws.identity import identify
    from hipaa_pipeline.commands.options import connection_for, place
    from hipaa_pipeline.commands.ordering import make_tools
    from hipaa_pipeline.commands.outcome import print_next, print_outcome
    from hipaa_pipeline.configuration import load_environment
    from hipaa_pipeline.deployment import wording
    from hipaa_pipeline.deployment.destroy import destroy
    from hipaa_pipeline.deployment.order import Order

    configuration = load_environment(environment)
    tools = make_tools(connection_for(environment, region, profile), yes=yes)
    console.note(f"Account {identify(tools.session).account_id}, {tools.session.region}.")
    order = Order(
        environment=environment,
        stack_name=configuration.stack_name,
        timeout_seconds=timeout * 60,
        options=place(region, profile),
    )
    outcome = destroy(order, tools, lambda farewell: console.note("\n".join(wording.farewell_lines(farewell))))
    print_outcome(outcome, output_format)
    print_next(outcome)
    return outcome.exit_code
