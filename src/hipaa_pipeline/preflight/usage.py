"""What is used of a quota now, and how high it is: numbers, each with the place where it was read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.facts import Facts, Operation, Problem, Read
from hipaa_pipeline.preflight.quotas import DEFAULTS_AS_OF, Quota, default

STACK_STATUSES = (
    "CREATE_IN_PROGRESS", "CREATE_FAILED", "CREATE_COMPLETE", "ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED",
    "ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_FAILED", "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS", "IMPORT_IN_PROGRESS", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED", "IMPORT_ROLLBACK_COMPLETE",
)  # fmt: skip
"""Every status but DELETE_COMPLETE: deleted stacks stay listed for 90 days and count against nothing."""


@dataclasses.dataclass(frozen=True)
class Number:
    """A number AWS gave, or None, and where it is from; `reason` says why it is missing or only a fallback.

    `certain` is false for a published default that stands in for the account's own number.
    """

    value: int | None
    source: str
    reason: str = ""
    certain: bool = True


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a number is asked for: the stack's Region and partition, and the physical parent (empty: the account)."""

    region: str
    partition: str
    parent: str = ""


def counted(operation: Operation, test: Callable[[Any, str], bool] | None = None, **arguments: Any) -> _Counter:
    """Count the items of a list operation, those for which `test(item, parent)` holds."""

    def count(facts: Facts, place: Place) -> Number:
        return _number(
            facts,
            operation(**arguments),
            lambda items: sum(1 for item in items if test is None or test(item, place.parent)),
        )

    return count


def _number(facts: Facts, read: Read, take: Callable[[Any], int | None]) -> Number:
    """One number out of one answer; missing, with the reason, where the answer or the number in it is."""
    answer = facts.each(read)[0]
    action = read.operation.action
    if isinstance(answer, Problem):
        return Number(None, action, answer.reason)
    value = take(answer)
    return Number(value, action, "" if value is not None else f"{action} does not report it")


_Counter = Callable[[Facts, Place], Number]


def _summary(key: str) -> _Counter:
    return lambda facts, _: _number(facts, aws.GET_ACCOUNT_SUMMARY(), lambda answer: answer["SummaryMap"].get(key))


def _rds(name: str, column: str) -> _Counter:
    def take(quotas: Any) -> int | None:
        return next((quota[column] for quota in quotas if quota["AccountQuotaName"] == name), None)

    return lambda facts, _: _number(facts, aws.DESCRIBE_RDS_ACCOUNT(), take)


def _kinesis(key: str) -> _Counter:
    return lambda facts, _: _number(facts, aws.DESCRIBE_KINESIS_LIMITS(), lambda answer: answer.get(key))


def _stack_limit(facts: Facts, _: Place) -> Number:
    def take(limits: Any) -> int | None:
        return next((limit["Value"] for limit in limits if limit["Name"] == "StackLimit"), None)

    return _number(facts, aws.DESCRIBE_ACCOUNT_LIMITS(), take)


def _customer_keys(facts: Facts, _: Place) -> Number:
    """All keys, those pending deletion included, but not AWS's own, which carry an alias `alias/aws/…`."""
    keys, aliases = aws.LIST_KEYS(Limit=1000), aws.LIST_ALIASES(Limit=100)
    facts.each(keys, aliases)
    managed = _number(facts, aliases, lambda answer: len(_aws_managed(answer)))
    everything = _number(facts, keys, len)
    if everything.value is None or managed.value is None:
        return everything if everything.value is None else managed
    return Number(everything.value - managed.value, everything.source)


def _aws_managed(aliases: Any) -> set[str]:
    return {
        alias["TargetKeyId"]
        for alias in aliases
        if alias["AliasName"].startswith("alias/aws/") and alias.get("TargetKeyId")
    }


def _rules(*, egress: bool) -> _Counter:
    def count(facts: Facts, place: Place) -> Number:
        filters = [{"Name": "group-id", "Values": [place.parent]}]
        read = aws.DESCRIBE_SECURITY_GROUP_RULES(Filters=filters)
        return _number(facts, read, lambda rules: sum(1 for rule in rules if rule["IsEgress"] is egress))

    return count


def _attached(facts: Facts, place: Place) -> Number:
    return _number(facts, aws.LIST_ATTACHED_ROLE_POLICIES(RoleName=place.parent.rsplit("/", 1)[-1]), len)


def _filters(facts: Facts, place: Place) -> Number:
    return _number(facts, aws.DESCRIBE_METRIC_FILTERS(logGroupName=place.parent), len)


def _nothing(_: Facts, __: Place) -> Number:
    return Number(0, "new")


def _in_vpc(item: Any, vpc_id: str) -> bool:
    return bool(item.get("VpcId") == vpc_id)


def _interface(item: Any, vpc_id: str) -> bool:
    return _in_vpc(item, vpc_id) and item["VpcEndpointType"] == "Interface"


def _gateway(item: Any, _: str) -> bool:
    return bool(item["VpcEndpointType"] == "Gateway")


