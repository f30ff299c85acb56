"""Names and tags: explicit names are `healthcare-<resource type>-${EnvironmentSuffix}`; what takes tags gets them."""

from __future__ import annotations

from troposphere import If, NoValue, Ref, Sub, Tags

SUFFIX = "EnvironmentSuffix"
PREFIX = "healthcare"


def name(kind: str) -> Sub:
    """The explicit name of a resource: `healthcare-<kind>-<suffix>`."""
    return Sub(name_text(kind))


def name_text(kind: str) -> str:
    """The same as a piece of a longer `Fn::Sub` text, for ARNs and patterns (`kind` may be `*`)."""
    return f"{PREFIX}-{kind}-${{{SUFFIX}}}"


def arn(service: str, resource: str, *, region: bool = True) -> Sub:
    """An ARN of this account, in this Region unless the service is global."""
    place = "${AWS::Region}" if region else ""
    return Sub(f"arn:${{AWS::Partition}}:{service}:{place}:${{AWS::AccountId}}:{resource}")


def aws_managed_policy(path: str) -> Sub:
    """The ARN of a policy that AWS maintains."""
    return Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{path}")


def tag_values(kind: str = "") -> dict[str, object]:
    """The tags of a resource: its environment, and a name where it has none of its own.

    What an organisation wants besides (data classification, owner) comes from the `Tags` of the parameter file, which
    CloudFormation adds to every resource. Tags are no place for PHI: tagging is not a HIPAA-eligible service.
    """
    return {"Environment": Ref(SUFFIX), **({"Name": name(kind)} if kind else {})}


def tags(kind: str = "") -> Tags:
    """The same in CloudFormation's usual list form."""
    return Tags(**tag_values(kind))


def kebab(logical_id: str) -> str:
    """A logical ID as a piece of a name: `CpuAlarm` becomes `cpu-alarm`."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in logical_id).lstrip("-")


def permissions_boundary() -> If:
    """The boundary an organisation may demand on every role, or nothing."""
    return If(
        "HasBoundary",
        Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/${PermissionsBoundaryName}"),
        NoValue,
    )
