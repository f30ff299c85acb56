"""The one place that touches MiniStack: what it has is checked, what it lacks is put in.

Every name of MiniStack's that this package relies on is asserted when the account starts, so that another version fails
here, at once and by name, rather than somewhere in a deployment.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hipaa_pipeline.local import MINISTACK_VERSION, backup, catalogue, ec2, service_quotas
from hipaa_pipeline.local.additions import Additions, Operation, ResourceType
from hipaa_pipeline.local.faults import Faults
from hipaa_pipeline.local.quotas import Quotas
from hipaa_pipeline.local.settings import Settings
from hipaa_pipeline.local.wire import ApiError

RELIED_ON = {
    "app": ("app", "_reset_all_state"),
    "core.responses": ("request_scope", "get_account_id", "get_region", "now_iso", "AccountRegionScopedDict"),
    "core.router": ("extract_access_key_id", "extract_region"),
    "services.cloudformation": ("_stacks", "_stack_events", "_change_sets", "_exports"),
    "services.cloudformation.provisioners": (
        "_RESOURCE_HANDLERS", "_REPLACING_PROPERTIES", "_STACK_TAG_PROPERTY", "_ec2_sg_permissions",
        "_ec2_vpc_endpoint_create",
    ),
    "services.cloudformation.stacks": (
        "_provision_resource", "_update_resource", "_delete_resource", "_runs_on_worker_thread",
    ),
    "services.ec2": (
        "_vpcs", "_subnets", "_security_groups", "_route_tables", "_network_acls", "_vpc_endpoints", "_flow_logs",
        "_network_interfaces", "_tags", "_rules_match", "_sg_rule_id",
    ),
    "services.backup": ("_vaults", "_plans", "_selections", "_create_selection"),
    "services.cloudwatch": ("_alarms",),
    "services.cloudwatch_logs": ("_log_groups", "_metric_filters"),
    "services.iam": ("_roles", "_users", "_policies"),
    "services.kinesis": ("_streams",),
    "services.kms": ("_keys", "_aliases"),
    "services.rds": ("_instances", "_param_groups", "_subnet_groups", "_snapshots"),
    "services.secretsmanager": ("_secrets",),
    "services.sns": ("_topics", "_sub_arn_to_topic"),
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
        self._resets: list[Callable[[], None]] = []
        self.epoch = 0

    def add(self, additions: Additions) -> None:
        """Take in what one module adds."""
        self.operations.update(additions.operations)
        self.refusals.update(additions.refusals)
        self.follow_ups.update(additions.follow_ups)
        self._resets.append(additions.reset)
        for resource_type in additions.resource_types:
            _register(resource_type)
        for name, complete in additions.completions.items():
            _complete_after(name, complete)

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
        self.faults.clear()
        self.quotas.reset()
        self.creation_delay_ms = self.settings.creation_delay_ms
        _reset_all_state()
        for reset in self._resets:
            reset()


def install(settings: Settings) -> Account:
    """MiniStack with everything added. Raises RuntimeError when it is not the version this package was written for."""
    from hipaa_pipeline.local import connections

    check()
    connections.track()
    account = Account(settings)
    for module in (ec2, backup):
        account.add(module.additions())
    account.add(service_quotas.additions(account.quotas))
    _enforce_quotas(account)
    _meet_faults(account)
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


def _register(resource_type: ResourceType) -> None:
    """A CloudFormation resource type that MiniStack lacks, in its own registry."""
    from ministack.services.cloudformation import provisioners

    def create(_logical_id: str, properties: Any, _stack_name: str) -> Any:
        return resource_type.create(properties)

    def update(physical_id: str, old: Any, new: Any, _stack_name: str) -> Any:
        return resource_type.update(physical_id, old, new)

    provisioners._RESOURCE_HANDLERS[resource_type.name] = {
        "create": create,
        "update": update,
        "delete": resource_type.delete,
    }
    provisioners._REPLACING_PROPERTIES[resource_type.name] = resource_type.replaced_by
    if resource_type.has_tags:
        provisioners._STACK_TAG_PROPERTY[resource_type.name] = ("Tags", "list")


def _complete_after(name: str, complete: Callable[[str, Any, dict[str, Any]], None]) -> None:
    """Complete what MiniStack's own handlers of a type create and update."""
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS[name]
    own_create, own_update = handlers["create"], handlers.get("update")

    def create(logical_id: str, properties: Any, stack_name: str) -> Any:
        physical_id, attributes = own_create(logical_id, properties, stack_name)
        complete(physical_id, properties, attributes)
        return physical_id, attributes

    def update(physical_id: str, old: Any, new: Any, *names: str) -> Any:
        updated_id, attributes = own_update(physical_id, old, new, *names)
        complete(updated_id, new, attributes)
        return updated_id, attributes

    handlers["create"] = create
    if own_update:
        handlers["update"] = update


def _enforce_quotas(account: Account) -> None:
    """MiniStack enforces no quota: refuse what would exceed one, in the API and in stacks, with AWS's own words."""
    from ministack.services.cloudformation import provisioners

    def refusal(operation: str) -> Callable[[dict[str, Any]], None]:
        def refuse(request: dict[str, Any]) -> None:
            exceeded = account.quotas.exceeded_by(operation, request)
            if exceeded:
                raise exceeded[1]

        return refuse

    def guarded(name: str, own_create: Callable[..., Any]) -> Callable[..., Any]:
        def create(logical_id: str, properties: Any, stack_name: str) -> Any:
            exceeded = account.quotas.exceeded_by(name, properties)
            if exceeded:
                quota, error = exceeded
                raise ValueError(handler_message(quota.service_code, error, quota.handler_code))
            return own_create(logical_id, properties, stack_name)

        return create

    for operation in {quota.operation for quota in account.quotas.catalogue} - {""}:
        account.refusals[operation] = refusal(operation)
    for name in {quota.resource_type for quota in account.quotas.catalogue} - {""}:
        handlers = provisioners._RESOURCE_HANDLERS[name]
        handlers["create"] = guarded(name, handlers["create"])


_SDK_NAMES = {"vpc": "Ec2", "iam": "Iam", "rds": "Rds", "sns": "Sns", "kms": "Kms", "logs": "CloudWatchLogs"}


def handler_message(service: str, error: ApiError, handler_code: str = "GeneralServiceException") -> str:
    """The reason of a failed resource as CloudFormation words a refusal of the service behind it."""
    sdk = _SDK_NAMES.get(service, service.capitalize())
    return (
        f'Resource handler returned message: "{error.message} (Service: {sdk}, Status Code: {error.status}, '
        f'Request ID: {uuid.uuid4()})" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {handler_code})'
    )


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
