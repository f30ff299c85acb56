"""Ask Service Quotas for more: at most one request per quota, and wait for the answer for a bounded time.

The only part of the preflight that changes anything, and only when it is asked to.
https://docs.aws.amazon.com/servicequotas/latest/userguide/request-quota-increase.html
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from hipaa_pipeline.aws.session import AwsError, Session
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.preflight.exits import PENDING
from hipaa_pipeline.preflight.quotas import Quota

POLL_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class Increase:
    """A request for more of a quota. `asked_now` tells one of this run from one that was pending already."""

    quota: Quota
    request_id: str
    desired: int
    status: str
    asked_now: bool = False

    @property
    def is_pending(self) -> bool:
        """Whether AWS has not decided yet."""
        return self.status in PENDING


def request_increase(session: Session, quota: Quota, desired: int, region: str, *, support_case: bool) -> Increase:
    """Ask for `desired` in all, unless a request is pending already, which is then returned instead.

    `support_case` lets AWS open a support case where it cannot decide by itself. Raises AwsError when AWS refuses.
    """
    waiting = pending_increase(session, quota, region)
    if waiting:
        return waiting
    try:
        answer = session.call(
            "service-quotas",
            "request_service_quota_increase",
            in_region=region,
            ServiceCode=quota.service,
            QuotaCode=quota.code,
            DesiredValue=float(desired),
            SupportCaseAllowed=support_case,
        )
    except AwsError as error:
        waiting = pending_increase(session, quota, region) if error.code == "ResourceAlreadyExistsException" else None
        if waiting is None:
            raise
        return waiting
    return _increase(quota, answer["RequestedQuota"], asked_now=True)


def pending_increase(session: Session, quota: Quota, region: str) -> Increase | None:
    """The request for this quota that AWS has not decided yet; None without one."""
    requests = session.pages(
        "service-quotas",
        "list_requested_service_quota_change_history_by_quota",
        "RequestedQuotas",
        in_region=region,
        ServiceCode=quota.service,
        QuotaCode=quota.code,
    )
    return next((_increase(quota, each) for each in requests if each["Status"] in PENDING), None)


def await_increases(
    session: Session,
    increases: Sequence[Increase],
    region_of: Callable[[Quota], str],
    clock: Clock,
    minutes: float,
    say: Callable[[str], None],
) -> list[Increase]:
    """The requests as they stand once AWS has decided all of them, or when the time is over."""
    deadline = clock.elapsed() + minutes * 60
    current = list(increases)
    while any(each.is_pending for each in current) and clock.elapsed() < deadline:
        clock.sleep(min(POLL_SECONDS, max(0.0, deadline - clock.elapsed())))
        for number, each in enumerate(current):
            if each.is_pending:
                current[number] = now = _again(session, each, region_of(each.quota))
                if now.status != each.status:
                    say(f"{now.quota.name}: {now.desired:,} {now.status}")
    return current


def _again(session: Session, increase: Increase, region: str) -> Increase:
    answer = session.call(
        "service-quotas", "get_requested_service_quota_change", in_region=region, RequestId=increase.request_id
    )
    return dataclasses.replace(increase, status=str(answer["RequestedQuota"]["Status"]))


def _increase(quota: Quota, answer: dict[str, Any], *, asked_now: bool = False) -> Increase:
    return Increase(quota, str(answer["Id"]), int(answer["DesiredValue"]), str(answer["Status"]), asked_now)
