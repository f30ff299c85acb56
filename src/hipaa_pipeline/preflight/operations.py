"""Every AWS operation that the preflight may use: all of them read, and there is no other list.

A `Read` is only ever made from one of these, so this table is what `docs/permissions.md` prints, what the generated
policy allows and what the read-only test goes through.
"""

from __future__ import annotations

from hipaa_pipeline.preflight.facts import Operation

_IDENTITY = "who is calling, and may they"
_QUOTAS = "quotas and what is used of them"
_NAMES = "names already taken"
_DATABASE = "what RDS offers in this Region"
_ZONES = "which zones the stack would use, and what they offer"
_NETWORK = "the VPC handed in, address overlaps, VPCs that could be handed in"
_STACK = "the stack as it stands"
_HANDED_IN = "roles, keys, topics and groups handed in, and those that could be"

GET_CALLER_IDENTITY = Operation("sts", "get_caller_identity", "sts:GetCallerIdentity", _IDENTITY)
SIMULATE_PRINCIPAL_POLICY = Operation(
    "iam", "simulate_principal_policy", "iam:SimulatePrincipalPolicy", _IDENTITY, "EvaluationResults"
)
GET_ROLE = Operation("iam", "get_role", "iam:GetRole", _IDENTITY)

DESCRIBE_STACKS = Operation("cloudformation", "describe_stacks", "cloudformation:DescribeStacks", _STACK, "Stacks")
LIST_STACK_RESOURCES = Operation(
    "cloudformation", "list_stack_resources", "cloudformation:ListStackResources", _STACK, "StackResourceSummaries"
)
GET_TEMPLATE = Operation("cloudformation", "get_template", "cloudformation:GetTemplate", _STACK)

LIST_SERVICE_QUOTAS = Operation(
    "service-quotas", "list_service_quotas", "servicequotas:ListServiceQuotas", _QUOTAS, "Quotas"
)
LIST_DEFAULT_QUOTAS = Operation(
    "service-quotas",
    "list_aws_default_service_quotas",
    "servicequotas:ListAWSDefaultServiceQuotas",
    _QUOTAS,
    "Quotas",
)
LIST_QUOTA_REQUESTS = Operation(
    "service-quotas",
    "list_requested_service_quota_change_history_by_quota",
    "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota",
    _QUOTAS,
    "RequestedQuotas",
)
GET_ACCOUNT_SUMMARY = Operation("iam", "get_account_summary", "iam:GetAccountSummary", _QUOTAS)
LIST_ATTACHED_ROLE_POLICIES = Operation(
    "iam", "list_attached_role_policies", "iam:ListAttachedRolePolicies", _QUOTAS, "AttachedPolicies"
)
DESCRIBE_RDS_ACCOUNT = Operation(
    "rds", "describe_account_attributes", "rds:DescribeAccountAttributes", _QUOTAS, "AccountQuotas"
)
DESCRIBE_KINESIS_LIMITS = Operation("kinesis", "describe_limits", "kinesis:DescribeLimits", _QUOTAS)
DESCRIBE_ACCOUNT_LIMITS = Operation(
    "cloudformation", "describe_account_limits", "cloudformation:DescribeAccountLimits", _QUOTAS, "AccountLimits"
)
LIST_STACKS = Operation("cloudformation", "list_stacks", "cloudformation:ListStacks", _QUOTAS, "StackSummaries")
LIST_KEYS = Operation("kms", "list_keys", "kms:ListKeys", _QUOTAS, "Keys")
LIST_TOPICS = Operation("sns", "list_topics", "sns:ListTopics", _QUOTAS, "Topics")
LIST_SECRETS = Operation("secretsmanager", "list_secrets", "secretsmanager:ListSecrets", _QUOTAS, "SecretList")
LIST_BACKUP_PLANS = Operation("backup", "list_backup_plans", "backup:ListBackupPlans", _QUOTAS, "BackupPlansList")
DESCRIBE_METRIC_FILTERS = Operation(
    "logs", "describe_metric_filters", "logs:DescribeMetricFilters", _QUOTAS, "metricFilters"
)
DESCRIBE_SECURITY_GROUP_RULES = Operation(
    "ec2", "describe_security_group_rules", "ec2:DescribeSecurityGroupRules", _QUOTAS, "SecurityGroupRules"
)

