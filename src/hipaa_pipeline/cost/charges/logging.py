"""CloudWatch Logs: what goes in, and what is kept of it. The stack does not say who writes how much; assumptions do."""

from __future__ import annotations

from decimal import Decimal

from hipaa_pipeline.cost.assumptions import HOURS_PER_DAY, HOURS_PER_MONTH
from hipaa_pipeline.cost.charges.charge import Charge, Charges, Context, number, text
from hipaa_pipeline.stack import Resource


def log_group(resource: Resource, context: Context) -> Charges:
    """A log group's charges, by who writes to it: VPC flow logs, PostgreSQL, or an application."""
    retention = number(resource, "RetentionInDays", 0) or context.assumed.days_in_service
    gigabytes, vended = _writer(resource, context)
    yield from charges("logs", gigabytes, retention, context, vended=vended)


def charges(name: str, gigabytes: Decimal, retention: Decimal, context: Context, *, vended: bool = False) -> Charges:
    """The charges of so many GB a month kept for so many days, at most the stack's age. AWS's own logs are `vended`."""
    months = min(retention, context.assumed.days_in_service) * HOURS_PER_DAY / HOURS_PER_MONTH
    stored = gigabytes * months * context.assumed.log_compression
    yield Charge(f"{name} ingested", "logs_vended_gb" if vended else "logs_ingest_gb", gigabytes)
    yield Charge(f"{name} stored", "logs_storage_gb_month", stored)


def _writer(resource: Resource, context: Context) -> tuple[Decimal, bool]:
    assumed = context.assumed
    if resource.logical_id in _flow_log_groups(context):
        return assumed.flow_log_gb, True
    name = text(resource, "LogGroupName", resource.logical_id)
    if not name.startswith("/aws/rds/"):
        return assumed.application_log_gb, False
    # RDS writes to its upgrade log only while it upgrades.
    return (Decimal(0) if name.endswith("/upgrade") else assumed.database_log_gb), False


def _flow_log_groups(context: Context) -> set[str]:
    destinations = ("LogGroupName", "LogDestination")
    flow_logs = context.stack.of_type("AWS::EC2::FlowLog")
    targets = (context.stack.target(each.get(name)) for each in flow_logs for name in destinations)
    return {target.logical_id for target in targets if target}
