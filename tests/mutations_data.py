"""Mutations of what holds data: the key, the database and its settings, the stream, logs and backups."""

from __future__ import annotations

from mutation import Mutation, add, attribute, drop, in_development, parameter, put, remove, weaken

KEY_STATEMENTS = "KeyPolicy/Statement"

KEY = (
    weaken("kms_key_rotation", "rotation off", put("Key", "EnableKeyRotation", False)),
    weaken("kms_key_rotation", "rotation left to the default", drop("Key", "EnableKeyRotation")),
    weaken("kms_key_enabled", "key disabled", put("Key", "Enabled", False)),
    weaken("kms_key_deletion_window", "gone after a day", put("Key", "PendingWindowInDays", 1)),
    weaken("kms_key_lockout_check", "lockout check bypassed", put("Key", "BypassPolicyLockoutSafetyCheck", True)),
    weaken(
        "kms_key_account_control",
        "account's statement removed",
        drop("Key", f"{KEY_STATEMENTS}/0"),
    ),
    weaken(
        "kms_key_account_control",
        "account's statement denied",
        put("Key", f"{KEY_STATEMENTS}/+", {"Effect": "Deny", "Principal": "*", "Action": "kms:Put*", "Resource": "*"}),
    ),
    weaken(
        "kms_key_full_control",
        "a role has full control",
        put(
            "Key",
            f"{KEY_STATEMENTS}/+",
            {
                "Action": "kms:*",
                "Resource": "*",
                "Principal": {"AWS": {"Fn::GetAtt": ["ProcessorRole", "Arn"]}},
                "Effect": "Allow",
            },
        ),
    ),
    weaken(
        "kms_key_service_condition",
        "alarms of any account",
        drop("Key", f"{KEY_STATEMENTS}/2/Condition"),
    ),
    weaken(
        "kms_key_service_condition",
        "logs of any account",
        drop("Key", f"{KEY_STATEMENTS}/1/Condition"),
    ),
    weaken(
        "kms_key_useless_service",
        "a statement for Kinesis itself",
        put(
            "Key",
            f"{KEY_STATEMENTS}/+",
            {
                "Effect": "Allow",
                "Principal": {"Service": "kinesis.amazonaws.com"},
                "Action": "kms:Decrypt",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
            },
        ),
    ),
)

