"""AWS Backup: a second, separate copy of the database, which takes two steps to destroy.

Nobody can delete recovery points while the vault's policy or lock stands. Who may change these can do so first; only a
lock in compliance mode (ChangeableForDays) stands against everybody once its days of grace are over.
https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_pipeline.controls.check import (
    Check,
    Judge,
    Severity,
    Verdict,
    failed,
    listed,
    mapping,
    passed,
    problems_or_pass,
    undetermined,
    unread,
    verdict,
    when,
)
from hipaa_pipeline.controls.policy import RESOURCE as RESOURCE_POLICIES
from hipaa_pipeline.controls.policy import Statement, matches, statements_of, text_of, undecided
from hipaa_pipeline.controls.rds import INSTANCE, in_cluster
from hipaa_pipeline.controls.relations import admits_service, managed_policies, related, uses_customer_key
from hipaa_pipeline.stack import Resource, Stack, as_number, is_unknown

VAULT = "AWS::Backup::BackupVault"
PLAN = "AWS::Backup::BackupPlan"
SELECTION = "AWS::Backup::BackupSelection"
SERVICE = "backup.amazonaws.com"
POLICY = "AWSBackupServiceRolePolicyForBackup"
# The defaults of AWS Config's backup-plan-min-frequency-and-min-retention-check.
DAYS = 35
_HOURS = {"minute": 1 / 60, "hour": 1.0, "day": 24.0}
_DELETING = ("backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle")


def _selected(resource: Resource, stack: Stack) -> Iterator[Verdict]:
    expected = "a backup selection of the stack that names the database"
    selections = stack.of_type(SELECTION)
    naming = [s.logical_id for s in selections if _names(mapping(s.get("BackupSelection")), resource, stack)]
    unclear = unread(*(selection.get("BackupSelection") for selection in selections))
    if unclear is not None and not naming:
        yield undetermined("", expected, unclear)
    else:
        yield verdict(bool(naming), "", expected, ", ".join(naming) or "none")


def _names(selection: Mapping[str, Any], resource: Resource, stack: Stack) -> bool:
    identifier = text_of(resource.properties.get("DBInstanceIdentifier")) or f"${{{resource.logical_id}}}"
    arn = f"arn:{stack.partition}:rds:{stack.region}:{stack.account_id}:db:{identifier}"

    def covers(values: Any) -> bool:
        return any(stack.target(v) is resource or matches(text_of(v), arn) for v in listed(values) if text_of(v))

    tags = {text_of(mapping(t).get("Key")): mapping(t).get("Value") for t in listed(resource.properties.get("Tags"))}
    tagged = any(_is_tagged(mapping(condition), tags) for condition in listed(selection.get("ListOfTags")))
    return (covers(selection.get("Resources")) or tagged) and not covers(selection.get("NotResources"))


def _is_tagged(condition: Mapping[str, Any], tags: Mapping[str, Any]) -> bool:
    value = tags.get(text_of(condition.get("ConditionKey")))
    return condition.get("ConditionType") == "STRINGEQUALS" and value == condition.get("ConditionValue")


def _each_rule(expected: str, path: str, fault: Any) -> Judge:
    """No rule of the plan has a fault: `fault(value)` tells whether the value at `path` is one."""

    def judge(plan: Resource, _stack: Stack) -> Iterator[Verdict]:
        rules = plan.get("BackupPlan.BackupPlanRule")
        if is_unknown(rules):
            yield undetermined("BackupPlan.BackupPlanRule", expected, rules)
            return
        problems = (problem for index, rule in enumerate(listed(rules)) for problem in problems_of(index, rule))
        yield from problems_or_pass(problems, "BackupPlan.BackupPlanRule", expected, f"{len(listed(rules))} rules")

    def problems_of(index: int, rule: Any) -> Iterator[Verdict]:
        value = rule
        for step in path.split("."):
            value = value if is_unknown(value) else mapping(value).get(step)
        place = f"BackupPlan.BackupPlanRule[{index}].{path}"
        if is_unknown(value):
            yield undetermined(place, expected, value)
        elif fault(value):
            yield failed(place, expected, value)

    return judge


def is_daily(schedule: Any) -> bool:
    """Whether a schedule expression runs once a day or more often; AWS Backup's own default is daily."""
    if schedule is None:
        return True
    text = text_of(schedule).strip()
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", text)
    if rate:
        return int(rate.group(1)) * _HOURS[rate.group(2)] <= 24
    fields = re.fullmatch(r"cron\(\S+ \S+ (\S+) (\S+) (\S+)(?: (\S+))?\)", text)
    return fields is not None and all(field in ("*", "?", "*/1", "1/1", None) for field in fields.groups())


