"""A drill: what only happens in an emergency, tried out. Alarms ring for a moment; the database is asked without TLS.

It notifies the people who are subscribed, so `--drill` asks first.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hipaa_pipeline.aws.live import database
from hipaa_pipeline.aws.live.reader import MissingError, Reader
from hipaa_pipeline.aws.session import AwsError, Session, gather
from hipaa_pipeline.clock import Clock
from hipaa_pipeline.deployment.pace import pauses
from hipaa_pipeline.stack import unknown
from hipaa_pipeline.verification import postgresql
from hipaa_pipeline.verification.live_checks import Observation

REASON = "Drill by hipaa-pipeline --drill"
ACTION_SECONDS = 30.0
"""How long CloudWatch is given to act on the state and to record it."""
HISTORY_SECONDS = 600.0
"""How far back the history is read: more than any clock is wrong."""

ALARM_CHECK = "cloudwatch_alarm_drill"
TLS_CHECK = "rds_plaintext_refused"


def drill(session: Session, clock: Clock, reader: Reader) -> list[Observation]:
    """Ring all alarms of the stack that `reader` reads, and knock at its databases. The session must be able to write.

    Raises nothing that AWS can cause.
    """
    alarms = {name: one.id for name, one in reader.physical.items() if one.type == "AWS::CloudWatch::Alarm"}
    return [*ring(session, alarms, clock), *knock(_databases(reader))]


def _databases(reader: Reader) -> Iterator[tuple[str, str, int, str, str]]:
    for name, physical in reader.physical.items():
        if physical.type == "AWS::RDS::DBInstance":
            with contextlib.suppress(AwsError, MissingError):  # the read-back tells that it cannot be described
                found = database.instance(reader, physical.id)
                endpoint = found.get("Endpoint") or {}
                if endpoint.get("Address"):
                    user, base = found.get("MasterUsername", "postgres"), found.get("DBName", "postgres")
                    yield name, endpoint["Address"], int(endpoint.get("Port", 5432)), user, base


def ring(session: Session, alarms: dict[str, str], clock: Clock) -> list[Observation]:
    """Set each alarm (by logical ID, its name) to ALARM and back to the state it had, and observe what happened.

    An alarm is put back also when it could not be observed. Nothing that AWS can cause is raised.
    """
    reason = f"{REASON}, {clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    names = list(alarms.values())
    before = gather([functools.partial(_state, session, name) for name in names])
    rung = gather([functools.partial(_set, session, name, "ALARM", reason) for name in names])
    seen = gather([functools.partial(_recorded, session, clock, name, reason) for name in names])
    restored = gather(
        [
            functools.partial(_set, session, name, state, reason)
            for name, state in zip(names, before, strict=True)
            if isinstance(state, str)
        ]
    )
    failed = next((error for error in restored if error is not None), None)
    observed = [
        Observation(ALARM_CHECK, logical_id, "StateValue", _told(state, error, what))
        for logical_id, state, error, what in zip(alarms, before, rung, seen, strict=True)
    ]
    return [*observed, *([Observation(ALARM_CHECK, "Stack", "StateValue", _reason(failed))] if failed else [])]


def _told(before: str | AwsError, error: AwsError | None, seen: Any) -> Any:
    """What was seen of an alarm; nothing where it could not be rung, or was ringing in earnest."""
    if error:
        return _reason(error)
    return unknown("it was in ALARM already, so that nothing could be tried") if before == "ALARM" else seen


def _state(session: Session, name: str) -> str | AwsError:
    try:
        alarms = session.call("cloudwatch", "describe_alarms", AlarmNames=[name])["MetricAlarms"]
    except AwsError as error:
        return error
    return str(alarms[0]["StateValue"]) if alarms else "INSUFFICIENT_DATA"


def _set(session: Session, name: str, state: str, reason: str) -> AwsError | None:
    try:
        session.call("cloudwatch", "set_alarm_state", AlarmName=name, StateValue=state, StateReason=reason)
    except AwsError as error:
        return error
    return None


def _recorded(session: Session, clock: Clock, name: str, reason: str) -> Any:
    """What CloudWatch recorded of this drill, once it has recorded every action or `ACTION_SECONDS` have passed.

    The alarm's state itself tells nothing: CloudWatch puts it right within seconds. Its history keeps what happened.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html
    """
    try:
        alarm = session.call("cloudwatch", "describe_alarms", AlarmNames=[name])["MetricAlarms"][0]
        actions = len(alarm.get("AlarmActions", ()))
        for pause in pauses(clock, ACTION_SECONDS):
            rang, done, failed = _history(session, clock, name, reason)
            if rang and done + len(failed) >= actions:
                break
            clock.sleep(pause)
    except AwsError as error:
        return _reason(error)
    except IndexError:
        return unknown(f"there is no alarm {name}")
    return {
        "Rang": rang,
        "ActionsEnabled": alarm["ActionsEnabled"],
        "AlarmActions": actions,
        "DoneActions": done,
        "FailedActions": failed,
    }


def _history(session: Session, clock: Clock, name: str, reason: str) -> tuple[bool, int, list[str]]:
    """Whether the change to ALARM for this reason is recorded, the actions done since, the summaries of failed ones."""
    start = clock.now() - datetime.timedelta(seconds=HISTORY_SECONDS)
    items = session.pages(
        "cloudwatch", "describe_alarm_history", "AlarmHistoryItems", AlarmName=name, StartDate=start
    )  # fmt: skip
    ours = [item for item in items if item["HistoryItemType"] == "StateUpdate" and _is_ours(item, reason)]
    if not ours:
        return False, 0, []
    summaries = [
        str(item.get("HistorySummary", ""))
        for item in items
        if item["HistoryItemType"] == "Action" and item["Timestamp"] >= ours[0]["Timestamp"]
    ]
    failed = [summary for summary in summaries if summary.startswith("Failed")]
    return True, len(summaries) - len(failed), failed


def _is_ours(item: dict[str, Any], reason: str) -> bool:
    changed = json.loads(item.get("HistoryData") or "{}").get("newState", {})
    return bool(changed.get("stateValue") == "ALARM" and changed.get("stateReason") == reason)


def _reason(error: AwsError) -> dict[str, str]:
    return unknown(error.reason)


def knock(databases: Iterable[tuple[str, str, int, str, str]]) -> list[Observation]:
    """Ask each database (logical ID, host, port, user, database name) for a session without TLS.

    One that cannot be reached from here gives no observation: a private database is out of reach by design.
    """
    found: Sequence[Observation | None] = gather([functools.partial(_knock, *database) for database in databases])
    return [observation for observation in found if observation is not None]


def _knock(logical_id: str, host: str, port: int, user: str, database: str) -> Observation | None:
    try:
        answer = postgresql.ask(host, port, user, database)
    except OSError:
        return None
    value = {"tls": answer.tls, "plaintext": answer.plaintext, "sqlstate": answer.sqlstate}
    return Observation(TLS_CHECK, logical_id, "Endpoint", value)
