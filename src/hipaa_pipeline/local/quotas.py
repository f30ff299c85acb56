"""Account quotas: the values applied in this account, what would exceed them, and the increases asked for.

MiniStack enforces none: 20 VPCs and 1,005 roles were accepted. What quotas there are is in `catalogue`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hipaa_pipeline.local.wire import ApiError

Parameters = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quota:
    """One count quota. `usage` and `demand` look at the stores and at what is about to be created.

    `operation` and `resource_type` name what consumes it; `demand` gives how many units a creation takes, 0 when the
    quota does not concern it (a gateway endpoint and the quota of interface endpoints). `per_parent`: it counts within
    a VPC, a group or a key, so that a template alone does not tell which.
    """

    service_code: str
    code: str
    name: str
    default: float
    resource_type: str
    operation: str
    error: Callable[[float], ApiError]
    usage: Callable[[Parameters], int]
    demand: Callable[[Parameters], int] = lambda _: 1
    handler_code: str = "ServiceLimitExceeded"
    per_parent: bool = False

    @property
    def key(self) -> str:
        """`service code/quota code`, as the command line and the admin endpoint write it."""
        return f"{self.service_code}/{self.code}"


class UnknownQuotaError(LookupError):
    """A quota was to be set that this account does not know."""


class Quotas:
    """The applied quotas of this account, and the increases asked for."""

    def __init__(self, catalogue: Sequence[Quota], applied: Mapping[str, float]) -> None:
        self.catalogue = catalogue
        self._initially = dict(applied)
        self._applied: dict[str, float] = {}
        self.requests: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self.reset()

    def reset(self) -> None:
        """Back to the values the account was started with, with no increase asked for."""
        self._applied = {}
        self.requests = []
        self.apply(self._initially)

    def apply(self, values: Mapping[str, float]) -> None:
        """Set applied quotas by `service/code`. Raises UnknownQuotaError for another."""
        known = {quota.key for quota in self.catalogue}
        for key, value in values.items():
            if key not in known:
                raise UnknownQuotaError(f"There is no quota {key} here; known: {', '.join(sorted(known))}.")
            self._applied[key] = float(value)

    def applied(self) -> dict[str, float]:
        """The quotas whose applied value was set here."""
        return dict(self._applied)

    def limit(self, quota: Quota) -> float:
        """The value in force."""
        return self._applied.get(quota.key, quota.default)

    def find(self, service_code: str, code: str) -> Quota | None:
        """The quota with these codes; None where there is none."""
        return next((each for each in self.catalogue if each.key == f"{service_code}/{code}"), None)

    def exceeded_by(self, creator: str, parameters: Parameters) -> tuple[Quota, ApiError] | None:
        """The quota that a creation would exceed and AWS's error for it. `creator`: an operation or resource type."""
        for quota in self.catalogue:
            if creator in {quota.operation, quota.resource_type}:
                demand = quota.demand(parameters)
                if demand and quota.usage(parameters) + demand > self.limit(quota):
                    return quota, quota.error(self.limit(quota))
        return None

    def ask(self, quota: Quota, value: float) -> dict[str, Any]:
        """A new increase request, pending. Raises ApiError as AWS for one that is pending already or no increase."""
        from ministack.core.responses import now_iso

        if any(each["QuotaCode"] == quota.code and each["Status"] == "PENDING" for each in self.requests):
            raise ApiError("ResourceAlreadyExistsException", "Only one open service quota increase request is allowed.")
        if value <= self.limit(quota):
            raise ApiError("InvalidResourceStateException", "The desired value must be greater than the current value.")
        number = next(self._numbers)
        request = {
            "Id": f"{number:032x}",
            "ServiceCode": quota.service_code,
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "DesiredValue": value,
            "Status": "PENDING",
            "Created": now_iso(),
            "LastUpdated": now_iso(),
        }
        self.requests.append(request)
        return request

    def approve_all(self) -> list[str]:
        """Grant every pending request; the keys granted."""
        granted: list[str] = []
        for request in self.requests:
            if request["Status"] == "PENDING":
                request["Status"] = "APPROVED"
                key = f"{request['ServiceCode']}/{request['QuotaCode']}"
                self._applied[key] = request["DesiredValue"]
                granted.append(key)
        return granted
