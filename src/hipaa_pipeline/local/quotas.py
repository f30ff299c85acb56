"""Account quotas: the catalogue, the values applied here, usage counted from MiniStack's stores, and the refusals.

MiniStack enforces none: 20 VPCs and 1,005 roles were accepted. Codes and defaults are those of the Service Quotas
console (`aws-deploy` notes; a starred default is not confirmed), error texts those that AWS's users have reported.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from hipaa_pipeline.local.wire import ApiError

Parameters = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Quota:
    """One count quota. `usage` and `demand` look at the stores and at what is about to be created.

    `operation` and `resource_type` name what consumes it; `demand` gives how many units a creation takes, 0 when the
    quota does not concern it (a gateway endpoint and the quota of interface endpoints).
    """

    service_code: str
    code: str
    name: str
    default: float
    resource_type: str
    operation: str
    error: Callable[[float], ApiError]
    usage: Callable[[Parameters], int]
    demand: Callable[[Parameters], int] = lambda _: 1
    handler_code: str = "ServiceLimitExceeded"

    @property
    def key(self) -> str:
        """`service code/quota code`, as the command line and the admin endpoint write it."""
        return f"{self.service_code}/{self.code}"


def catalogue() -> tuple[Quota, ...]:
    """Every quota this account knows. Imports MiniStack, so call it in the account's own process only."""
    from ministack.services import (
        cloudformation,
        cloudwatch_logs,
        ec2,
        iam,
        kinesis,
        kms,
        rds,
        secretsmanager,
        sns,
    )

    def of_vpc(store: Any, parameters: Parameters) -> int:
        return sum(1 for record in store.values() if record.get("VpcId") == parameters.get("VpcId"))

    def endpoints(kind: str, vpc_id: str | None = None) -> int:
        return sum(
            1
            for record in ec2._vpc_endpoints.values()
            if record.get("VpcEndpointType") == kind and (vpc_id is None or record.get("VpcId") == vpc_id)
        )

    return (
        Quota(
            "vpc", "L-F678F1CE", "VPCs per Region", 5, "AWS::EC2::VPC", "ec2.CreateVpc",
            _fixed("VpcLimitExceeded", "The maximum number of VPCs has been reached."),
            lambda _: len(ec2._vpcs), handler_code="GeneralServiceException",
        ),
        Quota(
            "vpc", "L-407747CB", "Subnets per VPC", 200, "AWS::EC2::Subnet", "ec2.CreateSubnet",
            _fixed("SubnetLimitExceeded", "The maximum number of subnets has been reached."),
            lambda parameters: of_vpc(ec2._subnets, parameters), handler_code="GeneralServiceException",
        ),
        Quota(
            "vpc", "L-E79EC296", "VPC security groups per Region", 2500, "AWS::EC2::SecurityGroup",
            "ec2.CreateSecurityGroup",
            _fixed("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached."),
            lambda _: len(ec2._security_groups), handler_code="GeneralServiceException",
        ),
        Quota(
            "vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC", 50, "AWS::EC2::VPCEndpoint",
            "ec2.CreateVpcEndpoint",
            _fixed("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached."),
            lambda parameters: endpoints("Interface", parameters.get("VpcId")),
            lambda parameters: int(parameters.get("VpcEndpointType") == "Interface"),
            handler_code="GeneralServiceException",
        ),
        Quota(
            "vpc", "L-1B52E74A", "Gateway VPC endpoints per Region", 20, "AWS::EC2::VPCEndpoint",
            "ec2.CreateVpcEndpoint",
            _fixed("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached."),
            lambda _: endpoints("Gateway"),
            lambda parameters: int(parameters.get("VpcEndpointType", "Gateway") == "Gateway"),
            handler_code="GeneralServiceException",
        ),
        Quota(
            "iam", "L-FE177D64", "Roles per account", 1000, "AWS::IAM::Role", "iam.CreateRole",
            _counted("LimitExceeded", "Cannot exceed quota for RolesPerAccount: {limit}", 409),
            lambda _: len(iam._roles),
        ),
        Quota(
            "iam", "L-E95E4862", "Customer managed policies per account", 1500, "AWS::IAM::ManagedPolicy",
            "iam.CreatePolicy",
            _counted("LimitExceeded", "Cannot exceed quota for PoliciesPerAccount: {limit}", 409),
            lambda _: sum(1 for arn in iam._policies if ":iam::aws:" not in arn),
        ),
        Quota(
            "rds", "L-7B6409FD", "DB instances", 40, "AWS::RDS::DBInstance", "rds.CreateDBInstance",
            _fixed("InstanceQuotaExceeded", "DB Instance quota exceeded"), lambda _: len(rds._instances),
        ),
        Quota(
            "rds", "L-7ADDB58A", "Total storage for all DB instances", 100_000, "AWS::RDS::DBInstance",
            "rds.CreateDBInstance", _fixed("StorageQuotaExceeded", "Storage quota exceeded"),
            lambda _: sum(int(record.get("AllocatedStorage", 0)) for record in rds._instances.values()),
            lambda parameters: int(parameters.get("AllocatedStorage") or 0),
        ),
        Quota(
            "rds", "L-DE55804A", "Parameter groups", 50, "AWS::RDS::DBParameterGroup", "rds.CreateDBParameterGroup",
            _fixed("DBParameterGroupQuotaExceeded", "DB parameter group quota exceeded"),
            lambda _: len(rds._param_groups),
        ),
        Quota(
            "rds", "L-48C6BF61", "DB subnet groups", 50, "AWS::RDS::DBSubnetGroup", "rds.CreateDBSubnetGroup",
            _fixed("DBSubnetGroupQuotaExceeded", "DB subnet group quota exceeded"), lambda _: len(rds._subnet_groups),
        ),
        Quota(
            "kinesis", "L-0918CF54", "Shards per Region", 6000, "AWS::Kinesis::Stream", "kinesis.CreateStream",
            _counted(
                "LimitExceededException", "This request would exceed the shard limit for the account. Limit: {limit}."
            ),
            lambda _: sum(open_shards(stream) for stream in kinesis._streams.values() if not is_on_demand(stream)),
            lambda parameters: 0 if is_on_demand(parameters) else int(parameters.get("ShardCount") or 1),
        ),
        Quota(
            "kms", "L-C2F1777E", "Customer managed keys", 100_000, "AWS::KMS::Key", "kms.CreateKey",
            _fixed("LimitExceededException", "The request was rejected because a limit was exceeded."),
            lambda _: len(kms._keys),
        ),
        Quota(
            "kms", "L-340F62FB", "Aliases per KMS key", 50, "AWS::KMS::Alias", "kms.CreateAlias",
            _fixed("LimitExceededException", "The request was rejected because a limit was exceeded."),
            lambda parameters: list(kms._aliases.values()).count(parameters.get("TargetKeyId")),
        ),
        Quota(
            "logs", "L-C7B9AAAB", "Log groups", 1_000_000, "AWS::Logs::LogGroup", "logs.CreateLogGroup",
            _fixed("LimitExceededException", "Resource limit exceeded."), lambda _: len(cloudwatch_logs._log_groups),
        ),
        Quota(
            "sns", "L-61103206", "Topics per account", 100_000, "AWS::SNS::Topic", "sns.CreateTopic",
            _fixed("TopicLimitExceeded", "Topic limit exceeded", 403), lambda _: len(sns._topics),
        ),
        Quota(
            "secretsmanager", "L-2F66C23C", "Secrets per Region", 500_000, "AWS::SecretsManager::Secret",
            "secretsmanager.CreateSecret",
            _fixed("LimitExceededException", "You have reached the limit of secrets."),
            lambda _: len(secretsmanager._secrets),
        ),
        Quota(
            "cloudformation", "L-0485CB21", "Stack count", 2000, "AWS::CloudFormation::Stack",
            "cloudformation.CreateStack",
            _counted("LimitExceededException", "Limit for stack has been exceeded: {limit}"),
            lambda _: sum(
                1 for stack in cloudformation._stacks.values() if stack.get("StackStatus") != "DELETE_COMPLETE"
            ),
        ),
    )  # fmt: skip