DATABASE = (
    weaken("rds_storage_encrypted", "not encrypted", put("Database", "StorageEncrypted", False)),
    weaken("rds_storage_encrypted", "not encrypted, as text", put("Database", "StorageEncrypted", "false")),
    weaken("rds_storage_encrypted", "encryption left to the default", drop("Database", "StorageEncrypted")),
    weaken("rds_customer_key", "no key", drop("Database", "KmsKeyId")),
    weaken("rds_customer_key", "AWS's own key", put("Database", "KmsKeyId", "alias/aws/rds")),
    weaken("rds_not_public", "public", put("Database", "PubliclyAccessible", True)),
    weaken("rds_not_public", "left to the VPC", drop("Database", "PubliclyAccessible")),
    weaken("rds_backup_retention", "six days", put("Database", "BackupRetentionPeriod", 6)),
    weaken("rds_backup_retention", "no backups", put("Database", "BackupRetentionPeriod", "0")),
    weaken("rds_automated_backups_kept", "backups go with it", put("Database", "DeleteAutomatedBackups", True)),
    weaken("rds_multi_az", "one zone", put("Database", "MultiAZ", "false")),
    weaken("rds_deletion_protection", "may be deleted", put("Database", "DeletionProtection", False)),
    weaken("rds_log_exports", "no engine log", put("Database", "EnableCloudwatchLogsExports", ["upgrade"]),
           also=("rds_failed_login_alarm",)),
    weaken("rds_log_exports", "no logs", drop("Database", "EnableCloudwatchLogsExports"),
           also=("rds_failed_login_alarm",)),
    weaken("rds_enhanced_monitoring", "monitoring off", put("Database", "MonitoringInterval", 0)),
    weaken("rds_monitoring_role_set", "no monitoring role", drop("Database", "MonitoringRoleArn")),
    weaken("rds_minor_upgrades", "no minor upgrades", put("Database", "AutoMinorVersionUpgrade", False)),
    weaken("rds_iam_authentication", "passwords only", put("Database", "EnableIAMDatabaseAuthentication", False)),
    weaken("rds_managed_password", "password in the template", put("Database", "MasterUserPassword", "Sunny-day-17"),
           also=("no_secret_in_property",)),
    weaken("rds_managed_password", "nobody manages the password", put("Database", "ManageMasterUserPassword", False)),
    weaken("rds_password_key", "AWS's own key for the password", drop("Database", "MasterUserSecret")),
    weaken("rds_certificate_authority", "expired authority", put("Database", "CACertificateIdentifier", "rds-ca-2019")),
    weaken("rds_version_supported", "minor that AWS retired", put("Database", "EngineVersion", "17.4")),
    weaken("rds_version_supported", "major past its support", put("Database", "EngineVersion", "13.20"),
           also=("rds_parameter_group",)),
    weaken("rds_extended_support_off", "Extended Support", drop("Database", "EngineLifecycleSupport")),
    weaken("rds_insights_key", "AWS's own key for insights", drop("Database", "PerformanceInsightsKMSKeyId")),
    weaken("rds_snapshot_tags", "snapshots without tags", put("Database", "CopyTagsToSnapshot", False)),
    weaken("rds_parameter_group", "the default group",
           put("Database", "DBParameterGroupName", "default.postgres17")),
    weaken("rds_parameter_group", "no group", drop("Database", "DBParameterGroupName")),
    weaken("rds_parameter_group", "group of another major", put("DatabaseParameterGroup", "Family", "postgres15")),
    weaken("rds_log_groups", "no group for the engine's log", remove("PostgresqlLogGroup"),
           also=("rds_failed_login_alarm",)),
    weaken("rds_log_groups", "group under another name",
           put("UpgradeLogGroup", "LogGroupName", "/aws/rds/instance/healthcare-db-prod/upgrade"),
           also=("log_group_key_policy",)),
    weaken("rds_log_groups", "the instance has no name", drop("Database", "DBInstanceIdentifier"),
           also=("rds_failed_login_alarm",)),
    weaken("rds_log_groups_first", "RDS is first", attribute("Database", "DependsOn", ["PostgresqlLogGroup"])),
    weaken("rds_monitoring_role", "role without policy", put("MonitoringRole", "ManagedPolicyArns", [])),
    weaken("rds_monitoring_role", "role for another service",
           put("MonitoringRole", "AssumeRolePolicyDocument/Statement/0/Principal/Service", "rds.amazonaws.com")),
    weaken("rds_subnet_group", "the default VPC", drop("Database", "DBSubnetGroupName")),
    weaken("rds_subnet_zones", "one zone for both subnets",
           put("PrivateSubnetB", "AvailabilityZone", "ap-southeast-1a")),
    weaken("rds_subnet_zones", "one subnet", drop("DatabaseSubnetGroup", "SubnetIds/1")),
    weaken("rds_subnets_private", "a route to the internet",
           add("Gateway", "AWS::EC2::InternetGateway"),
           add("Route", "AWS::EC2::Route", RouteTableId={"Ref": "PrivateRouteTable"},
               DestinationCidrBlock="0.0.0.0/0", GatewayId={"Ref": "Gateway"})),
    weaken("rds_subnets_private", "a route to the internet over IPv6",
           add("Route", "AWS::EC2::Route", RouteTableId={"Ref": "PrivateRouteTable"},
               DestinationIpv6CidrBlock="::/0", EgressOnlyInternetGatewayId="eigw-0123456789abcdef0")),
    weaken("rds_subnets_no_way_out", "a NAT gateway",
           add("Route", "AWS::EC2::Route", RouteTableId={"Ref": "PrivateRouteTable"},
               DestinationCidrBlock="0.0.0.0/0", NatGatewayId="nat-0123456789abcdef0")),
    weaken("rds_security_group", "the VPC's default group", drop("Database", "VPCSecurityGroups")),
    weaken("rds_ingress", "from an address range",
           put("DatabaseIngress", "CidrIp", "10.0.0.0/8"), drop("DatabaseIngress", "SourceSecurityGroupId")),
    weaken("rds_ingress", "SSH too", put("DatabaseIngress", "FromPort", 22)),
    weaken("rds_ingress", "a rule inside the group",
           put("DatabaseSecurityGroup", "SecurityGroupIngress",
               [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "CidrIp": "192.168.7.0/24"}])),
)  # fmt: skip


