"""Actions that CloudFormation's handlers call for updates only.

A new stack deploys without them, so that a caller who lacks one is warned, not stopped. From the resource schemas, as
the grants are; a test compares them.
"""

from __future__ import annotations

_BY_SERVICE = {
    "backup": "DeleteBackupVaultAccessPolicy UntagResource UpdateBackupPlan",
    "cloudwatch": "UntagResource",
    "ec2": "ModifyVpcEndpoint UpdateSecurityGroupRuleDescriptionsEgress UpdateSecurityGroupRuleDescriptionsIngress",
    "iam": "CreatePolicyVersion DeleteRolePermissionsBoundary PutRolePermissionsBoundary UpdateAssumeRolePolicy"
    " UpdateRole UpdateRoleDescription",
    "kinesis": "DecreaseStreamRetentionPeriod StopStreamEncryption TagResource UpdateShardCount UpdateStreamMode",
    "kms": "DisableKeyRotation EnableKey UntagResource UpdateAlias UpdateKeyDescription",
    "logs": "AssociateKmsKey DeleteRetentionPolicy DisassociateKmsKey PutLogGroupDeletionProtection UntagResource",
    "rds": "DescribeDBEngineVersions ModifyDBSubnetGroup ResetDBParameterGroup",
    "sns": "SetSubscriptionAttributes UntagResource",
}

ONLY_FOR_UPDATES = frozenset(f"{service}:{name}" for service, names in _BY_SERVICE.items() for name in names.split())
