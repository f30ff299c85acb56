"""RDS: instance hours, storage, backups beyond the free allowance, the managed secret, Enhanced Monitoring's logs.

Multi-AZ is charged for the primary and the standby, hours and storage alike:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_OnDemandDBInstances.html
"""

from __future__ import annotations

from decimal import Decimal

from hipaa_pipeline.cost.assumptions import HOURS_PER_MONTH, KILOBYTES_PER_GIGABYTE
from hipaa_pipeline.cost.charges import encryption, logging
from hipaa_pipeline.cost.charges.charge import Charge, Charges, Context, flag, number, text
from hipaa_pipeline.stack import Resource

_SECONDS_PER_MONTH = HOURS_PER_MONTH * 3_600
_FREE_INSIGHTS_DAYS = 7


def instance(resource: Resource, context: Context) -> Charges:
    """Every charge of a DB instance."""
    instance_class = text(resource, "DBInstanceClass")
    storage = text(resource, "StorageType", "gp2")
    yield _deployed(
        resource, "instance", f"instance_hour:{instance_class}", HOURS_PER_MONTH, f"hour of {instance_class}"
    )
    yield _deployed(resource, "storage", f"{storage}_gb_month", allocated(resource), f"GB-month of {storage}")
    yield Charge("backups beyond the free allowance", "rds_backup_gb_month", _charged_backups(resource, context))
    if flag(resource, "ManageMasterUserPassword"):
        yield from encryption.secret_charges("master password", context)
    yield from _monitoring(resource, context)
    yield from _extras(resource)


def _deployed(resource: Resource, item: str, tariff: str, quantity: Decimal, unit: str) -> Charge:
    """A charge in one zone, or in two: by AWS's Multi-AZ price, else as the two that it is made of."""
    if not flag(resource, "MultiAZ"):
        return Charge(item, f"rds_{tariff}", quantity, unit)
    two = Charge(item, f"rds_{tariff}", 2 * quantity, f"{unit}, primary and standby")
    return Charge(item, f"rds_multi_az_{tariff}", quantity, f"{unit}, Multi-AZ", otherwise=two)


def allocated(resource: Resource) -> Decimal:
    """The GiB of storage the instance was given; RDS gives as much backup storage away."""
    return number(resource, "AllocatedStorage")


def data(resource: Resource, context: Context) -> Decimal:
    """The GB the database holds: as assumed, but not more than fits."""
    return min(context.assumed.database_gb, allocated(resource))


def automated_backups(resource: Resource, context: Context) -> Decimal:
    """The GB-months of automated backups: one full copy and each day's changes for as long as they are kept."""
    days = number(resource, "BackupRetentionPeriod", 1)
    return data(resource, context) + context.assumed.database_change_gb_per_day * days if days else Decimal(0)


def _charged_backups(resource: Resource, context: Context) -> Decimal:
    return max(Decimal(0), automated_backups(resource, context) - allocated(resource))


def _monitoring(resource: Resource, context: Context) -> Charges:
    """Enhanced Monitoring sends a sample each interval to a log group of RDS's own that keeps it 30 days."""
    interval = number(resource, "MonitoringInterval", 0)
    if interval:
        kilobytes = _SECONDS_PER_MONTH / interval * context.assumed.monitoring_sample_kilobytes
        yield from logging.charges("Enhanced Monitoring", kilobytes / KILOBYTES_PER_GIGABYTE, Decimal(30), context)


def _extras(resource: Resource) -> Charges:
    """What the template never asks for but another may: named, so that its price is missed and not forgotten."""
    insights = number(resource, "PerformanceInsightsRetentionPeriod", _FREE_INSIGHTS_DAYS)
    if flag(resource, "EnablePerformanceInsights") and insights > _FREE_INSIGHTS_DAYS:
        yield Charge("Performance Insights beyond 7 days", "rds_performance_insights", Decimal(1), "instance-month")
    for name, tariff in (("Iops", "rds_provisioned_iops"), ("StorageThroughput", "rds_provisioned_throughput")):
        if name in resource.properties:
            yield Charge(name, tariff, number(resource, name), "month")