def _protected(vault: Resource, _stack: Stack) -> Iterator[Verdict]:
    expected = f"a policy that denies everybody to delete any recovery point, or a lock of {DAYS} days or more"
    lock = vault.get("LockConfiguration.MinRetentionDays")
    policy = statements_of(vault, RESOURCE_POLICIES)
    denied = [action for action in _DELETING if any(_denies_everybody(statement, action) for statement in policy)]
    unclear = lock if is_unknown(lock) else undecided(policy)
    if (as_number(lock) or 0) >= DAYS:
        yield passed("LockConfiguration.MinRetentionDays", expected, lock)
    elif len(denied) < len(_DELETING) and unclear is not None:
        yield undetermined("AccessPolicy", expected, unclear)
    else:
        shown = f"denied for every recovery point: {', '.join(denied) or 'nothing'}; lock: {lock or 'none'}"
        yield verdict(len(denied) == len(_DELETING), "AccessPolicy", expected, shown)


def _denies_everybody(statement: Statement, action: str) -> bool:
    """Whether a statement denies an action to everybody, on every resource (recovery points have many kinds of ARN)."""
    everybody = any(value == "*" for _, value in statement.principals)
    everything = any(not resource.strip("*") for resource in statement.resources)
    limited = statement.conditions or statement.unknowns
    return not statement.allow and statement.acts(action) and everybody and everything and not limited


def _role_works(role: Resource, _selection: Resource, _stack: Stack) -> Iterator[Verdict]:
    path, expected = "BackupSelection.IamRoleArn", f"a role that {SERVICE} may assume, with {POLICY}"
    if not admits_service(role, SERVICE):
        yield failed(path, expected, f"{role.logical_id} does not trust {SERVICE}")
    else:
        has = POLICY in managed_policies(role)
        yield verdict(has, path, expected, role.logical_id if has else f"{role.logical_id} without {POLICY}")


def _member(resource: Resource, _stack: Stack) -> str:
    return "AWS Backup takes the cluster, not its members" if in_cluster(resource) else ""


_BACKUP = (
    "164.308(a)(7)(i)",
    "164.308(a)(7)(ii)(A)",
    "164.308(a)(7)(ii)(B)",
    "164.308(a)(7)(ii)(C)",
    "164.310(d)(2)(iv)",
    "164.312(a)(2)(ii)",
)

CHECKS = (
    Check(
        slug="rds_in_backup_plan",
        service="AWS Backup",
        severity=Severity.MEDIUM,
        title="The database is in a backup plan, apart from its own backups",
        remedy="Name the database in an AWS::Backup::BackupSelection.",
        citations=_BACKUP,
        types=(INSTANCE,),
        judge=when(_member, _selected),
        waivable=True,
    ),
    Check(
        slug="backup_daily",
        service="AWS Backup",
        severity=Severity.MEDIUM,
        title="There is a recovery point every day",
        remedy="Set ScheduleExpression to run daily.",
        citations=_BACKUP,
        types=(PLAN,),
        judge=_each_rule("at least daily", "ScheduleExpression", lambda value: not is_daily(value)),
    ),
    Check(
        slug="backup_retention",
        service="AWS Backup",
        severity=Severity.MEDIUM,
        title="Recovery points are kept for five weeks",
        remedy=f"Set Lifecycle.DeleteAfterDays to {DAYS} or more.",
        citations=_BACKUP,
        types=(PLAN,),
        judge=_each_rule(
            f"at least {DAYS} days",
            "Lifecycle.DeleteAfterDays",
            lambda value: value is not None and (as_number(value) or 0) < DAYS,
        ),
    ),
    Check(
        slug="backup_plan_vault",
        service="AWS Backup",
        severity=Severity.MEDIUM,
        title="Recovery points go into a vault of their own, not the account's default one",
        remedy="Set TargetBackupVault to a vault of the stack.",
        citations=("164.312(a)(2)(iv)", "164.312(c)(1)"),
        types=(PLAN,),
        judge=_each_rule(
            "a vault other than Default", "TargetBackupVault", lambda value: value in (None, "", "Default")
        ),
    ),
    Check(
        slug="backup_vault_encrypted",
        service="AWS Backup",
        severity=Severity.MEDIUM,
        title="The vault uses a customer managed key",
        remedy="Set EncryptionKeyArn to the ARN of a key of yours (RDS recovery points keep the database's key).",
        citations=(*_BACKUP, "164.312(a)(2)(iv)"),
        types=(VAULT,),
        judge=uses_customer_key("EncryptionKeyArn"),
    ),
    Check(
        slug="backup_vault_protected",
        service="AWS Backup",
        severity=Severity.MEDIUM,
        title="Nobody can delete recovery points without changing the vault's policy or lock first",
        remedy=f"Deny everybody {' and '.join(_DELETING)} on Resource * in AccessPolicy.",
        citations=(*_BACKUP, "164.312(c)(1)"),
        types=(VAULT,),
        judge=_protected,
    ),
    Check(
        slug="backup_role",
        service="AWS Backup",
        severity=Severity.MEDIUM,
        title="The role of the backup works",
        remedy=f"Let {SERVICE} assume the role and attach {POLICY}.",
        citations=("164.308(a)(7)(ii)(A)",),
        types=(SELECTION,),
        judge=related("BackupSelection.IamRoleArn", ("AWS::IAM::Role",), "a role", _role_works),
    ),
)