def _setting(check: str, what: str, name: str, value: str | None) -> Mutation:
    path = f"Parameters/{name}"
    change = drop("DatabaseParameterGroup", path) if value is None else put("DatabaseParameterGroup", path, value)
    return weaken(check, what, change)


SETTINGS = (
    _setting("postgresql_tls_forced", "TLS optional", "rds.force_ssl", "0"),
    _setting("postgresql_tls_forced", "TLS left to the default", "rds.force_ssl", None),
    _setting("postgresql_tls_version", "TLS 1.1", "ssl_min_protocol_version", "TLSv1.1"),
    _setting("postgresql_password_encryption", "MD5 verifiers", "password_encryption", "md5"),
    _setting("postgresql_password_authentication", "MD5 log-ins", "rds.accepted_password_auth_method", "md5+scram"),
    _setting("postgresql_connections_logged", "no connections", "log_connections", "0"),
    _setting("postgresql_connections_logged", "connections without user", "log_connections", "receipt"),
    _setting("postgresql_disconnections_logged", "no disconnections", "log_disconnections", "off"),
    _setting("postgresql_records_written", "log-ins and audit dropped", "log_min_messages", "fatal"),
    _setting("postgresql_records_written", "refused log-ins dropped too", "log_min_messages", "panic"),
    weaken("postgresql_audit_level", "audit below the log's level",
           put("DatabaseParameterGroup", "Parameters/pgaudit.log_client", "1"),
           put("DatabaseParameterGroup", "Parameters/pgaudit.log_level", "debug5")),
    _setting("postgresql_audit_library", "no audit library", "shared_preload_libraries", "pg_stat_statements"),
    _setting("postgresql_audit_classes", "no audit of rights", "pgaudit.log", "ddl"),
    _setting("postgresql_audit_classes", "audit taken back", "pgaudit.log", "ddl,role,-role"),
    _setting("postgresql_audit_parameters_hidden", "audited bind values", "pgaudit.log_parameter", "on"),
    weaken("postgresql_audit_texts_hidden", "texts of audited writes",
           put("DatabaseParameterGroup", "Parameters/pgaudit.log", "ddl,role,write"),
           put("DatabaseParameterGroup", "Parameters/pgaudit.log_statement", "1")),
    _setting("postgresql_error_messages_hidden", "errors quote values", "log_min_messages", "warning"),
    _setting("postgresql_error_messages_hidden", "error level by default", "log_min_messages", None),
    _setting("postgresql_error_statements_hidden", "failing statements", "log_min_error_statement", None),
    _setting("postgresql_error_details_hidden", "details of errors", "log_error_verbosity", "default"),
    _setting("postgresql_statements_hidden", "statements with passwords", "log_statement", "ddl"),
    _setting("postgresql_slow_statements_hidden", "slow statements", "log_min_duration_statement", "1000"),
    _setting("postgresql_bind_values_hidden", "bind values", "log_parameter_max_length", "-1"),
    _setting("postgresql_error_bind_values_hidden", "values of errors", "log_parameter_max_length_on_error", "64"),
    _setting("postgresql_no_leaking_settings", "plans with texts", "auto_explain.log_min_duration", "0"),
    _setting("postgresql_idle_session_ends", "sessions for ever", "idle_session_timeout", "0"),
    _setting("postgresql_idle_session_ends", "sessions for a day", "idle_session_timeout", "1d"),
    _setting("postgresql_idle_transaction_ends", "transactions for ever", "idle_in_transaction_session_timeout", None),
)  # fmt: skip

STREAM = (
    weaken("kinesis_encrypted", "not encrypted", put("RecordStream", "StreamEncryption/EncryptionType", "NONE")),
    weaken("kinesis_encrypted", "encryption removed", drop("RecordStream", "StreamEncryption"),
           also=("kinesis_customer_key",)),
    weaken("kinesis_customer_key", "AWS's own key", put("RecordStream", "StreamEncryption/KeyId", "alias/aws/kinesis")),
    weaken("kinesis_retention", "an hour", put("RecordStream", "RetentionPeriodHours", 1)),
)  # fmt: skip

