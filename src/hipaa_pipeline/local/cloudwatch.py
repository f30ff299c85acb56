"""CloudWatch: the record of what an alarm's actions came to.

MiniStack 1.5.33 notifies the topics, and records changes of state only.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from hipaa_pipeline.local.additions import Additions

_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(wrappers={"services.cloudwatch._dispatch_alarm_actions": _recording})


def _recording(own: Callable[..., None]) -> Callable[..., None]:
    """The dispatch of actions, with a line of the alarm's history for each; one on a topic that is gone fails."""

    def dispatch(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        own(alarm, old_state, new_state, reason)
        if alarm.get("ActionsEnabled", True):
            for arn in alarm.get(_ACTIONS.get(new_state, ""), ()):
                _record(alarm["AlarmName"], arn)

    return dispatch


def _record(alarm_name: str, arn: str) -> None:
    from ministack.services import cloudwatch, sns

    succeeded = ":sns:" not in arn or arn in sns._topics
    state = "Succeeded" if succeeded else "Failed"
    cloudwatch._history_entries().append(
        {
            "AlarmName": alarm_name,
            "AlarmType": "MetricAlarm",
            "Timestamp": cloudwatch._ts_iso(time.time()),
            "HistoryItemType": "Action",
            "HistorySummary": f"{'Successfully executed' if succeeded else 'Failed to execute'} action {arn}",
            "HistoryData": json.dumps({"actionState": state, "notificationResource": arn}),
        }
    )
