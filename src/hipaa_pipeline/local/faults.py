"""Injected faults: what a caller of the local account may meet, as AWS would answer it.

A fault matches API calls by service and operation, or the creation, update and deletion of stack resources by type and
logical ID. It takes effect from the `nth` match on, `times` times or until it is removed; with `hold`, a resource waits
until then. Written as JSON (at start, or to `/_hipaa/faults`):

    {"service": "ec2", "operation": "DescribeVpcs", "action": "deny"}
    {"service": "cloudformation", "operation": "DescribeStackEvents", "action": "throttle", "times": 3}
    {"action": "latency", "milliseconds": 100}                       every call of every service
    {"service": "cloudformation", "operation": "ExecuteChangeSet", "action": "drop-after", "times": 1}
    {"service": "iam", "operation": "ListRoles", "action": "malformed"}   a page of HTML instead of an answer
    {"service": "rds", "operation": "*", "action": "fail", "code": "InternalFailure", "message": "…", "status": 500}
    {"resource_type": "AWS::RDS::DBInstance", "action": "fail", "message": "…"}
    {"logical_id": "Key", "phase": "delete", "action": "fail", "message": "…"}
    {"resource_type": "AWS::Kinesis::Stream", "action": "latency", "milliseconds": 2000}
"""

from __future__ import annotations

import dataclasses
import fnmatch
import itertools
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from hipaa_pipeline.local import ACCOUNT_ID
from hipaa_pipeline.local.identity import ROLE, SESSION
from hipaa_pipeline.local.wire import ApiError

ACTIONS = ("deny", "throttle", "fail", "malformed", "latency", "drop-before", "drop-after")
HOLD_SECONDS = 60.0
HOLD_CHECK_SECONDS = 0.01
PHASES = ("create", "update", "delete")


@dataclasses.dataclass
class Fault:
    """One fault. `times` counts down; None means until removed. Patterns are shell patterns (`Describe*`)."""

    action: str
    service: str = "*"
    operation: str = "*"
    resource_type: str = ""
    logical_id: str = ""
    phase: str = "create"
    code: str = "InternalFailure"
    message: str = "An injected fault."
    status: int = 400
    milliseconds: int = 0
    nth: int = 1
    hold: bool = False
    times: int | None = None
    number: int = 0

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"action must be one of {', '.join(ACTIONS)}, not {self.action!r}")
        if self.phase not in PHASES:
            raise ValueError(f"phase must be one of {', '.join(PHASES)}, not {self.phase!r}")
        if self.of_resource and self.action not in {"fail", "latency"}:
            raise ValueError(f"a stack resource can only fail or be late, not {self.action!r}")

    @property
    def of_resource(self) -> bool:
        """Whether the fault is met by a stack's resource rather than by an API call."""
        return bool(self.resource_type or self.logical_id)

    @property
    def error(self) -> ApiError | None:
        """The error to answer instead of acting; None where the fault is of another kind."""
        match self.action:
            case "deny":
                return _denied(self.service, self.operation)
            case "throttle":
                return _throttled(self.service)
            case "fail":
                return ApiError(self.code, self.message, self.status)
        return None


# The protocols have their own codes for the same refusal.
_QUERY_SERVICES = frozenset({"cloudformation", "iam", "sts", "rds", "sns", "cloudwatch", "autoscaling"})


def _denied(service: str, operation: str) -> ApiError:
    caller = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{ROLE}/{SESSION}"
    text = f"User: {caller} is not authorized to perform: {service}:{operation}"
    if service == "ec2":
        return ApiError("UnauthorizedOperation", f"You are not authorized to perform this operation. {text}", 403)
    if service in _QUERY_SERVICES:
        return ApiError("AuthorizationError" if service == "sns" else "AccessDenied", text, 403)
    return ApiError("AccessDeniedException", text, 400)


def _throttled(service: str) -> ApiError:
    if service == "ec2":
        return ApiError("RequestLimitExceeded", "Request limit exceeded.", 503)
    if service in _QUERY_SERVICES:
        return ApiError("Throttling", "Rate exceeded", 400)
    return ApiError("ThrottlingException", "Rate exceeded", 400)


class Faults:
    """The faults in force. Calls arrive on the event loop, stack resources on threads: hence the lock."""

    def __init__(self, faults: Iterable[Mapping[str, Any]] = ()) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._faults: list[Fault] = []
        for fault in faults:
            self.add(fault)

    def add(self, description: Mapping[str, Any]) -> int:
        """Put a fault in force; its number. Raises ValueError or TypeError for one that makes no sense."""
        fault = Fault(**{**description, "number": next(self._numbers)})
        with self._lock:
            self._faults.append(fault)
        return fault.number

    def clear(self, number: int | None = None) -> None:
        """Remove one fault, or all."""
        with self._lock:
            self._faults = [fault for fault in self._faults if number is not None and fault.number != number]

    def as_list(self) -> list[dict[str, Any]]:
        """The faults in force as JSON."""
        with self._lock:
            return [dataclasses.asdict(fault) for fault in self._faults]

    def take_for_call(self, service: str, operation: str) -> Fault | None:
        """The fault that a call meets, used up once; its service and operation are those of the call."""
        with self._lock:
            for fault in self._faults:
                if fault.action != "latency" and _matches_call(fault, service, operation) and _use(fault):
                    return dataclasses.replace(fault, service=service, operation=operation)
        return None

    def latency_seconds(self, service: str, operation: str) -> float:
        """How much later than usual a call is answered."""
        with self._lock:
            late = [
                fault.milliseconds
                for fault in self._faults
                if fault.action == "latency" and _matches_call(fault, service, operation) and _use(fault)
            ]
        return sum(late) / 1000

    def take_for_resource(self, phase: str, resource_type: str, logical_id: str) -> list[Fault]:
        """The faults that a stack's resource meets, each used up once."""
        with self._lock:
            return [
                fault
                for fault in self._faults
                if _matches_resource(fault, phase, resource_type, logical_id) and _use(fault)
            ]

    def wait_while_held(self, number: int) -> None:
        """Hold up the calling thread until a fault that holds is removed; no longer than a minute."""
        for _ in range(round(HOLD_SECONDS / HOLD_CHECK_SECONDS)):
            with self._lock:
                held = any(fault.number == number and fault.hold for fault in self._faults)
            if not held:
                return
            time.sleep(HOLD_CHECK_SECONDS)

    def any_of_resource(self) -> bool:
        """Whether any fault in force is met by stack resources."""
        with self._lock:
            return any(fault.of_resource for fault in self._faults)


def _use(fault: Fault) -> bool:
    if fault.nth > 1:
        fault.nth -= 1
        return False
    if fault.times is None:
        return True
    fault.times -= 1
    return fault.times >= 0


def _matches_call(fault: Fault, service: str, operation: str) -> bool:
    return (
        not fault.of_resource
        and fnmatch.fnmatchcase(service, fault.service)
        and fnmatch.fnmatchcase(operation, fault.operation)
    )


def _matches_resource(fault: Fault, phase: str, resource_type: str, logical_id: str) -> bool:
    return (
        fault.of_resource
        and fault.phase == phase
        and fnmatch.fnmatchcase(resource_type, fault.resource_type or "*")
        and fnmatch.fnmatchcase(logical_id, fault.logical_id or "*")
    )
