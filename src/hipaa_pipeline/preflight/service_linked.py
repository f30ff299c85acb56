"""Is RDS's service-linked role there, or may the caller create it?"""

from __future__ import annotations

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight.facts import Facts
from hipaa_pipeline.preflight.operations import GET_ROLE
from hipaa_pipeline.preflight.subject import Subject, warning

CONTROL = "service_linked_role"

# Resource type -> the role that its service makes for itself at the first such resource of an account, and for whom.
_ROLES = {"AWS::RDS::DBInstance": ("AWSServiceRoleForRDS", "rds.amazonaws.com")}


def service_linked_role(subject: Subject, facts: Facts) -> list[Finding]:
    """The role exists. Where it does not, the first database creates it, which needs one role more and a permission."""
    return [_judge(role, service, facts) for kind, (role, service) in _ROLES.items() if subject.stack.of_type(kind)]


def _judge(role: str, service: str, facts: Facts) -> Finding:
    if facts.maybe(GET_ROLE(RoleName=role)):
        return Finding(control=CONTROL, status=Status.PASS, resource=role, actual="exists")
    return warning(
        CONTROL,
        f"{role} does not exist yet: the first use of {service} creates it, if the caller may"
        " (iam:CreateServiceLinkedRole), and sometimes fails that first time",
        resource=role,
        remedy=f"aws iam create-service-linked-role --aws-service-name {service}",
    )
