"""Every price this project knows by name, its unit, and where AWS's public price files have it.

A usage type is AWS's own name of what is metered. The files put the Region's prefix before it in most Regions
(`APS1-Storage-ShardHour`, `ap-southeast-1-KMS-Keys`) and none in us-east-1, so names here have none.
Column names are those of the CSV price files:
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/csv-format-price-list-files.html
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

_PREFIX = r"(?:[A-Z]{2,4}\d?-|[a-z]{2}(?:-[a-z]+)+-\d-)?"


@dataclasses.dataclass(frozen=True)
class Tariff:
    """One price: `usage_type` a pattern without the Region's prefix, `columns` the accepted values, best first."""

    slug: str
    unit: str
    offer: str
    usage_type: str
    columns: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def matches(self, usage_type: str) -> bool:
        """Whether a price file's usage type is this tariff's, in whatever Region."""
        return re.fullmatch(_PREFIX + self.usage_type, usage_type) is not None


_POSTGRESQL = {"Database Engine": ("PostgreSQL", "Any")}
_KINESIS = "AmazonKinesis"
_CLOUDWATCH = "AmazonCloudWatch"

# A slug that ends with a colon is a family, one tariff for each DB instance class.
TARIFFS: tuple[Tariff, ...] = (
    Tariff("rds_instance_hour:", "hour", "AmazonRDS", r"InstanceUsage:{}", _POSTGRESQL),
    Tariff("rds_multi_az_instance_hour:", "hour", "AmazonRDS", r"Multi-AZUsage:{}", _POSTGRESQL),
    Tariff("rds_gp3_gb_month", "GB-month", "AmazonRDS", r"RDS:GP3-Storage", _POSTGRESQL),
    Tariff("rds_multi_az_gp3_gb_month", "GB-month", "AmazonRDS", r"RDS:Multi-AZ-GP3-Storage", _POSTGRESQL),
    Tariff("rds_backup_gb_month", "GB-month", "AmazonRDS", r"RDS:ChargedBackupUsage", _POSTGRESQL),
    Tariff("kms_key_month", "key version-month", "awskms", r"KMS-Keys"),
    Tariff("kms_request", "request", "awskms", r"KMS-Requests"),
    Tariff("vpc_endpoint_hour", "hour in a zone", "AmazonVPC", r"VpcEndpoint-Hours"),
    Tariff("vpc_endpoint_gb", "GB", "AmazonVPC", r"VpcEndpoint-Bytes"),
    Tariff("secret_month", "secret-month", "AWSSecretsManager", r"AWSSecretsManager-Secrets?"),
    Tariff("secret_request", "API call", "AWSSecretsManager", r"AWSSecretsManagerAPIRequest"),
    Tariff("logs_ingest_gb", "GB", _CLOUDWATCH, r"DataProcessing-Bytes", {"operation": ("PutLogEvents",)}),
    Tariff("logs_vended_gb", "GB", _CLOUDWATCH, r"VendedLog-Bytes"),
    Tariff("logs_storage_gb_month", "GB-month", _CLOUDWATCH, r"TimedStorage-ByteHrs"),
    Tariff("alarm_month", "alarm metric-month", _CLOUDWATCH, r"CW:AlarmMonitorUsage"),
    Tariff("custom_metric_month", "metric-month", _CLOUDWATCH, r"CW:MetricMonitorUsage"),
    Tariff("kinesis_shard_hour", "shard-hour", _KINESIS, r"Storage-ShardHour"),
    Tariff("kinesis_extended_shard_hour", "shard-hour", _KINESIS, r"Extended-ShardHour"),
    Tariff("kinesis_long_term_gb_month", "GB-month", _KINESIS, r"LongTermRetention-ByteHrs"),
    Tariff("kinesis_put_payload_unit", "PUT payload unit", _KINESIS, r"PutRequestPayloadUnits"),
    Tariff("kinesis_on_demand_hour", "stream-hour", _KINESIS, r"OnDemand-StreamHour"),
    Tariff("kinesis_on_demand_ingest_gb", "GB", _KINESIS, r"OnDemand-BilledIncomingBytes"),
    Tariff("kinesis_on_demand_retrieval_gb", "GB", _KINESIS, r"OnDemand-BilledOutgoingBytes"),
    Tariff("kinesis_on_demand_extended_gb_month", "GB-month", _KINESIS, r"OnDemand-ExtendedRetention-ByteHrs"),
    Tariff("kinesis_on_demand_long_term_gb_month", "GB-month", _KINESIS, r"OnDemand-LongTermRetention-ByteHrs"),
    Tariff("sns_email", "e-mail", "AmazonSNS", r"DeliveryAttempts-SMTP"),
)
_BY_SLUG = {tariff.slug: tariff for tariff in TARIFFS}


def tariff(slug: str) -> Tariff | None:
    """The tariff of a slug, families with the part after the colon filled in; None for a slug nobody defined."""
    head, colon, member = slug.partition(":")
    found = _BY_SLUG.get(head + colon)
    if found is None or not colon:
        return found
    return dataclasses.replace(found, slug=slug, usage_type=found.usage_type.format(re.escape(member)))


def slugs(instance_classes: tuple[str, ...]) -> list[str]:
    """Every slug there is, the families with these DB instance classes."""
    members = {False: ("",), True: instance_classes}
    return [each.slug + member for each in TARIFFS for member in members[each.slug.endswith(":")]]
