"""DB parameter groups: what each parameter is, who set it, and whether an instance still waits for a reboot.

MiniStack knows seven parameters, shows every other one as set at once, and never lets an instance wait for a reboot.
Here the PostgreSQL parameters that concern security and audit are known with their type; an unknown name is refused.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.local.additions import Additions
from hipaa_pipeline.local.rds_offers import _page
from hipaa_pipeline.local.wire import ApiError

STATIC, DYNAMIC = "static", "dynamic"
# Name: apply type, RDS's own value (None: the engine decides), data type, allowed values.
_Known = tuple[str, str | None, str, str]
_ON_OFF = "0,1"
_LEVELS = "debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic"
_LIBRARIES = "auto_explain,pgaudit,pglogical,pg_cron,pg_hint_plan,pg_prewarm,pg_stat_statements,pg_tle,pg_transport"
POSTGRES: dict[str, _Known] = {
    "autovacuum": (DYNAMIC, "1", "boolean", _ON_OFF),
    "client_min_messages": (DYNAMIC, None, "string", "debug5,debug4,debug3,debug2,debug1,log,notice,warning,error"),
    "effective_cache_size": (DYNAMIC, "{DBInstanceClassMemory/16384}", "integer", "1-2147483647"),
    "idle_in_transaction_session_timeout": (DYNAMIC, "86400000", "integer", "0-2147483647"),
    "idle_session_timeout": (DYNAMIC, None, "integer", "0-2147483647"),
    "lock_timeout": (DYNAMIC, None, "integer", "0-2147483647"),
    "log_autovacuum_min_duration": (DYNAMIC, "10000", "integer", "-1-2147483647"),
    "log_checkpoints": (DYNAMIC, "1", "boolean", _ON_OFF),
    "log_connections": (DYNAMIC, None, "string", ""),
    "log_destination": (DYNAMIC, "stderr", "list", "stderr,csvlog"),
    "log_disconnections": (DYNAMIC, None, "boolean", _ON_OFF),
    "log_duration": (DYNAMIC, None, "boolean", _ON_OFF),
    "log_error_verbosity": (DYNAMIC, None, "string", "terse,default,verbose"),
    "log_hostname": (DYNAMIC, "1", "boolean", _ON_OFF),
    "log_line_prefix": (DYNAMIC, "%t:%r:%u@%d:[%p]:", "string", ""),
    "log_lock_waits": (DYNAMIC, None, "boolean", _ON_OFF),
    "log_min_duration_sample": (DYNAMIC, None, "integer", "-1-2147483647"),
    "log_min_duration_statement": (DYNAMIC, None, "integer", "-1-2147483647"),
    "log_min_error_statement": (DYNAMIC, None, "string", _LEVELS),
    "log_min_messages": (DYNAMIC, None, "string", _LEVELS),
    "log_parameter_max_length": (DYNAMIC, None, "integer", "-1-1073741823"),
    "log_parameter_max_length_on_error": (DYNAMIC, None, "integer", "-1-1073741823"),
    "log_statement": (DYNAMIC, None, "string", "none,ddl,mod,all"),
    "log_statement_sample_rate": (DYNAMIC, None, "float", "0-1"),
    "log_temp_files": (DYNAMIC, None, "integer", "-1-2147483647"),
    "log_transaction_sample_rate": (DYNAMIC, None, "float", "0-1"),
    "maintenance_work_mem": (DYNAMIC, None, "integer", "1024-2147483647"),
    "max_connections": (STATIC, "LEAST({DBInstanceClassMemory/9531392},5000)", "integer", "6-8388607"),
    "password_encryption": (DYNAMIC, None, "string", "md5,scram-sha-256"),
    "pg_stat_statements.track": (DYNAMIC, None, "string", "none,top,all"),
    "pgaudit.log": (DYNAMIC, None, "list", "ddl,function,misc,read,role,write,none,all,-ddl,-function,-misc,-read"),
    "pgaudit.log_catalog": (DYNAMIC, None, "boolean", _ON_OFF),
    "pgaudit.log_client": (DYNAMIC, None, "boolean", _ON_OFF),
    "pgaudit.log_level": (DYNAMIC, None, "string", "debug5,debug4,debug3,debug2,debug1,info,notice,warning,log"),
    "pgaudit.log_parameter": (DYNAMIC, None, "boolean", _ON_OFF),
    "pgaudit.log_relation": (DYNAMIC, None, "boolean", _ON_OFF),
    "pgaudit.log_rows": (DYNAMIC, None, "boolean", _ON_OFF),
    "pgaudit.log_statement": (DYNAMIC, None, "boolean", _ON_OFF),
    "pgaudit.log_statement_once": (DYNAMIC, None, "boolean", _ON_OFF),
    "pgaudit.role": (DYNAMIC, None, "string", "rds_pgaudit"),
    "rds.accepted_password_auth_method": (DYNAMIC, "md5+scram", "string", "md5+scram,scram"),
    "rds.force_admin_logging_level": (DYNAMIC, None, "string", "disabled,info,notice,warning,error,log,fatal"),
    "rds.force_autovacuum_logging_level": (DYNAMIC, "warning", "string", "disabled,info,notice,warning,error,log"),
    "rds.force_ssl": (DYNAMIC, "1", "boolean", _ON_OFF),
    "rds.log_retention_period": (DYNAMIC, "4320", "integer", "1440-10080"),
    "rds.logical_replication": (STATIC, "0", "boolean", _ON_OFF),
    "rds.restrict_password_commands": (STATIC, "0", "boolean", _ON_OFF),
    "shared_buffers": (STATIC, "{DBInstanceClassMemory/32768}", "integer", "16-1073741823"),
    "shared_preload_libraries": (STATIC, "pg_stat_statements", "list", _LIBRARIES),
    "ssl": (DYNAMIC, "1", "boolean", _ON_OFF),
    "ssl_ciphers": (DYNAMIC, None, "list", ""),
    "ssl_max_protocol_version": (DYNAMIC, None, "string", "TLSv1.1,TLSv1.2,TLSv1.3"),
    "ssl_min_protocol_version": (DYNAMIC, "TLSv1.2", "string", "TLSv1.1,TLSv1.2,TLSv1.3"),
    "statement_timeout": (DYNAMIC, None, "integer", "0-2147483647"),
    "timezone": (DYNAMIC, "UTC", "string", ""),
    "track_activity_query_size": (STATIC, "4096", "integer", "100-1048576"),
    "transaction_timeout": (DYNAMIC, None, "integer", "0-2147483647"),
    "work_mem": (DYNAMIC, None, "integer", "64-2147483647"),
}  # fmt: skip


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={
            "rds.DescribeDBParameters": describe_parameters,
            "rds.DescribeEngineDefaultParameters": describe_engine_defaults,
        },
        wrappers={
            "services.rds._modify_param_group": _noticing_changes,
            "services.rds._reset_param_group": _noticing_changes,
        },
        creation_checks=(_check_parameters,),
        refusals={"rds.ModifyDBParameterGroup": _refuse_unknown},
    )


def _rds() -> Any:
    from ministack.services import rds

    return rds


def _check_parameters(resource_type: str, properties: Any) -> None:
    if resource_type == "AWS::RDS::DBParameterGroup" and str(properties.get("Family", "")).startswith("postgres"):
        _check_names(properties.get("Parameters") or {})


def _refuse_unknown(request: dict[str, Any]) -> None:
    group = _rds()._param_groups.get(request["DBParameterGroupName"])
    if group and group["DBParameterGroupFamily"].startswith("postgres"):
        _check_names({each["ParameterName"]: each.get("ParameterValue") for each in request["Parameters"]})


def _check_names(parameters: Mapping[str, Any]) -> None:
    for name in parameters:
        if name not in POSTGRES:
            raise ApiError("InvalidParameterValue", f"Could not find parameter with name: {name}")


def _noticing_changes(own: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let the group's instances wait for a reboot when a static parameter has changed."""

    def change(request: Any) -> Any:
        name = _rds()._p(request, "DBParameterGroupName")
        group = _rds()._param_groups.get(name) or {}
        before = copy.deepcopy(group.get("Parameters", {}))
        answer = own(request)
        after = group.get("Parameters", {})
        changed = {each for each in before.keys() | after.keys() if _value(before, each) != _value(after, each)}
        if any(POSTGRES.get(each, (DYNAMIC,))[0] == STATIC for each in changed):
            _await_reboot(name)
        return answer

    return change


