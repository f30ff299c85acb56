"""The database: encrypted, private, audited, recoverable, and silent about PHI."""

from __future__ import annotations

import dataclasses

from awacs.aws import ArnLike
from troposphere import FindInMap, GetAtt, If, Ref, Sub, Template, iam, logs, rds

from hipaa_pipeline.template.encryption import Encryption
from hipaa_pipeline.template.logging import add_log_group
from hipaa_pipeline.template.names import arn, aws_managed_policy, name, name_text, permissions_boundary, tags
from hipaa_pipeline.template.network import Network
from hipaa_pipeline.template.policies import service_trust
from hipaa_pipeline.template.security_groups import POSTGRESQL, SecurityGroups

FAMILY = FindInMap("PostgresqlVersions", Ref("DatabaseEngineVersion"), "Family")


@dataclasses.dataclass(frozen=True)
class Database:
    """The instance and the log of its engine, as others refer to them."""

    instance: rds.DBInstance
    log_group: logs.LogGroup


def add_database(template: Template, network: Network, groups: SecurityGroups, encryption: Encryption) -> Database:
    """Add the PostgreSQL instance with its parameter group, subnet group, log groups and monitoring role."""
    # RDS makes missing log groups by itself, without key and without retention: so they exist before the database.
    engine_log, upgrade_log = (
        add_log_group(
            template,
            f"{kind.capitalize()}LogGroup",
            Sub(f"/aws/rds/instance/{name_text('database')}/{kind}"),
            encryption,
        )
        for kind in ("postgresql", "upgrade")
    )
    subnets = template.add_resource(
        rds.DBSubnetGroup(
            "DatabaseSubnetGroup",
            DBSubnetGroupDescription="Private subnets of the healthcare database",
            SubnetIds=network.subnet_ids,
            Tags=tags(),
        )
    )
    instance = template.add_resource(
        rds.DBInstance(
            "Database",
            DependsOn=[engine_log.title, upgrade_log.title],
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Snapshot",
            Metadata={
                "Why": "DeletionPolicy takes no parameter. Ephemeral environments may go; DeletionProtection holds the"
                " others, and destroy takes a snapshot first"
            },
            DBInstanceIdentifier=name("database"),
            DBName=Ref("DatabaseName"),
            Engine="postgres",
            EngineVersion=Ref("DatabaseEngineVersion"),
            EngineLifecycleSupport="open-source-rds-extended-support-disabled",
            AutoMinorVersionUpgrade=True,
            DBInstanceClass=Ref("DatabaseInstanceClass"),
            AllocatedStorage=Ref("DatabaseStorageGiB"),
            StorageType="gp3",
            StorageEncrypted=True,
            KmsKeyId=encryption.key_arn,
            MultiAZ=Ref("DatabaseMultiAz"),
            PubliclyAccessible=False,
            Port=str(POSTGRESQL),
            DBSubnetGroupName=Ref(subnets),
            VPCSecurityGroups=[groups.database_id],
            DBParameterGroupName=Ref(_add_parameter_group(template)),
            CACertificateIdentifier="rds-ca-rsa2048-g1",
            MasterUsername=Ref("DatabaseMasterUsername"),
            ManageMasterUserPassword=True,
            MasterUserSecret=rds.MasterUserSecret(KmsKeyId=encryption.key_arn),
            EnableIAMDatabaseAuthentication=True,
            BackupRetentionPeriod=Ref("DatabaseBackupDays"),
            PreferredBackupWindow="17:00-18:00",
            PreferredMaintenanceWindow="sun:18:30-sun:19:30",
            CopyTagsToSnapshot=True,
            DeleteAutomatedBackups=If("IsProtected", False, True),
            DeletionProtection=Ref("DeletionProtection"),
            EnableCloudwatchLogsExports=["postgresql", "upgrade"],
            MonitoringInterval=60,
            MonitoringRoleArn=If(
                "NewMonitoringRole",
                GetAtt(_add_monitoring_role(template), "Arn"),
                Ref("ExistingMonitoringRoleArn"),
            ),
            EnablePerformanceInsights=True,
            PerformanceInsightsKMSKeyId=encryption.key_arn,
            PerformanceInsightsRetentionPeriod=7,
            Tags=tags(),
        )
    )
    return Database(instance=instance, log_group=engine_log)


def server_parameters() -> dict[str, object]:
    """PostgreSQL's settings.

    The defaults write failing statements, bind values and error details into the log, and with them PHI. Messages of
    level ERROR quote input values too (`invalid input syntax for type uuid: "..."`), so `log_min_messages` is `log`:
    that keeps connections, audit records (LOG) and refused log-ins (FATAL), and leaves errors to the application.
    https://www.postgresql.org/docs/current/runtime-config-logging.html
    """
    return {
        # In transit: 164.312(e)(2)(ii); NIST SP 800-52r2 asks for TLS 1.2 or newer.
        "rds.force_ssl": "1",
        "ssl_min_protocol_version": "TLSv1.2",
        # Authentication: 164.312(d).
        "password_encryption": "scram-sha-256",
        "rds.accepted_password_auth_method": "scram",
        # Automatic log-off: 164.312(a)(2)(iii).
        "idle_session_timeout": Ref("DatabaseIdleTimeoutMs"),
        "idle_in_transaction_session_timeout": Ref("DatabaseIdleTimeoutMs"),
        # Audit: 164.312(b), 164.308(a)(5)(ii)(C).
        "log_connections": "1",
        "log_disconnections": "1",
        "shared_preload_libraries": "pgaudit,pg_stat_statements",
        "pgaudit.log": Ref("DatabaseAuditClasses"),
        "pgaudit.log_parameter": "0",
        "pgaudit.log_statement": "0",
        # No PHI in the log: 164.312(a)(1).
        "log_error_verbosity": "terse",
        "log_min_duration_statement": "-1",
        "log_min_error_statement": "panic",
        "log_min_messages": "log",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_statement": "none",
    }


def _add_parameter_group(template: Template) -> rds.DBParameterGroup:
    # The name holds the family: a major upgrade replaces the group, and the new one must not clash with the old.
    return template.add_resource(
        rds.DBParameterGroup(
            "DatabaseParameterGroup",
            DBParameterGroupName=Sub(name_text("${Family}"), Family=FAMILY),
            Description="TLS only, SCRAM, pgAudit, automatic log-off, no PHI in logs",
            Family=FAMILY,
            Parameters=server_parameters(),
            Tags=tags(),
        )
    )


def _add_monitoring_role(template: Template) -> iam.Role:
    return template.add_resource(
        iam.Role(
            "MonitoringRole",
            Condition="NewMonitoringRole",
            AssumeRolePolicyDocument=service_trust(
                "monitoring.rds.amazonaws.com", ArnLike("aws:SourceArn", arn("rds", f"db:{name_text('database')}"))
            ),
            ManagedPolicyArns=[aws_managed_policy("service-role/AmazonRDSEnhancedMonitoringRole")],
            PermissionsBoundary=permissions_boundary(),
            Tags=tags(),
        )
    )