def _fixed(code: str, message: str, status: int = 400) -> Callable[[float], ApiError]:
    return lambda _: ApiError(code, message, status)


def _counted(code: str, message: str, status: int = 400) -> Callable[[float], ApiError]:
    return lambda limit: ApiError(code, message.format(limit=int(limit)), status)


def is_on_demand(stream: Mapping[str, Any]) -> bool:
    """Whether a stream's record or properties say on-demand capacity."""
    return (stream.get("StreamModeDetails") or {}).get("StreamMode") == "ON_DEMAND"


def open_shards(stream: Mapping[str, Any]) -> int:
    """How many of a stream's shards still take records."""
    return sum(1 for shard in stream["shards"].values() if not shard.get("ending_sequence_number"))


class Quotas:
    """The applied quotas of this account, and the increases asked for."""

    def __init__(self, applied: Mapping[str, float]) -> None:
        self.catalogue = catalogue()
        self._initially = dict(applied)
        self._applied: dict[str, float] = {}
        self.requests: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self.reset()

    def reset(self) -> None:
        """Back to the values the account was started with, with no increase asked for."""
        self._applied = {}
        self.requests = []
        self.apply(self._initially)

    def apply(self, values: Mapping[str, float]) -> None:
        """Set applied quotas by `service/code`. Raises LookupError for an unknown one."""
        known = {quota.key for quota in self.catalogue}
        for key, value in values.items():
            if key not in known:
                raise LookupError(f"no quota {key}; known: {', '.join(sorted(known))}")
            self._applied[key] = float(value)

    def applied(self) -> dict[str, float]:
        """The quotas whose applied value was set here."""
        return dict(self._applied)

    def limit(self, quota: Quota) -> float:
        """The value in force."""
        return self._applied.get(quota.key, quota.default)

    def exceeded_by(self, creator: str, parameters: Parameters) -> tuple[Quota, ApiError] | None:
        """The quota that a creation would exceed and AWS's error for it. `creator`: an operation or resource type."""
        for quota in self.catalogue:
            if creator in {quota.operation, quota.resource_type}:
                demand = quota.demand(parameters)
                if demand and quota.usage(parameters) + demand > self.limit(quota):
                    return quota, quota.error(self.limit(quota))
        return None

    def ask(self, quota: Quota, value: float) -> dict[str, Any]:
        """A new increase request, pending. Raises ApiError as AWS for one that is pending already or no increase."""
        if any(each["QuotaCode"] == quota.code and each["Status"] == "PENDING" for each in self.requests):
            raise ApiError("ResourceAlreadyExistsException", "Only one open service quota increase request is allowed.")
        if value <= self.limit(quota):
            raise ApiError("InvalidResourceStateException", "The desired value must be greater than the current value.")
        number = next(self._numbers)
        request = {
            "Id": f"{number:032x}",
            "ServiceCode": quota.service_code,
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "DesiredValue": value,
            "Status": "PENDING",
        }
        self.requests.append(request)
        return request

    def approve_all(self) -> list[str]:
        """Grant every pending request; the keys granted."""
        granted = []
        for request in self.requests:
            if request["Status"] == "PENDING":
                request["Status"] = "APPROVED"
                key = f"{request['ServiceCode']}/{request['QuotaCode']}"
                self._applied[key] = request["DesiredValue"]
                granted.append(key)
        return granted
