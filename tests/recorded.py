"""An AWS account as a dictionary: what each read of the preflight would answer, in the shapes of the real APIs.

`Recorded` starts as a healthy, nearly empty account in which the deployment fits. A test changes one answer, gives a
`Problem`, or a function of the call's arguments, and asks a question of it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight import Subject
from hipaa_pipeline.preflight import operations as aws
from hipaa_pipeline.preflight.checks import CHECKS
from hipaa_pipeline.preflight.facts import Facts, NotAskedYet, Operation, Problem, Read
from hipaa_pipeline.preflight.quotas import BY_SLUG
from hipaa_pipeline.preflight.result import Result
from hipaa_pipeline.preflight.run import assembled, questions
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import Resource, Stack

T = TypeVar("T")

REGION = "ap-southeast-1"
ACCOUNT = "111122223333"
NAME = "hipaa-pipeline-test"
NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/deployer"
VPC = "vpc-0123456789abcdef0"
OURS = [{"Key": "hipaa-pipeline:environment", "Value": "test"}]
SUBNETS = ("subnet-0123456789abcdef0", "subnet-0123456789abcdef1")

NO_SUCH = Problem("not-found", "x:Get", "NotFound", "it does not exist")
DENIED = Problem("denied", "x:Get", "AccessDenied", "no")


def denied(operation: Operation) -> Problem:
    """How a read of this operation is refused."""
    return Problem("denied", operation.action, "AccessDeniedException", "not authorized")


def trust(*services: str) -> dict[str, Any]:
    """A trust policy as boto3 returns it."""
    statement = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def vpc(vpc_id: str, cidr: str = "10.99.0.0/16") -> dict[str, Any]:
    """A VPC as DescribeVpcs shows it."""
    return {"VpcId": vpc_id, "CidrBlock": cidr, "CidrBlockAssociationSet": [{"CidrBlock": cidr}]}


def subnet(subnet_id: str, zone: str, vpc_id: str = VPC, free: int = 250, **more: Any) -> dict[str, Any]:
    """A subnet as DescribeSubnets shows it."""
    return {
        "SubnetId": subnet_id,
        "VpcId": vpc_id,
        "AvailabilityZone": f"{REGION}{zone}",
        "AvailableIpAddressCount": free,
        "MapPublicIpOnLaunch": False,
        **more,
    }


def route_table(vpc_id: str = VPC, gateway: str = "local", **association: Any) -> dict[str, Any]:
    """A route table as DescribeRouteTables shows it; the main one unless it is associated otherwise."""
    return {
        "RouteTableId": "rtb-1",
        "VpcId": vpc_id,
        "Associations": [association or {"Main": True}],
        "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}],
    }


def orderable(**changes: Any) -> dict[str, Any]:
    """An orderable database option as RDS shows it."""
    return {
        "StorageType": "gp3",
        "MultiAZCapable": True,
        "SupportsStorageEncryption": True,
        "SupportsIAMDatabaseAuthentication": True,
        "SupportsPerformanceInsights": True,
        "MinStorageSize": 20,
        "MaxStorageSize": 65536,
        "AvailabilityZones": [{"Name": f"{REGION}{zone}"} for zone in "abc"],
        **changes,
    }


def zone(letter: str, state: str = "available") -> dict[str, Any]:
    """A zone as DescribeAvailabilityZones shows it."""
    return {"ZoneName": f"{REGION}{letter}", "State": state, "RegionName": REGION, "ZoneType": "availability-zone"}


def endpoint_service(name: str, zones: str = "abc") -> dict[str, Any]:
    """The service of an interface endpoint as DescribeVpcEndpointServices shows it."""
    return {
        "ServiceName": name,
        "ServiceType": [{"ServiceType": "Interface"}],
        "AvailabilityZones": [f"{REGION}{letter}" for letter in zones],
    }


def parameter(name: str, **changes: Any) -> dict[str, Any]:
    """A parameter as DescribeEngineDefaultParameters shows it."""
    return {
        "ParameterName": name, "Source": "engine-default", "ApplyType": "dynamic", "DataType": "string",
        "IsModifiable": True, **changes,
    }  # fmt: skip


def service_quotas(arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What ListServiceQuotas says with nothing but defaults applied."""
    return [
        {"QuotaCode": quota.code, "Value": float(quota.default)}
        for quota in BY_SLUG.values()
        if quota.service == arguments["ServiceCode"] and quota.code and quota.default is not None
    ]


