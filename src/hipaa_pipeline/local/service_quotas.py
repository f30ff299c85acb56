"""Service Quotas, which MiniStack lacks, and the services' own reports of limits, so that all tell the same numbers.

IAM's quotas are served from us-east-1 only, as in AWS: elsewhere they are not found.
https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hipaa_pipeline.local.additions import Additions
from hipaa_pipeline.local.catalogue import ON_DEMAND_STREAMS
from hipaa_pipeline.local.quotas import Quota, Quotas
from hipaa_pipeline.local.wire import ApiError

IAM_REGION = "us-east-1"
PAGE = 100


class ServiceQuotas:
    """The operations, on the quotas of this account."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        """GetServiceQuota: the applied value."""
        quota = self._wanted(request)
        return {"Quota": self._shown(quota, self._quotas.limit(quota))}

    def get_default(self, request: dict[str, Any]) -> dict[str, Any]:
        """GetAWSDefaultServiceQuota."""
        quota = self._wanted(request)
        return {"Quota": self._shown(quota, quota.default)}

    def list_applied(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListServiceQuotas, in pages."""
        shown = [self._shown(quota, self._quotas.limit(quota)) for quota in self._of_service(request)]
        return _page(request, "Quotas", shown)

    def list_defaults(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListAWSDefaultServiceQuotas, in pages."""
        shown = [self._shown(quota, quota.default) for quota in self._of_service(request)]
        return _page(request, "Quotas", shown)

    def list_services(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListServices."""
        codes = sorted({quota.service_code for quota in self._listed()})
        return _page(request, "Services", [{"ServiceCode": code, "ServiceName": code} for code in codes])

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """RequestServiceQuotaIncrease: pending until it is approved through the admin endpoint."""
        return {"RequestedQuota": self._quotas.ask(self._wanted(request), float(request["DesiredValue"]))}

    def get_request(self, request: dict[str, Any]) -> dict[str, Any]:
        """GetRequestedServiceQuotaChange."""
        for asked in self._quotas.requests:
            if asked["Id"] == request["RequestId"]:
                return {"RequestedQuota": asked}
        raise ApiError("NoSuchResourceException", "The request failed because the specified request does not exist.")

    def history(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListRequestedServiceQuotaChangeHistory, and by quota."""
        members = [name for name in ("ServiceCode", "QuotaCode", "Status") if name in request]
        asked = [each for each in self._quotas.requests if all(each[name] == request[name] for name in members)]
        return _page(request, "RequestedQuotas", asked)

    def _listed(self) -> list[Quota]:
        """The quotas that Service Quotas has in the caller's Region."""
        from ministack.core.responses import get_region

        here = get_region() == IAM_REGION
        return [
            quota
            for quota in self._quotas.catalogue
            if quota.code.startswith("L-") and (quota.service_code != "iam" or here)
        ]

    def _of_service(self, request: Mapping[str, Any]) -> list[Quota]:
        found = [quota for quota in self._listed() if quota.service_code == request["ServiceCode"]]
        if not found:
            raise ApiError(
                "NoSuchResourceException", "The request failed because the specified service does not exist."
            )
        return found

    def _wanted(self, request: Mapping[str, Any]) -> Quota:
        for quota in self._of_service(request):
            if quota.code == request["QuotaCode"]:
                return quota
        raise ApiError("NoSuchResourceException", "The request failed because the specified quota does not exist.")

    def _shown(self, quota: Quota, value: float) -> dict[str, Any]:
        from ministack.core.responses import get_account_id, get_region

        return {
            "ServiceCode": quota.service_code,
            "ServiceName": quota.service_code,
            "QuotaArn": f"arn:aws:servicequotas:{get_region()}:{get_account_id()}:{quota.key}",
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "Value": value,
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": quota.service_code == "iam",
        }


def _page(request: Mapping[str, Any], member: str, items: Sequence[Any]) -> dict[str, Any]:
    start = int(request.get("NextToken") or 0)
    end = start + int(request.get("MaxResults") or PAGE)
    return {member: list(items[start:end]), **({"NextToken": str(end)} if end < len(items) else {})}


class OwnReports:
    """What IAM, RDS, Kinesis and CloudFormation report of their quotas themselves."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def _numbers(self, key: str) -> tuple[int, int]:
        """Usage and limit of a quota."""
        quota = next(each for each in self._quotas.catalogue if each.key == key)
        return quota.usage({}), int(self._quotas.limit(quota))

    def account_summary(self, _request: dict[str, Any]) -> dict[str, Any]:
        """iam:GetAccountSummary: MiniStack's counts with the quotas in force here."""
        from ministack.services import iam

        roles, roles_quota = self._numbers("iam/L-FE177D64")
        policies, policies_quota = self._numbers("iam/L-E95E4862")
        versions = sum(len(policy.get("Versions", ())) for policy in iam._policies.values())
        return {
            "SummaryMap": {
                "Users": len(iam._users),
                "UsersQuota": 5000,
                "Groups": len(iam._groups),
                "GroupsQuota": 300,
                "Roles": roles,
                "RolesQuota": roles_quota,
                "Policies": policies,
                "PoliciesQuota": policies_quota,
                "PolicySizeQuota": 6144,
                "PolicyVersionsInUse": versions,
                "PolicyVersionsInUseQuota": 10_000,
                "VersionsPerPolicyQuota": 5,
                "AttachedPoliciesPerRoleQuota": self._numbers("iam/L-0DA4ABF3")[1],
                "AssumeRolePolicySizeQuota": 2048,
                "InstanceProfiles": len(iam._instance_profiles),
                "InstanceProfilesQuota": 1000,
                "MFADevices": len(iam._mfa_devices),
                "AccountMFAEnabled": 0,
                "AccountAccessKeysPresent": 0,
            }
        }

    def database_attributes(self, _request: dict[str, Any]) -> dict[str, Any]:
        """rds:DescribeAccountAttributes."""
        reported = {
            "DBInstances": "rds/L-7B6409FD",
            "AllocatedStorage": "rds/L-7ADDB58A",
            "DBParameterGroups": "rds/L-DE55804A",
            "DBSubnetGroups": "rds/L-48C6BF61",
            "ManualSnapshots": "rds/L-272F1212",
        }
        numbers = {name: self._numbers(key) for name, key in reported.items()}
        return {
            "AccountQuotas": [
                {"AccountQuotaName": name, "Used": used, "Max": limit} for name, (used, limit) in numbers.items()
            ]
        }

    def stream_limits(self, _request: dict[str, Any]) -> dict[str, Any]:
        """kinesis:DescribeLimits."""
        shards, shard_limit = self._numbers("kinesis/L-0918CF54")
        streams, stream_limit = self._numbers(f"kinesis/{ON_DEMAND_STREAMS}")
        return {
            "ShardLimit": shard_limit,
            "OpenShardCount": shards,
            "OnDemandStreamCount": streams,
            "OnDemandStreamCountLimit": stream_limit,
        }

    def stack_limits(self, _request: dict[str, Any]) -> dict[str, Any]:
        """cloudformation:DescribeAccountLimits."""
        return {
            "AccountLimits": [
                {"Name": "StackLimit", "Value": self._numbers("cloudformation/L-0485CB21")[1]},
                {"Name": "StackOutputsLimit", "Value": 200},
                {"Name": "ConcurrentResourcesLimit", "Value": 2500},
            ]
        }


def additions(quotas: Quotas) -> Additions:
    """What this module adds to the account."""
    service, own = ServiceQuotas(quotas), OwnReports(quotas)
    return Additions(
        operations={
            "service-quotas.GetServiceQuota": service.get,
            "service-quotas.GetAWSDefaultServiceQuota": service.get_default,
            "service-quotas.ListServiceQuotas": service.list_applied,
            "service-quotas.ListAWSDefaultServiceQuotas": service.list_defaults,
            "service-quotas.ListServices": service.list_services,
            "service-quotas.RequestServiceQuotaIncrease": service.ask,
            "service-quotas.GetRequestedServiceQuotaChange": service.get_request,
            "service-quotas.ListRequestedServiceQuotaChangeHistory": service.history,
            "service-quotas.ListRequestedServiceQuotaChangeHistoryByQuota": service.history,
            "iam.GetAccountSummary": own.account_summary,
            "rds.DescribeAccountAttributes": own.database_attributes,
            "kinesis.DescribeLimits": own.stream_limits,
            "cloudformation.DescribeAccountLimits": own.stack_limits,
        }
    )
