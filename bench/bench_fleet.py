"""How long it takes to plan a fleet, and how many requests each command makes, at 10, 100 and 1,000 targets.

Planning is what `fleet plan` does around AWS's answers: compile the template, resolve it for every set of overrides and
Region, compare with the simulated instances. `shared`: a hundred accounts have the same overrides; `own`: none has.
"""

from __future__ import annotations

import dataclasses

from measuring import seconds

from hipaa_pipeline import console
from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment
from hipaa_pipeline.fleet import run
from hipaa_pipeline.fleet.file import Fleet, Group
from hipaa_pipeline.fleet.plan import Content, plan
from hipaa_pipeline.fleet.simulation import SimulatedStackSets, measure, simulated_fleet
from hipaa_pipeline.fleet.wanted import resolved, targets
from hipaa_pipeline.resolve import compile_template
from hipaa_pipeline.source import load_template

SIZES = (10, 100, 1_000)


def own_overrides(fleet: Fleet) -> Fleet:
    """The fleet with overrides of its own for each account."""
    accounts = [(account, group.regions) for group in fleet.groups for account in group.accounts]
    groups = tuple(
        Group((account,), (), regions, {"VpcCidr": f"10.{number // 128}.{number % 128 * 2}.0/23"})
        for number, (account, regions) in enumerate(accounts)
    )
    return dataclasses.replace(fleet, groups=groups)


def planning_seconds(fleet: Fleet) -> float:
    """Seconds to plan a fleet from nothing."""
    session = SimulatedStackSets()

    def planned() -> None:
        template, parameters = load_template(TEMPLATE_PATH), load_environment("prod").parameters
        wanted = targets(fleet)
        resolved(fleet, wanted, compile_template(template), parameters)
        plan(wanted, Content(template.text, parameters, {}), run.look(session, fleet))

    return seconds(planned)


def main() -> None:
    """Print the table."""
    console.result("targets    shared       own  requests")
    for size in SIZES:
        fleet = simulated_fleet(size)
        shared, own = planning_seconds(fleet), planning_seconds(own_overrides(fleet))
        requests = ", ".join(f"{name}: {number}" for name, number in measure(size).items())
        console.result(f"{size:7,}  {shared:6.2f} s  {own:6.2f} s  {requests}")


if __name__ == "__main__":
    main()