HEALTHY: dict[Operation, Any] = {
    aws.GET_CALLER_IDENTITY: {"Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/me"},
    aws.GET_ROLE: lambda arguments: (
        {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/{arguments['RoleName']}"}}
        if arguments["RoleName"] in {"deployer", "AWSServiceRoleForRDS", "AWSServiceRoleForBackup"}
        else NO_SUCH
    ),
    aws.SIMULATE_PRINCIPAL_POLICY: lambda arguments: [
        {"EvalActionName": action, "EvalDecision": "allowed"} for action in arguments["ActionNames"]
    ],
    aws.DESCRIBE_STACKS: Problem("invalid", "cloudformation:DescribeStacks", "ValidationError", "Stack does not exist"),
    aws.LIST_SERVICE_QUOTAS: service_quotas,
    aws.LIST_DEFAULT_QUOTAS: service_quotas,
    aws.GET_ACCOUNT_SUMMARY: {
        "SummaryMap": {
            "Roles": 10, "RolesQuota": 1000, "Policies": 10, "PoliciesQuota": 1500, "AttachedPoliciesPerRoleQuota": 10,
        }
    },
    aws.DESCRIBE_RDS_ACCOUNT: [
        {"AccountQuotaName": name, "Used": 0, "Max": most}
        for name, most in {
            "DBInstances": 40, "DBParameterGroups": 50, "DBSubnetGroups": 50, "AllocatedStorage": 100_000,
            "ManualSnapshots": 100,
        }.items()
    ],
    aws.DESCRIBE_KINESIS_LIMITS: {
        "ShardLimit": 6000, "OpenShardCount": 0, "OnDemandStreamCount": 0, "OnDemandStreamCountLimit": 50,
    },
    aws.DESCRIBE_ACCOUNT_LIMITS: [{"Name": "StackLimit", "Value": 2000}],
    aws.DESCRIBE_VPCS: [vpc("vpc-default", "172.31.0.0/16")],
    aws.DESCRIBE_STREAM_SUMMARY: NO_SUCH,
    aws.DESCRIBE_DB_INSTANCES: NO_SUCH,
    aws.DESCRIBE_DB_SUBNET_GROUPS: NO_SUCH,
    aws.DESCRIBE_DB_PARAMETER_GROUPS: NO_SUCH,
    aws.GET_POLICY: NO_SUCH,
    aws.GET_TOPIC_ATTRIBUTES: NO_SUCH,
    aws.DESCRIBE_VPC_ATTRIBUTE: lambda arguments: {
        arguments["Attribute"][0].upper() + arguments["Attribute"][1:]: {"Value": True}
    },
    aws.DESCRIBE_ORDERABLE_OPTIONS: [orderable()],
    aws.DESCRIBE_ENGINE_DEFAULTS: lambda arguments: [
        parameter(name) for name in arguments["Filters"][0]["Values"]
    ],
    aws.DESCRIBE_AVAILABILITY_ZONES: [zone(letter) for letter in "abc"],
    aws.DESCRIBE_ENDPOINT_SERVICES: lambda arguments: [
        endpoint_service(name) for name in arguments["Filters"][0]["Values"]
    ],
    aws.DESCRIBE_ENGINE_VERSIONS: [{"EngineVersion": version} for version in ("16.14", "17.10", "17.11")],
}  # fmt: skip


class Recorded:
    """The account. Operations that have no answer list nothing."""

    def __init__(self, changes: Mapping[Operation, Any] | None = None) -> None:
        self.answers = {**HEALTHY, **(changes or {})}
        self.asked: list[Read] = []

    def answer(self, read: Read) -> Any:
        """What AWS would answer."""
        self.asked.append(read)
        answer = self.answers.get(read.operation, [])
        return answer(read.arguments) if callable(answer) else answer

    def ask(self, question: Callable[[Facts], T]) -> T:
        """The result of a question, answered round by round."""
        answers: dict[Read, Any] = {}
        facts = Facts(answers)
        while True:
            try:
                return question(facts)
            except NotAskedYet as waiting:
                answers.update({read: self.answer(read) for read in waiting.reads})

    def preflight(self, subject: Subject, skip: tuple[str, ...] = ()) -> Result:
        """The whole preflight of this account."""
        return assembled(subject, [self.ask(question) for question in questions(subject, skip)])


def stack_of(*resources: Resource, **fields: Any) -> Stack:
    """A stack of these resources."""
    described = {resource.logical_id: resource for resource in resources}
    return Stack(described, REGION, ACCOUNT, name=NAME, **fields)


def resource(logical_id: str, kind: str, attributes: Mapping[str, Any] | None = None, **properties: Any) -> Resource:
    """A resource; `kind` is its type without `AWS::`."""
    return Resource(logical_id, f"AWS::{kind}", properties, attributes or {})


def subject_of(stack: Stack, **fields: Any) -> Subject:
    """What a preflight judges, now and with credentials that do not end."""
    held = [Finding(control="rds_storage_encrypted", status=Status.PASS)]
    return Subject(**{"stack": stack, "template_bytes": 1000, "now": NOW, "controls": held, **fields})


def our_stack(**parameters: str) -> Stack:
    """The project's own template with small parameters, changed as given."""
    small = {"EnvironmentSuffix": "test", "DeletionProtection": "false", "DatabaseEngineVersion": "17.11"}
    template = load_template("templates/hipaa-pipeline.yaml")
    return resolve(template, {**small, **parameters}, region=REGION, account_id=ACCOUNT, stack_name=NAME)


def ask(slug: str, account: Recorded, stack: Stack, **subject: Any) -> list[Finding]:
    """The findings of one check."""
    check = next(each for each in CHECKS if each.slug == slug)
    return account.ask(lambda facts: check.judge(subject_of(stack, **subject), facts))


def troubles(findings: list[Finding]) -> list[tuple[str, str]]:
    """The rule and status of every finding that is not good."""
    return [
        (each.rule, str(each.status)) for each in findings if each.status not in {Status.PASS, Status.NOT_APPLICABLE}
    ]


def deployed(stack: Stack, status: str = "CREATE_COMPLETE") -> Recorded:
    """An account in which our template is deployed with these parameters."""
    parameters = [{"ParameterKey": name, "ParameterValue": str(value)} for name, value in stack.parameters.items()]
    return Recorded(
        {
            aws.DESCRIBE_STACKS: [{"StackStatus": status, "Parameters": parameters, "Tags": OURS}],
            aws.LIST_STACK_RESOURCES: [
                {"LogicalResourceId": name, "PhysicalResourceId": f"x-{name}", "ResourceStatus": "CREATE_COMPLETE"}
                for name in stack.resources
            ],
            aws.GET_TEMPLATE: {"TemplateBody": Path("templates/hipaa-pipeline.yaml").read_text()},
        }
    )
