"""CloudWatch alarms and the metrics that filters make, and the e-mails of an alarm topic."""

from __future__ import annotations

from decimal import Decimal

from hipaa_pipeline.cost.charges.charge import Charge, Charges, Context, Unpriceable, items, number, text
from hipaa_pipeline.stack import Resource

_HIGH_RESOLUTION_SECONDS = 60


def alarm(resource: Resource, context: Context) -> Charges:
    """An alarm is charged for each metric it looks at."""
    del context
    if number(resource, "Period", _HIGH_RESOLUTION_SECONDS) < _HIGH_RESOLUTION_SECONDS:
        raise Unpriceable("an alarm of high resolution has its own price")
    metrics = sum("MetricStat" in metric for metric in items(resource, "Metrics"))
    yield Charge("alarm", "alarm_month", Decimal(metrics or 1))


def metric_filter(resource: Resource, context: Context) -> Charges:
    """Each transformation of a filter makes one custom metric."""
    del context
    yield Charge("custom metrics", "custom_metric_month", Decimal(len(items(resource, "MetricTransformations"))))


def subscription(resource: Resource, context: Context) -> Charges:
    """E-mails are charged one by one; other protocols have prices of their own."""
    protocol = text(resource, "Protocol")
    if protocol not in {"email", "email-json"}:
        raise Unpriceable(f"there is no price rule for SNS deliveries to {protocol}")
    yield Charge("e-mails", "sns_email", context.assumed.alarm_emails)
