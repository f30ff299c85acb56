"""The means of changing MiniStack: resource types registered, completed, given other properties, deleted otherwise."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable
from typing import Any

from hipaa_pipeline.local.additions import ResourceType
from hipaa_pipeline.local.wire import ApiError


def register(resource_type: ResourceType) -> None:
    """A CloudFormation resource type that MiniStack lacks, in its own registry."""
    from ministack.services.cloudformation import provisioners

    def create(_logical_id: str, properties: Any, _stack_name: str) -> Any:
        try:
            return resource_type.create(properties)
        except ApiError as error:
            raise ValueError(handler_message(resource_type.name, error, "InvalidRequest")) from error

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


def complete_after(name: str, complete: Callable[[str, Any, dict[str, Any]], None]) -> None:
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


def normalise(name: str, form: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Give MiniStack's functions of a type its properties in another form."""
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS[name]
    own_create, own_update, own_delete = handlers["create"], handlers["update"], handlers["delete"]
    handlers["create"] = lambda logical_id, properties, stack: own_create(logical_id, form(properties), stack)
    handlers["update"] = lambda physical_id, old, new, *names: own_update(physical_id, form(old), form(new), *names)
    handlers["delete"] = lambda physical_id, properties: own_delete(physical_id, form(properties))


def delete_by(name: str, delete: Callable[[str, Any, Callable[[], None]], None]) -> None:
    """Delete resources of a type by our own function, which is given MiniStack's."""
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS[name]
    own_delete = handlers["delete"]

    def delete_or_refuse(physical_id: str, properties: Any) -> None:
        try:
            delete(physical_id, properties, lambda: own_delete(physical_id, properties))
        except ApiError as error:
            raise ValueError(handler_message(name, error, "InvalidRequest")) from error

    handlers["delete"] = delete_or_refuse


def wrap_function(name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace a function of MiniStack's (`services.rds._x`) by one made from it, in its module and in its tables."""
    module_name, _, function = name.rpartition(".")
    module = importlib.import_module(f"ministack.{module_name}")
    if not hasattr(module, function):
        raise RuntimeError(f"MiniStack's {module_name} has no {function}.")
    own = getattr(module, function)
    wrapped = wrap(own)
    setattr(module, function, wrapped)
    for table in [value for value in vars(module).values() if isinstance(value, dict)]:
        table.update({key: wrapped for key, value in table.items() if value is own})


def handler_message(resource_type: str, error: ApiError, handler_code: str) -> str:
    """The reason of a failed resource as CloudFormation words a refusal of the service behind it."""
    token = f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: {handler_code})"
    if handler_code == "AlreadyExists":
        return f'Resource handler returned message: "{error.message}" {token}'
    service = resource_type.split("::")[1].capitalize()
    request = f"(Service: {service}, Status Code: {error.status}, Request ID: {uuid.uuid4()})"
    return f'Resource handler returned message: "{error.message} {request}" {token}'
