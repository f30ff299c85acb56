"""MiniStack with everything added: what it has is checked, what it lacks is put in (by the means of `patches`).

Every name of MiniStack's that this package relies on is asserted when the account starts, so that another version fails
here, at once and by name, rather than somewhere in a deployment.
"""

from __future__ import annotations

import collections
import contextlib
import importlib
import importlib.metadata
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.local import (
    MINISTACK_VERSION,
    backup,
    catalogue,
    cloudformation,
    cloudwatch,
    ec2,
    endpoints,
    iam,
    identity,
    kinesis,
    kms,
    logs,
    operations,
    patches,
    rds,
    rds_offers,
    rds_parameters,
    rds_snapshots,
    service_quotas,
    sns,
)
from hipaa_pipeline.local.additions import Additions, Operation
from hipaa_pipeline.local.faults import Faults
from hipaa_pipeline.local.quotas import Quotas
from hipaa_pipeline.local.settings import Settings
from hipaa_pipeline.local.wire import ApiError

SERVICES = (
    backup, cloudwatch, ec2, endpoints, iam, identity, kinesis, kms, logs, rds, rds_offers, rds_parameters,
    rds_snapshots, sns,
)  # fmt: skip
RELIED_ON = {
    "app": ("_reset_all_state", "app"),
    "core.responses": ("AccountRegionScopedDict", "get_account_id", "get_region", "now_iso", "request_scope"),
    "core.router": ("extract_access_key_id", "extract_region"),
    "services.backup": ("_create_selection", "_jobs", "_plans", "_selections", "_vaults"),
    "services.cloudformation": ("_change_sets", "_exports", "_stack_events", "_stacks"),
    "services.cloudformation.changesets": ("_find_change_set", "_resolve_props_for_diff"),
    "services.cloudformation.engine": ("_construct_cfn_tag", "_evaluate_conditions"),
    "services.cloudformation.handlers": ("_ACTION_HANDLERS", "_resolve_stack"),
    "services.cloudformation.provisioners": (
        "_REPLACING_PROPERTIES", "_RESOURCE_HANDLERS", "_STACK_TAG_PROPERTY", "_ec2_rtb_create",
        "_ec2_sg_permissions", "_ec2_subnet_create", "_ec2_subnet_rtb_assoc_create", "_ec2_vpc_create",
        "_ec2_vpc_endpoint_create", "_iam_role_create", "_rds_db_instance_create",
        "_replacing_change", "_snapshot_resource",
    ),
    "services.cloudformation.stacks": (
        "_add_event", "_delete_resource", "_provision_resource", "_runs_on_worker_thread", "_update_resource",
    ),
    "services.cloudwatch": ("_alarms", "_history_entries", "_ts_iso"),
    "services.cloudwatch_logs": ("_create_log_group", "_log_groups", "_metric_filters"),
    "services.ec2": (
        "_flow_logs", "_network_acls", "_network_interfaces", "_route_tables", "_rules_match", "_security_groups",
        "_sg_rule_id", "_subnets", "_tags", "_vpc_endpoints", "_vpcs",
    ),
    "services.iam": ("_groups", "_instance_profiles", "_mfa_devices", "_policies", "_roles", "_users"),
    "services.kinesis": ("_build_shards", "_resolve_stream_by_arn", "_streams"),
    "services.kms": ("_alias_arn", "_aliases", "_keys"),
    "services.rds": (
        "_create_snapshot_internal", "_instances", "_p", "_param_groups", "_resolve_instance", "_snapshots",
        "_subnet_groups", "_tags",
    ),
    "services.secretsmanager": ("_secrets", "_store_new_secret"),
    "services.sns": ("_find_subscription", "_sub_arn_to_topic", "_topics"),
}  # fmt: skip


class Account:
    """The account's state beside MiniStack's own, and what is added to MiniStack."""

    def __init__(self, settings: Settings) -> None:
        from ministack.app import app

        self.ministack = app
        self.settings = settings
        self.quotas = Quotas(catalogue.catalogue(), settings.quotas)
        self.faults = Faults(settings.faults)
        self.creation_delay_ms = settings.creation_delay_ms
        self.operations: dict[str, Operation] = {}
        self.refusals: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.follow_ups: dict[str, Callable[[], None]] = {}
        self.creation_checks: list[Callable[[str, Any], None]] = []
        self._resets: list[Callable[[], None]] = []
        self.calls: collections.deque[str] = collections.deque(maxlen=100_000)
        self.epoch = 0

    def add(self, additions: Additions) -> None:
        """Take in what one module adds."""
        _merge(self.operations, additions.operations)
        _merge(self.refusals, additions.refusals)
        _merge(self.follow_ups, additions.follow_ups)
        self._resets.append(additions.reset)
        for resource_type in additions.resource_types:
            patches.register(resource_type)
        for name, form in additions.normal_forms.items():
            patches.normalise(name, form)
        for name, complete in additions.completions.items():
            patches.complete_after(name, complete)
        for name, delete in additions.deletions.items():
            patches.delete_by(name, delete)
        for name, wrap in additions.wrappers.items():
            patches.wrap_function(name, wrap)
        self.creation_checks.extend(additions.creation_checks)

    @contextlib.contextmanager
    def scope(self, headers: Mapping[str, str]) -> Iterator[None]:
        """MiniStack's stores as the caller of a request sees them: those of its account and Region."""
        from ministack.core.responses import request_scope
        from ministack.core.router import extract_access_key_id, extract_region

        key = extract_access_key_id(headers)
        account_id = key if key.isdigit() and len(key) == 12 else self.settings.account_id
        with request_scope(account_id, extract_region(headers)):
            yield

    def reset(self) -> None:
        """Forget everything; a stack operation still running in the background creates nothing more."""
        from ministack.app import _reset_all_state

        self.epoch += 1
        self.calls.clear()
        self.faults.clear()
        self.quotas.reset()
        self.creation_delay_ms = self.settings.creation_delay_ms
        _reset_all_state()
        for reset in self._resets:
            reset()
        identity.ensure_role()