LOGS = (
    weaken("log_group_encrypted", "audit log without key", drop("AuditLogGroup", "KmsKeyId")),
    weaken("log_group_encrypted", "engine log without key", drop("PostgresqlLogGroup", "KmsKeyId")),
    weaken("log_group_key_policy", "Logs of another Region",
           put("Key", f"{KEY_STATEMENTS}/1/Principal/Service", "logs.us-east-1.amazonaws.com")),
    weaken("log_group_key_policy", "the engine's groups left out",
           drop("Key", f"{KEY_STATEMENTS}/1/Condition/ArnLike/kms:EncryptionContext:aws:logs:arn/1")),
    weaken("log_group_key_policy", "the ARN with a star after a colon",
           put("Key", f"{KEY_STATEMENTS}/1/Condition/ArnLike/kms:EncryptionContext:aws:logs:arn/0",
               "arn:aws:logs:ap-southeast-1:111122223333:log-group:healthcare-*-prod:*")),
    weaken("log_group_key_policy", "Logs may only decrypt", put("Key", f"{KEY_STATEMENTS}/1/Action", "kms:Decrypt")),
    weaken("log_group_retention_set", "kept for ever", drop("AuditLogGroup", "RetentionInDays")),
    weaken("log_group_retention", "three months", put("FlowLogGroup", "RetentionInDays", "90")),
)  # fmt: skip

BACKUP = (
    weaken("rds_in_backup_plan", "another database", put("BackupSelection", "BackupSelection/Resources",
           ["arn:aws:rds:ap-southeast-1:111122223333:db:healthcare-database-dev"])),
    weaken("rds_in_backup_plan", "no selection", remove("BackupSelection")),
    weaken("rds_in_backup_plan", "the database excluded", put("BackupSelection", "BackupSelection/NotResources",
           ["arn:aws:rds:*:*:db:healthcare-*"])),
    weaken("backup_daily", "weekly", put("BackupPlan", "BackupPlan/BackupPlanRule/0/ScheduleExpression",
           "cron(0 20 ? * SUN *)")),
    weaken("backup_retention", "a month",
           put("BackupPlan", "BackupPlan/BackupPlanRule/0/Lifecycle/DeleteAfterDays", 30)),
    weaken("backup_plan_vault", "the default vault",
           put("BackupPlan", "BackupPlan/BackupPlanRule/0/TargetBackupVault", "Default")),
    weaken("backup_vault_encrypted", "AWS's own key", drop("BackupVault", "EncryptionKeyArn")),
    weaken("backup_vault_protected", "recovery points may be deleted", drop("BackupVault", "AccessPolicy")),
    weaken("backup_vault_protected", "their lifecycle may be changed",
           put("BackupVault", "AccessPolicy/Statement/0/Action", ["backup:DeleteRecoveryPoint"])),
    weaken("backup_role", "role without policy", put("BackupRole", "ManagedPolicyArns", [])),
    weaken("backup_role", "role for another service",
           put("BackupRole", "AssumeRolePolicyDocument/Statement/0/Principal/Service", "rds.amazonaws.com")),
)  # fmt: skip

LIFE = (
    weaken("data_kept_on_replacement", "the old key goes", attribute("Key", "UpdateReplacePolicy", "Delete")),
    weaken("data_kept_on_replacement", "the old database goes", attribute("Database", "UpdateReplacePolicy", None)),
    in_development("ephemeral_leaves_nothing", "a retained log",
           attribute("AuditLogGroup", "DeletionPolicy", "Retain")),
    in_development("ephemeral_leaves_nothing", "a snapshot by default",
           attribute("Database", "DeletionPolicy", "Snapshot")),
    in_development("ephemeral_leaves_nothing", "a protected log",
                   put("AuditLogGroup", "DeletionProtectionEnabled", "true")),
    in_development("ephemeral_is_cheap", "a large instance", put("Database", "DBInstanceClass", "db.r7g.2xlarge")),
    in_development("ephemeral_is_cheap", "many shards", put("RecordStream", "ShardCount", 40)),
    in_development("ephemeral_is_cheap", "much storage", put("Database", "AllocatedStorage", "4000")),
    weaken("ephemeral_is_cheap", "prod declared ephemeral", parameter("DeletionProtection", "false"),
           also=("ephemeral_leaves_nothing",)),
)  # fmt: skip

MUTATIONS = (*KEY, *DATABASE, *SETTINGS, *STREAM, *LOGS, *BACKUP, *LIFE)