LIST_ALIASES = Operation("kms", "list_aliases", "kms:ListAliases", _NAMES, "Aliases")
DESCRIBE_LOG_GROUPS = Operation("logs", "describe_log_groups", "logs:DescribeLogGroups", _NAMES, "logGroups")
GET_POLICY = Operation("iam", "get_policy", "iam:GetPolicy", _NAMES)
DESCRIBE_DB_INSTANCES = Operation("rds", "describe_db_instances", "rds:DescribeDBInstances", _NAMES, "DBInstances")
DESCRIBE_DB_SUBNET_GROUPS = Operation(
    "rds", "describe_db_subnet_groups", "rds:DescribeDBSubnetGroups", _NAMES, "DBSubnetGroups"
)
DESCRIBE_DB_PARAMETER_GROUPS = Operation(
    "rds", "describe_db_parameter_groups", "rds:DescribeDBParameterGroups", _NAMES, "DBParameterGroups"
)
DESCRIBE_STREAM_SUMMARY = Operation("kinesis", "describe_stream_summary", "kinesis:DescribeStreamSummary", _NAMES)
DESCRIBE_ALARMS = Operation("cloudwatch", "describe_alarms", "cloudwatch:DescribeAlarms", _NAMES, "MetricAlarms")
LIST_BACKUP_VAULTS = Operation("backup", "list_backup_vaults", "backup:ListBackupVaults", _NAMES, "BackupVaultList")

LIST_EXPORTS = Operation("cloudformation", "list_exports", "cloudformation:ListExports", _NAMES, "Exports")

DESCRIBE_ORDERABLE_OPTIONS = Operation(
    "rds",
    "describe_orderable_db_instance_options",
    "rds:DescribeOrderableDBInstanceOptions",
    _DATABASE,
    "OrderableDBInstanceOptions",
)
DESCRIBE_ENGINE_VERSIONS = Operation(
    "rds", "describe_db_engine_versions", "rds:DescribeDBEngineVersions", _DATABASE, "DBEngineVersions"
)
DESCRIBE_ENGINE_DEFAULTS = Operation(
    "rds",
    "describe_engine_default_parameters",
    "rds:DescribeEngineDefaultParameters",
    _DATABASE,
    "EngineDefaults.Parameters",
)

DESCRIBE_AVAILABILITY_ZONES = Operation(
    "ec2", "describe_availability_zones", "ec2:DescribeAvailabilityZones", _ZONES, "AvailabilityZones"
)
DESCRIBE_ENDPOINT_SERVICES = Operation(
    "ec2", "describe_vpc_endpoint_services", "ec2:DescribeVpcEndpointServices", _ZONES, "ServiceDetails"
)

DESCRIBE_VPCS = Operation("ec2", "describe_vpcs", "ec2:DescribeVpcs", _NETWORK, "Vpcs")
DESCRIBE_VPC_ATTRIBUTE = Operation("ec2", "describe_vpc_attribute", "ec2:DescribeVpcAttribute", _NETWORK)
DESCRIBE_SUBNETS = Operation("ec2", "describe_subnets", "ec2:DescribeSubnets", _NETWORK, "Subnets")
DESCRIBE_ROUTE_TABLES = Operation("ec2", "describe_route_tables", "ec2:DescribeRouteTables", _NETWORK, "RouteTables")
DESCRIBE_SECURITY_GROUPS = Operation(
    "ec2", "describe_security_groups", "ec2:DescribeSecurityGroups", _NETWORK, "SecurityGroups"
)
DESCRIBE_VPC_ENDPOINTS = Operation(
    "ec2", "describe_vpc_endpoints", "ec2:DescribeVpcEndpoints", _NETWORK, "VpcEndpoints"
)
DESCRIBE_PEERINGS = Operation(
    "ec2",
    "describe_vpc_peering_connections",
    "ec2:DescribeVpcPeeringConnections",
    _NETWORK,
    "VpcPeeringConnections",
)
DESCRIBE_FLOW_LOGS = Operation("ec2", "describe_flow_logs", "ec2:DescribeFlowLogs", _NETWORK, "FlowLogs")
DESCRIBE_NETWORK_INTERFACES = Operation(
    "ec2", "describe_network_interfaces", "ec2:DescribeNetworkInterfaces", _NETWORK, "NetworkInterfaces"
)
DESCRIBE_PREFIX_LISTS = Operation(
    "ec2", "describe_managed_prefix_lists", "ec2:DescribeManagedPrefixLists", _HANDED_IN, "PrefixLists"
)

LIST_ROLES = Operation("iam", "list_roles", "iam:ListRoles", _HANDED_IN, "Roles")
DESCRIBE_KEY = Operation("kms", "describe_key", "kms:DescribeKey", _HANDED_IN)
GET_TOPIC_ATTRIBUTES = Operation("sns", "get_topic_attributes", "sns:GetTopicAttributes", _HANDED_IN)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Operation))
