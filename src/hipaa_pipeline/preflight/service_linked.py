"""Are the service-linked roles there that the stack's services work with?"""

from __future__ import annotations

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight.facts import Facts, Problem, absent
from hipaa_pipeline.preflight.operations import GET_ROLE
from hipaa_pipeline.preflight.subject import Subject, warning
from hipaa_pipeline.stack import Stack

CONTROL = "service_linked_role"

# Resource type -> the role that its service makes for itself at the first such resource of an account, and for whom.
_ROLES = {
    "AWS::RDS::DBInstance": ("AWSServiceRoleForRDS", "rds.amazonaws.com"),
    "AWS::Backup::BackupSelection": ("AWSServiceRoleForBackup", "backup.amazonaws.com"),
}


def service_linked_role(subject: Subject, facts: Facts) -> list[Finding]:
    """Each role exists. Where it does not, the first such resource creates it, which needs a permission."""
    return [_judge(role, service, answer) for (role, service), answer in _answers(subject.stack, facts)]


def all_exist(stack: Stack, facts: Facts) -> bool:
    """Whether nothing has to be created; false when that is not known. Raises NotAskedYet."""
    return not any(isinstance(answer, Problem) for _, answer in _answers(stack, facts))


def _answers(stack: Stack, facts: Facts) -> list[tuple[tuple[str, str], object]]:
    roles = [role for kind, role in _ROLES.items() if stack.of_type(kind)]
    return list(zip(roles, facts.each(*(GET_ROLE(RoleName=role) for role, _ in roles)), strict=True))


def _judge(role: str, service: str, answer: object) -> Finding:
    if not isinstance(answer, Problem):
        return Finding(control=CONTROL, status=Status.PASS, resource=role, actual="exists")
    if not absent(answer):
        return Finding(
            control=CONTROL, status=Status.UNKNOWN, resource=role, reason=answer.reason, remedy=answer.remedy
        )
    return warning(
        CONTROL,
        "does not exist yet: the first use creates it, which may fail that once, and needs iam:CreateServiceLinkedRole",
        resource=role,
        remedy=f"aws iam create-service-linked-role --aws-service-name {service}",
    )