def _value(parameters: Mapping[str, Any], name: str) -> Any:
    return (parameters.get(name) or {}).get("ParameterValue")


def _await_reboot(group_name: str) -> None:
    for instance in _rds()._instances.values():
        for group in instance.get("DBParameterGroups", ()):
            if group["DBParameterGroupName"] == group_name:
                group["ParameterApplyStatus"] = "pending-reboot"


def describe_parameters(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeDBParameters, by source and in pages. Raises ApiError for an unknown group."""
    name = request["DBParameterGroupName"]
    group = _rds()._param_groups.get(name)
    if group is None:
        raise ApiError("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
    set_by_user = group.get("Parameters", {})
    shown = [_parameter(each, known, set_by_user.get(each)) for each, known in sorted(POSTGRES.items())]
    wanted = request.get("Source")
    return _page(request, "Parameters", [each for each in shown if wanted in {None, each["Source"]}])


def describe_engine_defaults(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeEngineDefaultParameters, by names and in pages. Raises ApiError for a family that is not PostgreSQL's."""
    family = request["DBParameterGroupFamily"]
    if not family.startswith("postgres"):
        raise ApiError("InvalidParameterValue", f"ParameterGroupFamily {family} is not a valid parameter group family")
    wanted = [each for each in request.get("Filters") or () if each["Name"] == "parameter-name"]
    shown = [
        _parameter(name, known, None)
        for name, known in sorted(POSTGRES.items())
        if all(name in each["Values"] for each in wanted)
    ]
    return {"EngineDefaults": {"DBParameterGroupFamily": family, **_page(request, "Parameters", shown)}}


def _parameter(name: str, known: _Known, set_value: Mapping[str, Any] | None) -> dict[str, Any]:
    apply_type, own_value, data_type, allowed = known
    source = "user" if set_value else "system" if own_value else "engine-default"
    value = set_value["ParameterValue"] if set_value else own_value
    return {
        "ParameterName": name,
        **({} if value is None else {"ParameterValue": value}),
        "Source": source,
        "ApplyType": apply_type,
        "DataType": data_type,
        "AllowedValues": allowed or None,
        "IsModifiable": True,
        "ApplyMethod": "pending-reboot" if apply_type == STATIC or not set_value else "immediate",
    }