def install(settings: Settings) -> Account:
    """MiniStack with everything added. Raises RuntimeError when it is not the version this package was written for."""
    from hipaa_pipeline.local import connections

    check()
    connections.track()
    account = Account(settings)
    cloudformation.extend_tables()
    for module in SERVICES:
        account.add(module.additions())
    account.add(service_quotas.additions(account.quotas))
    account.add(cloudformation.additions(account.quotas))
    account.add(operations.additions())
    _check_creations(account)
    _refuse_calls(account)
    _meet_faults(account)
    with account.scope({}):
        identity.ensure_role()
    return account


def check() -> None:
    """Assert MiniStack's version and every name of its that is relied on."""
    installed = importlib.metadata.version("ministack")
    if installed != MINISTACK_VERSION:
        raise RuntimeError(f"MiniStack {MINISTACK_VERSION} is needed, {installed} is installed.")
    for module, names in RELIED_ON.items():
        imported = importlib.import_module(f"ministack.{module}")
        missing = [name for name in names if not hasattr(imported, name)]
        if missing:
            raise RuntimeError(f"MiniStack's {module} has no {', '.join(missing)}.")


def _merge(into: dict[str, Any], added: Mapping[str, Any]) -> None:
    """Two modules never answer for the same operation."""
    if clash := into.keys() & added.keys():
        raise RuntimeError(f"Added twice: {', '.join(sorted(clash))}.")
    into.update(added)


def _check_creations(account: Account) -> None:
    """Refuse in stacks what AWS refuses: names that are taken, values out of range, and quotas that are full."""
    from ministack.services.cloudformation import provisioners

    def checked(name: str, own_create: Callable[..., Any]) -> Callable[..., Any]:
        def create(logical_id: str, properties: Any, stack_name: str) -> Any:
            _check_creation(account, name, properties)
            return own_create(logical_id, properties, stack_name)

        return create

    for name, handlers in provisioners._RESOURCE_HANDLERS.items():
        if "create" in handlers:
            handlers["create"] = checked(name, handlers["create"])


def _check_creation(account: Account, name: str, properties: Any) -> None:
    exceeded = account.quotas.exceeded_by(name, properties)
    if exceeded:
        quota, error = exceeded
        raise ValueError(patches.handler_message(name, error, quota.handler_code))
    for check_creation in account.creation_checks:
        try:
            check_creation(name, properties)
        except ApiError as error:
            code = error.code if error.code == "AlreadyExists" else "InvalidRequest"
            raise ValueError(patches.handler_message(name, error, code)) from error


def _refuse_calls(account: Account) -> None:
    """MiniStack enforces no quota in its APIs either."""

    def refusal(operation: str) -> Callable[[dict[str, Any]], None]:
        def refuse(request: dict[str, Any]) -> None:
            exceeded = account.quotas.exceeded_by(operation, request)
            if exceeded:
                raise exceeded[1]

        return refuse

    names = {quota.operation for quota in account.quotas.catalogue} - {""}
    _merge(account.refusals, {operation: refusal(operation) for operation in names})


def _meet_faults(account: Account) -> None:
    """Let each stack resource meet the faults injected for it, and take the time it is said to take."""
    from ministack.services.cloudformation import stacks

    own_provision, own_update, own_delete = stacks._provision_resource, stacks._update_resource, stacks._delete_resource
    own_threads = stacks._runs_on_worker_thread

    def provision(resource_type: str, logical_id: str, *rest: Any) -> Any:
        _meet(account, "create", resource_type, logical_id)
        return own_provision(resource_type, logical_id, *rest)

    def update(resource_type: str, physical_id: str, old: Any, new: Any, *rest: Any) -> Any:
        if old != new:
            _meet(account, "update", resource_type, str(rest[1]) if len(rest) > 1 else physical_id)
        return own_update(resource_type, physical_id, old, new, *rest)

    def delete(resource_type: str, physical_id: str, properties: Any, *names: Any) -> Any:
        _meet(account, "delete", resource_type, str(names[1]) if len(names) > 1 else physical_id)
        return own_delete(resource_type, physical_id, properties, *names)

    def on_thread(resource_type: str) -> bool:
        # What takes time must not hold up the event loop, which also answers whoever watches.
        slow = account.creation_delay_ms > 0 or account.faults.any_of_resource()
        return slow or bool(own_threads(resource_type))

    stacks._provision_resource, stacks._update_resource, stacks._delete_resource = provision, update, delete
    stacks._runs_on_worker_thread = on_thread


def _meet(account: Account, phase: str, resource_type: str, logical_id: str) -> None:
    epoch = account.epoch
    if threading.current_thread() is not threading.main_thread():
        time.sleep(account.creation_delay_ms / 1000)
    for fault in account.faults.take_for_resource(phase, resource_type, logical_id):
        time.sleep(fault.milliseconds / 1000)
        account.faults.wait_while_held(fault.number)
        if fault.action == "fail":
            raise ValueError(fault.message)
    if account.epoch != epoch:
        raise ValueError("The account was reset.")