USED: dict[str, _Counter] = {
    "vpcs": counted(aws.DESCRIBE_VPCS),
    "subnets": counted(aws.DESCRIBE_SUBNETS, _in_vpc),
    "route_tables": counted(aws.DESCRIBE_ROUTE_TABLES, _in_vpc),
    "security_groups": counted(aws.DESCRIBE_SECURITY_GROUPS),
    "inbound_rules": _rules(egress=False),
    "outbound_rules": _rules(egress=True),
    "interface_endpoints": counted(aws.DESCRIBE_VPC_ENDPOINTS, _interface),
    "gateway_endpoints": counted(aws.DESCRIBE_VPC_ENDPOINTS, _gateway),
    "network_interfaces": counted(aws.DESCRIBE_NETWORK_INTERFACES),
    "flow_logs": counted(aws.DESCRIBE_FLOW_LOGS, lambda log, vpc_id: bool(log["ResourceId"] == vpc_id)),
    "roles": _summary("Roles"),
    "policies": _summary("Policies"),
    "role_policies": _attached,
    "db_instances": _rds("DBInstances", "Used"),
    "db_parameter_groups": _rds("DBParameterGroups", "Used"),
    "db_subnet_groups": _rds("DBSubnetGroups", "Used"),
    "db_storage": _rds("AllocatedStorage", "Used"),
    "db_snapshots": _rds("ManualSnapshots", "Used"),
    "shards": _kinesis("OpenShardCount"),
    "on_demand_streams": _kinesis("OnDemandStreamCount"),
    "keys": _customer_keys,
    "key_aliases": counted(aws.LIST_ALIASES, lambda alias, key: bool(alias.get("TargetKeyId") == key), Limit=100),
    "log_groups": counted(aws.DESCRIBE_LOG_GROUPS, limit=50),
    "metric_filters": _filters,
    "topics": counted(aws.LIST_TOPICS),
    "secrets": counted(aws.LIST_SECRETS, MaxResults=100),
    "backup_vaults": counted(aws.LIST_BACKUP_VAULTS, MaxResults=1000),
    "backup_plans": counted(aws.LIST_BACKUP_PLANS, MaxResults=1000),
    "stacks": counted(aws.LIST_STACKS, StackStatusFilter=list(STACK_STATUSES)),
    "stack_resources": _nothing,
}

# Where the service itself says how high its quota is. It enforces that number, and Service Quotas can lag behind it.
OWN_LIMITS: dict[str, _Counter] = {
    "roles": _summary("RolesQuota"),
    "policies": _summary("PoliciesQuota"),
    "role_policies": _summary("AttachedPoliciesPerRoleQuota"),
    "db_instances": _rds("DBInstances", "Max"),
    "db_parameter_groups": _rds("DBParameterGroups", "Max"),
    "db_subnet_groups": _rds("DBSubnetGroups", "Max"),
    "db_storage": _rds("AllocatedStorage", "Max"),
    "db_snapshots": _rds("ManualSnapshots", "Max"),
    "shards": _kinesis("ShardLimit"),
    "on_demand_streams": _kinesis("OnDemandStreamCountLimit"),
    "stacks": _stack_limit,
}


def used(quota: Quota, facts: Facts, place: Place, *, new_parent: bool) -> Number:
    """What is used of a quota now; nothing under a parent that this deployment creates."""
    return _nothing(facts, place) if new_parent else USED[quota.slug](facts, place)


def limit(quota: Quota, facts: Facts, place: Place) -> Number:
    """How high a quota is: from the service itself, else from Service Quotas, else its published default, said so."""
    if quota.fixed:
        return Number(quota.default, "fixed by AWS")
    reasons = []
    if quota.slug in OWN_LIMITS:
        own = OWN_LIMITS[quota.slug](facts, place)
        if own.value is not None:
            return own
        reasons.append(own.reason)
    if quota.code:
        applied = _from_service_quotas(quota, facts, place)
        if applied.value is not None:
            return applied
        reasons.append(applied.reason)
    return Number(default(quota, place.region), f"default of {DEFAULTS_AS_OF}", "; ".join(reasons), certain=False)


def _from_service_quotas(quota: Quota, facts: Facts, place: Place) -> Number:
    """The applied value, else AWS's own default for quotas whose applied value Service Quotas does not hold.

    ListServiceQuotas leaves those out. Two listings per service stay far below Service Quotas' own request rates (10
    listings a second, but only 5 GetServiceQuota).
    """
    region = quota.region(place.region, place.partition)
    arguments = {"in_region": "" if region == place.region else region, "ServiceCode": quota.service}
    applied = _quota_value(quota, facts, aws.LIST_SERVICE_QUOTAS(**arguments, MaxResults=100), "Service Quotas")
    if applied.value is not None or applied.reason:
        return applied
    return _quota_value(quota, facts, aws.LIST_DEFAULT_QUOTAS(**arguments, MaxResults=100), "Service Quotas (default)")


def _quota_value(quota: Quota, facts: Facts, read: Read, source: str) -> Number:
    answer = facts.each(read)[0]
    if isinstance(answer, Problem):
        return Number(None, source, answer.reason)
    for each in answer:
        if each["QuotaCode"] == quota.code and "Value" in each:
            return Number(int(each["Value"]), source)
    return Number(None, source)
