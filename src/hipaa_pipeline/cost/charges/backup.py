"""AWS Backup of RDS: snapshots, billed as RDS backup storage and sharing its free allowance with automated backups.

https://aws.amazon.com/blogs/database/demystifying-amazon-rds-backup-storage-costs/
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hipaa_pipeline.cost.charges import database
from hipaa_pipeline.cost.charges.charge import Charge, Charges, Context, Unpriceable, items
from hipaa_pipeline.stack import Resource, is_unknown


def plan(resource: Resource, context: Context) -> Charges:
    """The snapshots that each rule of a plan keeps of the stack's databases."""
    databases = context.stack.of_type("AWS::RDS::DBInstance")
    if not databases:
        raise Unpriceable("what it backs up is not in the stack")
    for position, rule in enumerate(items(resource, "BackupPlan.BackupPlanRule")):
        days = _days(rule)
        kept = sum((_kept(each, days, context) for each in databases), Decimal(0))
        free = (
            sum((_unused_allowance(each, context) for each in databases), Decimal(0)) if position == 0 else Decimal(0)
        )
        name = rule.get("RuleName", position + 1) if isinstance(rule, Mapping) else position + 1
        yield Charge(f"snapshots of {name}", "rds_backup_gb_month", max(Decimal(0), kept - free), "GB-month")


def _days(rule: Any) -> Decimal:
    days = rule.get("Lifecycle", {}).get("DeleteAfterDays") if isinstance(rule, Mapping) else None
    if days is None or is_unknown(days):
        raise Unpriceable("a backup rule without DeleteAfterDays keeps its snapshots for ever")
    return Decimal(str(days))


def _kept(resource: Resource, days: Decimal, context: Context) -> Decimal:
    """One full copy and each day's changes, for as long as the rule keeps them and the stack is old."""
    age = min(days, context.assumed.days_in_service)
    return database.data(resource, context) + context.assumed.database_change_gb_per_day * age


def _unused_allowance(resource: Resource, context: Context) -> Decimal:
    unused = database.allocated(resource) - database.automated_backups(resource, context)
    return max(Decimal(0), unused)
