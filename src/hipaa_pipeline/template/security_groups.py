"""Who may talk to whom: 164.312(a)(1) access control, 164.312(e)(1) transmission security."""

from __future__ import annotations

import dataclasses

from troposphere import GetAtt, If, NoValue, Ref, Template, ec2

from hipaa_pipeline.template.names import tags
from hipaa_pipeline.template.network import Network

POSTGRESQL = 5432
HTTPS = 443

# A group without an egress rule gets "allow all" from EC2; a rule that leads nowhere keeps it closed.
NO_EGRESS = ec2.SecurityGroupRule(
    IpProtocol="icmp", FromPort=252, ToPort=86, CidrIp="255.255.255.255/32", Description="No outbound traffic"
)


@dataclasses.dataclass(frozen=True)
class SecurityGroups:
    """The group IDs that others attach."""

    database_id: GetAtt
    endpoint_id: GetAtt


def add_security_groups(template: Template, network: Network) -> SecurityGroups:
    """Add the groups for workloads, database and endpoints, each rule with its reason."""
    database = template.add_resource(
        ec2.SecurityGroup(
            "DatabaseSecurityGroup",
            GroupDescription="Healthcare database: PostgreSQL from workloads, nothing out",
            VpcId=network.vpc_id,
            SecurityGroupEgress=[NO_EGRESS],
            Tags=tags("database-security-group"),
        )
    )
    endpoint = template.add_resource(
        ec2.SecurityGroup(
            "EndpointSecurityGroup",
            Condition="NewEndpoints",
            GroupDescription="Healthcare VPC endpoints: HTTPS from workloads, nothing out",
            VpcId=network.vpc_id,
            SecurityGroupEgress=[NO_EGRESS],
            Tags=tags("endpoint-security-group"),
        )
    )
    workload = template.add_resource(
        ec2.SecurityGroup(
            "WorkloadSecurityGroup",
            GroupDescription="Healthcare workloads: to database and endpoints, nothing in",
            VpcId=network.vpc_id,
            SecurityGroupEgress=_workload_egress(database, endpoint),
            Tags=tags("workload-security-group"),
        )
    )
    _add_ingress(template, "DatabaseIngress", database, workload, POSTGRESQL, "PostgreSQL from workloads")
    rule = _add_ingress(template, "EndpointIngress", endpoint, workload, HTTPS, "HTTPS from workloads")
    rule.Condition = "NewEndpoints"
    return SecurityGroups(database_id=GetAtt(database, "GroupId"), endpoint_id=GetAtt(endpoint, "GroupId"))


def _workload_egress(database: ec2.SecurityGroup, endpoint: ec2.SecurityGroup) -> list[object]:
    def to(port: int, description: str, **destination: object) -> ec2.SecurityGroupRule:
        return ec2.SecurityGroupRule(
            IpProtocol="tcp", FromPort=port, ToPort=port, Description=description, **destination
        )

    return [
        to(POSTGRESQL, "PostgreSQL to the database", DestinationSecurityGroupId=GetAtt(database, "GroupId")),
        If(
            "NewEndpoints",
            to(HTTPS, "HTTPS to the VPC endpoints", DestinationSecurityGroupId=GetAtt(endpoint, "GroupId")),
            NoValue,
        ),
        If(
            "HasEndpointGroup",
            to(
                HTTPS,
                "HTTPS to existing VPC endpoints",
                DestinationSecurityGroupId=Ref("ExistingEndpointSecurityGroupId"),
            ),
            NoValue,
        ),
        If(
            "HasS3PrefixList",
            to(HTTPS, "HTTPS to S3 through its gateway endpoint", DestinationPrefixListId=Ref("S3PrefixListId")),
            NoValue,
        ),
    ]


def _add_ingress(
    template: Template,
    logical_id: str,
    group: ec2.SecurityGroup,
    source: ec2.SecurityGroup,
    port: int,
    description: str,
) -> ec2.SecurityGroupIngress:
    return template.add_resource(
        ec2.SecurityGroupIngress(
            logical_id,
            GroupId=GetAtt(group, "GroupId"),
            SourceSecurityGroupId=GetAtt(source, "GroupId"),
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            Description=description,
        )
    )
