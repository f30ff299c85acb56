"""PostgreSQL's settings: TLS, authentication, audit, automatic log-off, and no PHI in the log.

With all statement logging off, PostgreSQL's defaults still write PHI: a duplicate key logs the failing statement with
its literals (STATEMENT) and the key's value (DETAIL), an invalid value is quoted in the message itself.
https://www.postgresql.org/docs/current/runtime-config-logging.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from hipaa_pipeline.controls.check import (
    Check,
    Judge,
    Severity,
    Verdict,
    failed,
    mapping,
    problems_or_pass,
    undetermined,
    unread,
    verdict,
    when,
)
from hipaa_pipeline.stack import Resource, Stack, is_unknown

PARAMETER_GROUP = "AWS::RDS::DBParameterGroup"
CLUSTER_PARAMETER_GROUP = "AWS::RDS::DBClusterParameterGroup"
IDLE_LIMIT_MS = 3_600_000  # an hour: longer is no automatic log-off

_OFF = frozenset({"0", "off", "false", "no"})
_ON = frozenset({"1", "on", "true", "yes"})
# PostgreSQL 18 made log_connections a list of aspects; these name the client and the user.
_CONNECTION_ASPECTS = {"receipt", "authentication", "authorization"}
# PostgreSQL writes log-ins, log-offs and pgAudit's records with the level LOG. In the server's log that ranks above
# ERROR; only FATAL (a refused log-in) and PANIC rank higher.
# https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-LOG-MIN-MESSAGES
_LETTING_LOG_THROUGH = frozenset(
    {"debug5", "debug4", "debug3", "debug2", "debug1", "debug", "info", "notice", "warning", "error", "log"}
)
_TEXT_BEARING_CLASSES = {"read", "write", "function", "misc", "misc_set", "all"}
# Settings that write statement texts or bind values, each with the values that keep it quiet.
_LEAKING = {
    "auto_explain.log_min_duration": {"-1"},
    "debug_print_parse": _OFF,
    "debug_print_plan": _OFF,
    "debug_print_rewritten": _OFF,
    "log_min_duration_sample": {"-1"},
    "log_statement_stats": _OFF,
    "log_transaction_sample_rate": {"0", "0.0"},
}


def setting(resource: Resource, name: str) -> Any:
    """A server parameter as text in lower case, None where it is not set, an unknown value as it is."""
    parameters = resource.properties.get("Parameters")
    value = parameters if is_unknown(parameters) else mapping(parameters).get(name)
    if value is None or is_unknown(value):
        return value
    return ("1" if value else "0") if isinstance(value, bool) else str(value).strip().lower()


def items(value: str) -> set[str]:
    """The entries of a comma-separated setting."""
    return {item.strip() for item in value.split(",") if item.strip()}


def _not_postgresql(resource: Resource, _stack: Stack) -> str:
    family = resource.properties.get("Family")
    if not isinstance(family, str) or family.startswith("postgres"):
        return ""
    if family.startswith("aurora-postgresql"):
        return "" if resource.type == CLUSTER_PARAMETER_GROUP else "the cluster's parameter group decides"
    return f"the family is {family}"


def _setting_is(name: str, holds: Callable[[str], bool], expected: str, default: str | None = None) -> Judge:
    """The setting (or `default`, PostgreSQL's own) satisfies `holds`."""
    path = f"Parameters.{name}"

    def judge(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
        value = setting(resource, name)
        if is_unknown(value):
            yield undetermined(path, expected, value)
            return
        shown = f"not set (default {default})" if value is None and default is not None else value
        effective = default if value is None else value
        yield verdict(effective is not None and holds(effective), path, expected, shown)

    return when(_not_postgresql, judge)


def _is(name: str, *values: str, default: str | None = None) -> Judge:
    allowed = {value.lower() for value in values}
    return _setting_is(name, lambda value: value in allowed, " or ".join(values), default)


def _on(name: str) -> Judge:
    return _setting_is(name, lambda value: value in _ON, "1")


def _off(name: str, default: str) -> Judge:
    return _setting_is(name, lambda value: value in _OFF, "0", default)


def _logs_connections(value: str) -> bool:
    return value in _ON or value == "all" or items(value) >= _CONNECTION_ASPECTS


def _audits(value: str) -> bool:
    """pgaudit takes classes away again with a minus: `all,-misc`."""
    classes = items(value)
    audited = classes | {"ddl", "role"} if "all" in classes else classes
    return {"ddl", "role"} <= audited - {item.removeprefix("-") for item in classes if item.startswith("-")}


def _is_timeout(value: str) -> bool:
    """Milliseconds, above zero and at most the limit; PostgreSQL also takes a unit."""
    found = re.fullmatch(r"(\d+)\s*(ms|s|min|h|d)?", value)
    if not found:
        return False
    unit = {None: 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}[found.group(2)]
    return 0 < int(found.group(1)) * unit <= IDLE_LIMIT_MS


def _audit_texts(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    classes = setting(resource, "pgaudit.log")
    harmless = isinstance(classes, str) and not items(classes) & _TEXT_BEARING_CLASSES
    expected = "0, unless only ddl and role are audited"
    judge = _setting_is("pgaudit.log_statement", lambda value: harmless or value in _OFF, expected, "1")
    yield from judge(resource, stack)


def _audit_level(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    """The level counts only while records go to the client too. https://github.com/pgaudit/pgaudit#settings."""
    path, expected = "Parameters.pgaudit.log_level", "log, or pgaudit.log_client off"
    level, client = setting(resource, "pgaudit.log_level"), setting(resource, "pgaudit.log_client")
    unclear = unread(level, client)
    if unclear is not None:
        yield undetermined(path, expected, unclear)
    else:
        ok = level in (None, "log") or client is None or client in _OFF
        yield verdict(ok, path, expected, "not set (default log)" if level is None else level)


def _leaks(resource: Resource) -> Iterator[Verdict]:
    for name, quiet in _LEAKING.items():
        value = setting(resource, name)
        path, expected = f"Parameters.{name}", " or ".join(sorted(quiet))
        if is_unknown(value):
            yield undetermined(path, expected, value)
            return
        if value is not None and value not in quiet:
            yield failed(path, expected, value)


def _no_leaks(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    expected = f"none of {', '.join(_LEAKING)}"
    yield from problems_or_pass(_leaks(resource), "Parameters", expected, "none")


_TLS = ("164.312(e)(1)", "164.312(e)(2)(i)", "164.312(e)(2)(ii)")
_PASSWORDS = ("164.308(a)(5)(ii)(D)", "164.312(d)")
_LOG_IN = ("164.308(a)(1)(ii)(D)", "164.308(a)(5)(ii)(C)", "164.312(b)")
_AUDIT = ("164.308(a)(1)(ii)(D)", "164.312(b)")
_NO_PHI = ("164.308(a)(1)(ii)(B)", "164.312(a)(1)")
_LOG_OFF = ("164.312(a)(2)(iii)",)

_ROWS: tuple[tuple[str, Severity, str, str, tuple[str, ...], Judge], ...] = (
    ("postgresql_tls_forced", Severity.CRITICAL, "The server refuses sessions without TLS",
     'Set rds.force_ssl to "1".', _TLS, _on("rds.force_ssl")),
    ("postgresql_tls_version", Severity.HIGH, "Sessions use TLS 1.2 or newer (NIST SP 800-52r2)",
     "Set ssl_min_protocol_version to TLSv1.2 or TLSv1.3.", ("164.312(e)(2)(ii)",),
     _is("ssl_min_protocol_version", "TLSv1.2", "TLSv1.3")),
    ("postgresql_password_encryption", Severity.MEDIUM, "Passwords are stored as SCRAM verifiers, not as MD5",
     "Set password_encryption to scram-sha-256.", _PASSWORDS,
     _is("password_encryption", "scram-sha-256")),
    ("postgresql_password_authentication", Severity.MEDIUM, "The server accepts SCRAM authentication only",
     "Set rds.accepted_password_auth_method to scram.", _PASSWORDS,
     _is("rds.accepted_password_auth_method", "scram")),
    ("postgresql_connections_logged", Severity.HIGH, "Every log-in is recorded",
     'Set log_connections to "1".', _LOG_IN,
     _setting_is("log_connections", _logs_connections, "1")),
    ("postgresql_disconnections_logged", Severity.MEDIUM, "The end of every session is recorded",
     'Set log_disconnections to "1".', _LOG_IN, _on("log_disconnections")),
    ("postgresql_records_written", Severity.HIGH, "The log takes the records of log-ins, refused log-ins and the audit",
     "Set log_min_messages to log: fatal and panic drop them.", _LOG_IN,
     _setting_is("log_min_messages", _LETTING_LOG_THROUGH.__contains__, "log, or a level below it", "warning")),
    ("postgresql_audit_level", Severity.HIGH, "The audit's records have the level that the log takes",
     "Leave pgaudit.log_client and pgaudit.log_level out: log_min_messages drops records of a lower level.", _AUDIT,
     when(_not_postgresql, _audit_level)),
    ("postgresql_audit_library", Severity.HIGH, "The audit library is loaded",
     "Name pgaudit in shared_preload_libraries.", _AUDIT,
     _setting_is("shared_preload_libraries", lambda value: "pgaudit" in items(value), "pgaudit")),
    ("postgresql_audit_classes", Severity.HIGH, "That structure or rights were changed, and by whom, is audited",
     "Name ddl and role in pgaudit.log.", _AUDIT,
     _setting_is("pgaudit.log", _audits, "ddl,role")),
    ("postgresql_audit_parameters_hidden", Severity.HIGH, "Audit records hold no bind values",
     'Set pgaudit.log_parameter to "0".', _NO_PHI, _off("pgaudit.log_parameter", "0")),
    ("postgresql_audit_texts_hidden", Severity.HIGH, "Audit records of reads and writes hold no statement texts",
     'Set pgaudit.log_statement to "0".', _NO_PHI, _audit_texts),
    ("postgresql_error_messages_hidden", Severity.HIGH, "Error messages, which quote input values, are not logged",
     "Set log_min_messages to log: log-ins, audit records and refused log-ins stay.", _NO_PHI,
     _is("log_min_messages", "log", "fatal", "panic", default="warning")),
    ("postgresql_error_statements_hidden", Severity.HIGH, "Failing statements are not logged with their literals",
     "Set log_min_error_statement to panic.", _NO_PHI,
     _is("log_min_error_statement", "panic", "fatal", default="error")),
    ("postgresql_error_details_hidden", Severity.HIGH, "Errors are logged without the values that caused them",
     "Set log_error_verbosity to terse.", _NO_PHI,
     _is("log_error_verbosity", "terse", default="default")),
    ("postgresql_statements_hidden", Severity.HIGH, "Statements, which hold literals and passwords, are not logged",
     "Set log_statement to none: pgaudit records changes, and redacts passwords.", _NO_PHI,
     _is("log_statement", "none", default="none")),
    ("postgresql_slow_statements_hidden", Severity.HIGH, "Slow statements are not logged with their literals",
     'Set log_min_duration_statement to "-1".', _NO_PHI,
     _is("log_min_duration_statement", "-1", default="-1")),
    ("postgresql_bind_values_hidden", Severity.HIGH, "Logged statements hold no bind values",
     'Set log_parameter_max_length to "0".', _NO_PHI,
     _is("log_parameter_max_length", "0", default="-1")),
    ("postgresql_error_bind_values_hidden", Severity.HIGH, "Logged errors hold no bind values",
     'Set log_parameter_max_length_on_error to "0".', _NO_PHI,
     _is("log_parameter_max_length_on_error", "0", default="0")),
    ("postgresql_no_leaking_settings", Severity.HIGH, "No other setting writes statement texts into the log",
     "Remove the setting.", _NO_PHI, when(_not_postgresql, _no_leaks)),
    ("postgresql_idle_session_ends", Severity.MEDIUM, "Idle sessions end within an hour",
     f"Set idle_session_timeout to 1 to {IDLE_LIMIT_MS} ms.", _LOG_OFF,
     _setting_is("idle_session_timeout", _is_timeout, f"1 to {IDLE_LIMIT_MS} ms", "0")),
    ("postgresql_idle_transaction_ends", Severity.MEDIUM, "Sessions idle in a transaction end within an hour",
     f"Set idle_in_transaction_session_timeout to 1 to {IDLE_LIMIT_MS} ms.", _LOG_OFF,
     _setting_is("idle_in_transaction_session_timeout", _is_timeout, f"1 to {IDLE_LIMIT_MS} ms", "0")),
)  # fmt: skip

CHECKS = tuple(
    Check(
        slug=slug,
        service="RDS",
        severity=severity,
        title=title,
        remedy=remedy,
        citations=citations,
        types=(PARAMETER_GROUP, CLUSTER_PARAMETER_GROUP),
        judge=judge,
    )
    for slug, severity, title, remedy, citations, judge in _ROWS
)
