"""One operation at a time on a stack, and a deletion that stops a creation.

MiniStack starts whatever it is asked for beside what is running: a deletion and the creation it should end then undo
each other. AWS refuses a second operation, except that DeleteStack ends a creation in progress: what has not been made
is cancelled, what has been made is deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hipaa_pipeline.local.additions import Additions
from hipaa_pipeline.local.wire import ApiError

CANCELLED = "Resource creation cancelled"
_running: dict[str, asyncio.Event] = {}


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        refusals={
            "cloudformation.ExecuteChangeSet": _refuse_busy_change_set,
            "cloudformation.UpdateStack": _refuse_busy,
            "cloudformation.CreateChangeSet": _refuse_busy,
            "cloudformation.DeleteStack": _refuse_busy_deletion,
        },
        wrappers={
            "services.cloudformation.changesets._deploy_stack_async": _noting,
            "services.cloudformation.handlers._deploy_stack_async": _noting,
            "services.cloudformation.handlers._delete_stack_async": _after_creation,
            "services.cloudformation.stacks._roll_back_operation": _unless_stopping,
            "services.cloudformation.stacks._provision_resource": _while_wanted,
            "services.cloudformation.changesets._find_change_set": _by_stack_id,
            "services.cloudformation.handlers._list_change_sets": _of_stack_id,
        },
        reset=_running.clear,
    )


def _stack(name_or_id: str) -> dict[str, Any] | None:
    from ministack.services.cloudformation import handlers

    found: dict[str, Any] | None = handlers._resolve_stack(name_or_id)
    return found


def is_stopping(stack_name: str) -> bool:
    """Whether a stack's creation is to stop because the stack is to be deleted."""
    return bool((_stack(stack_name) or {}).get("_stopping"))


# Refusals


def _refuse_busy(request: dict[str, Any]) -> None:
    stack = _stack(request["StackName"])
    status = str((stack or {}).get("StackStatus"))
    if stack is not None and status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        raise ApiError("ValidationError", f"Stack:{stack['StackId']} is in {status} state and can not be updated.")


def _refuse_busy_change_set(request: dict[str, Any]) -> None:
    from ministack.services.cloudformation import changesets

    _, change_set = changesets._find_change_set(request["ChangeSetName"], request.get("StackName", ""))
    if change_set is not None:
        _refuse_busy({"StackName": change_set["StackId"]})


def _refuse_busy_deletion(request: dict[str, Any]) -> None:
    stack = _stack(request["StackName"])
    status = str((stack or {}).get("StackStatus"))
    if stack is not None and status.startswith("UPDATE_") and status.endswith("_IN_PROGRESS"):
        raise ApiError("ValidationError", f"Stack [{stack['StackName']}] cannot be deleted while in status {status}")


# A deletion that stops a creation


def _noting(own: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Note that an operation is running on a stack, until it has ended."""

    async def deploy(stack_name: str, stack_id: str, *rest: Any, **options: Any) -> None:
        ended = _running[stack_id] = asyncio.Event()
        try:
            await own(stack_name, stack_id, *rest, **options)
        finally:
            ended.set()
            _running.pop(stack_id, None)

    return deploy


def _after_creation(own: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Let a running creation stop before what it made is deleted."""

    async def delete(stack_name: str, stack_id: str, *rest: Any, **options: Any) -> None:
        stack = _stack(stack_id)
        ended = _running.get(stack_id)
        if stack is not None and ended is not None:
            stack["_stopping"] = True
            stack["StackStatus"] = "DELETE_IN_PROGRESS"
            await ended.wait()
            stack.pop("_stopping", None)
        await own(stack_name, stack_id, *rest, **options)

    return delete


def _unless_stopping(own: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A creation that stops for a deletion is not rolled back: the deletion deletes."""

    async def roll_back(stack_name: str, *rest: Any, **options: Any) -> None:
        if not is_stopping(stack_name):
            await own(stack_name, *rest, **options)

    return roll_back


def _while_wanted(own: Callable[..., Any]) -> Callable[..., Any]:
    def provision(resource_type: str, logical_id: str, properties: Any, stack_name: str) -> Any:
        if is_stopping(stack_name):
            raise ValueError(CANCELLED)
        return own(resource_type, logical_id, properties, stack_name)

    return provision


# A stack's change sets by its ID: MiniStack knows them by its name only.


def _by_stack_id(own: Callable[..., Any]) -> Callable[..., Any]:
    def find(change_set: str, stack: str = "") -> Any:
        found = _stack(stack) if stack else None
        return own(change_set, found["StackName"] if found else stack)

    return find


def _of_stack_id(own: Callable[..., Any]) -> Callable[..., Any]:
    def listed(parameters: Any) -> Any:
        found = _stack((parameters.get("StackName") or [""])[0])
        return own({**parameters, "StackName": [found["StackName"]]} if found else parameters)

    return listed
