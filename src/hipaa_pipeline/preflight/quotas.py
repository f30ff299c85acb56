"""The quotas a stack of ours can meet, as data: code, dated default, and where AWS itself reports them.

Defaults are AWS's published ones, read on the date in `DEFAULTS_AS_OF` (AWS General Reference, "Service endpoints and
quotas", and each service's quota page). A default is only ever a fallback: it is never enough to call a row ok.
"""

from __future__ import annotations

import dataclasses

DEFAULTS_AS_OF = "2026-11-23"

# IAM is global: Service Quotas serves its quotas in one Region of each partition only.
IAM_QUOTA_REGION = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}


@dataclasses.dataclass(frozen=True)
class Quota:
    """One quota: how many of what `name` says there may be. Two quotas may share a code (rules in and out).

    `service` and `code` are Service Quotas' ServiceCode and QuotaCode; `code` is empty where Service Quotas does not
    list it. `default` is None where AWS publishes none that holds everywhere. `fixed`: AWS grants no increase.
    """

    slug: str
    service: str
    code: str
    name: str
    default: int | None
    fixed: bool = False

    @property
    def key(self) -> str:
        """Service and code in one text (`vpc/L-F678F1CE`), as options and the local account take it."""
        return f"{self.service}/{self.code or self.slug}"

    def region(self, region: str, partition: str) -> str:
        """The Region whose Service Quotas endpoint knows this quota for a stack in `region`."""
        return IAM_QUOTA_REGION.get(partition, region) if self.service == "iam" else region


_ALL = (
    Quota("vpcs", "vpc", "L-F678F1CE", "VPCs per Region", 5),
    Quota("subnets", "vpc", "L-407747CB", "Subnets per VPC", 200),
    Quota("route_tables", "vpc", "L-589F43AA", "Route tables per VPC", 200),
    Quota("security_groups", "vpc", "L-E79EC296", "Security groups per Region", 2_500),
    Quota("inbound_rules", "vpc", "L-0EA8095F", "Inbound rules per security group", 60),
    Quota("outbound_rules", "vpc", "L-0EA8095F", "Outbound rules per security group", 60),
    Quota("interface_endpoints", "vpc", "L-29B6F2EB", "Interface endpoints per VPC", 50),
    Quota("gateway_endpoints", "vpc", "L-1B52E74A", "Gateway endpoints per Region", 20),
    Quota("network_interfaces", "vpc", "L-DF5E4CA3", "Network interfaces per Region", 5_000),
    Quota("flow_logs", "vpc", "", "Flow logs per VPC", 2, fixed=True),
    Quota("roles", "iam", "L-FE177D64", "IAM roles", 1_000),
    Quota("policies", "iam", "L-E95E4862", "IAM customer managed policies", 1_500),
    Quota("role_policies", "iam", "L-0DA4ABF3", "Managed policies per role", 10),
    Quota("db_instances", "rds", "L-7B6409FD", "DB instances", 40),
    Quota("db_parameter_groups", "rds", "L-DE55804A", "DB parameter groups", 50),
    Quota("db_subnet_groups", "rds", "L-48C6BF61", "DB subnet groups", 50),
    Quota("db_storage", "rds", "L-7ADDB58A", "DB storage (GiB)", 100_000),
    Quota("db_snapshots", "rds", "L-272F1212", "Manual DB snapshots", 100),
    Quota("shards", "kinesis", "L-0918CF54", "Kinesis shards per Region", None),
    Quota("on_demand_streams", "kinesis", "", "Kinesis on-demand streams", None),
    Quota("keys", "kms", "L-C2F1777E", "KMS customer keys", 100_000),
    Quota("key_aliases", "kms", "L-340F62FB", "Aliases per KMS key", 50),
    Quota("log_groups", "logs", "L-C7B9AAAB", "Log groups", 1_000_000),
    Quota("metric_filters", "logs", "", "Metric filters per log group", 100, fixed=True),
    Quota("topics", "sns", "L-61103206", "SNS topics", 100_000),
    Quota("secrets", "secretsmanager", "L-2F66C23C", "Secrets per Region", 500_000),
    Quota("backup_vaults", "backup", "L-7705D2CB", "Backup vaults per Region", 300),
    Quota("backup_plans", "backup", "L-BD69F607", "Backup plans per Region", 300),
    Quota("stacks", "cloudformation", "L-0485CB21", "CloudFormation stacks", 2_000),
    Quota("stack_resources", "cloudformation", "", "Resources per template", 500, fixed=True),
)

BY_SLUG = {quota.slug: quota for quota in _ALL}

# Kinesis publishes its default by Region; the service's own DescribeLimits is asked first.
SHARD_DEFAULTS = {"us-east-1": 20_000, "ap-southeast-1": 6_000}
SHARD_DEFAULT_ELSEWHERE = 1_000


def default(quota: Quota, region: str) -> int | None:
    """The published default of a quota in a Region; None where there is none to fall back to."""
    if quota.slug == "shards":
        return SHARD_DEFAULTS.get(region, SHARD_DEFAULT_ELSEWHERE)
    return quota.default
