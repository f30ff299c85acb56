"""What is in the account, from MiniStack's own stores: so that a test can assert that nothing is left.

What every account has is left out: the default VPC with what is in it, AWS's managed policies, the caller's own role.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hipaa_pipeline.local import identity
from hipaa_pipeline.local import rds as own_rds


def everything() -> dict[str, list[str]]:
    """Names or IDs by `service.kind`, both sorted; a kind of which there is none is not there."""
    found: dict[str, list[str]] = {}
    for kind, name in _all():
        found.setdefault(kind, []).append(name)
    return {kind: sorted(found[kind]) for kind in sorted(found)}


def _all() -> Iterator[tuple[str, str]]:
    yield from _network()
    yield from _keys()
    yield from _stacks()
    yield from _simple()


def _network() -> Iterator[tuple[str, str]]:
    from ministack.services import ec2

    default = {vpc_id for vpc_id, vpc in ec2._vpcs.items() if vpc.get("IsDefault")}
    yield from (("ec2.vpc", vpc_id) for vpc_id in ec2._vpcs if vpc_id not in default)
    of_vpc = {
        "subnet": ec2._subnets,
        "security_group": ec2._security_groups,
        "route_table": ec2._route_tables,
        "network_acl": ec2._network_acls,
        "endpoint": ec2._vpc_endpoints,
        "network_interface": ec2._network_interfaces,
    }
    for kind, store in of_vpc.items():
        for name, record in store.items():
            if record.get("VpcId") not in default:
                yield f"ec2.{kind}", name
    yield from (("ec2.flow_log", name) for name in ec2._flow_logs)


def _keys() -> Iterator[tuple[str, str]]:
    """Keys by state: one that waits for its deletion is still there, but not left behind by mistake."""
    from ministack.services import kms

    for key_id, key in kms._keys.items():
        kind = "kms.key_pending_deletion" if key.get("KeyState") == "PendingDeletion" else "kms.key"
        yield kind, key_id
    yield from (("kms.alias", arn.rpartition(":")[2]) for arn in kms._aliases)


def _stacks() -> Iterator[tuple[str, str]]:
    from ministack.services import cloudformation

    for name, stack in cloudformation._stacks.items():
        if stack["StackStatus"] != "DELETE_COMPLETE":
            yield "cloudformation.stack", f"{name} {stack['StackStatus']}"
    for change_set in cloudformation._change_sets.values():
        yield "cloudformation.change_set", change_set["ChangeSetName"]
    yield from (("cloudformation.export", name) for name in cloudformation._exports)


def _simple() -> Iterator[tuple[str, str]]:
    """The kinds whose store's keys are their names."""
    from ministack.services import backup, cloudwatch, cloudwatch_logs, iam, kinesis, rds, secretsmanager, sns

    stores: dict[str, Any] = {
        "iam.role": iam._roles,
        "iam.user": iam._users,
        "iam.policy": iam._policies,
        "rds.instance": rds._instances,
        "rds.subnet_group": rds._subnet_groups,
        "rds.parameter_group": rds._param_groups,
        "rds.snapshot": rds._snapshots,
        "rds.retained_backup": own_rds.retained_backups(),
        "kinesis.stream": kinesis._streams,
        "logs.group": cloudwatch_logs._log_groups,
        "cloudwatch.alarm": cloudwatch._alarms,
        "sns.topic": sns._topics,
        "sns.subscription": sns._sub_arn_to_topic,
        "secretsmanager.secret": secretsmanager._secrets,
        "backup.vault": backup._vaults,
        "backup.plan": backup._plans,
        "backup.selection": backup._selections,
    }
    for kind, store in stores.items():
        yield from ((kind, str(name)) for name in store if name != identity.ROLE)
    yield from (("logs.metric_filter", name) for _group, name in cloudwatch_logs._metric_filters)
