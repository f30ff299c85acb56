"""Where the data moves: a private VPC, new or handed in, with a flow log of all traffic. 164.312(e)(1), 164.312(b)."""

from __future__ import annotations

import dataclasses

import awacs.logs as logs_actions
from awacs.aws import (
    Action,
    Allow,
    ArnLike,
    Condition,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import AccountId, Cidr, GetAtt, GetAZs, If, Ref, Select, Split, Sub, Template, ec2, iam, logs

from hipaa_pipeline.template.encryption import Encryption
from hipaa_pipeline.template.logging import add_log_group
from hipaa_pipeline.template.names import arn, name, permissions_boundary, tags
from hipaa_pipeline.template.policies import allow, policy, service_trust

SUBNET_BITS = 8  # /24 subnets: 251 usable addresses each
INTERFACE_ENDPOINTS = {  # service name, and the prefix of its IAM actions
    "KinesisEndpoint": ("kinesis-streams", "kinesis"),
    "KmsEndpoint": ("kms", "kms"),
    "LogsEndpoint": ("logs", "logs"),
    "MonitoringEndpoint": ("monitoring", "cloudwatch"),
    "SecretsManagerEndpoint": ("secretsmanager", "secretsmanager"),
    "StsEndpoint": ("sts", "sts"),
}
DATA_SERVICES = {"kinesis", "kms", "s3", "secretsmanager"}


@dataclasses.dataclass(frozen=True)
class Network:
    """The VPC and its private subnets, whether new or handed in."""

    vpc_id: If
    subnet_ids: If
    new_subnet_ids: list[Ref]


def add_network(template: Template, encryption: Encryption) -> Network:
    """Add the VPC with two private subnets and no way to the internet, or use the one handed in; and its flow log."""
    vpc = template.add_resource(
        ec2.VPC(
            "Vpc",
            Condition="NewVpc",
            CidrBlock=Ref("VpcCidr"),
            EnableDnsHostnames=True,
            EnableDnsSupport=True,
            Tags=tags("vpc"),
        )
    )
    table = template.add_resource(
        ec2.RouteTable(
            "PrivateRouteTable",
            Condition="NewVpc",
            VpcId=Ref(vpc),
            Tags=tags("private-route-table"),
        )
    )
    subnets = [_add_subnet(template, vpc, table, zone, letter) for zone, letter in enumerate("AB")]
    template.add_resource(
        ec2.VPCEndpoint(
            "S3Endpoint",
            Condition="NewGatewayEndpoint",
            VpcEndpointType="Gateway",
            ServiceName=Sub("com.amazonaws.${AWS::Region}.s3"),
            VpcId=Ref(vpc),
            RouteTableIds=[Ref(table)],
            PolicyDocument=_endpoint_policy("s3"),
            Tags=tags("s3-endpoint"),
        )
    )
    new_subnet_ids = [Ref(subnet) for subnet in subnets]
    network = Network(
        vpc_id=If("NewVpc", Ref(vpc), Ref("ExistingVpcId")),
        subnet_ids=If("NewVpc", new_subnet_ids, Split(",", Ref("ExistingPrivateSubnetIds"))),
        new_subnet_ids=new_subnet_ids,
    )
    _add_flow_log(template, network, encryption)
    return network


def add_interface_endpoints(template: Template, network: Network, group_id: GetAtt) -> None:
    """Add private access to the services a workload calls, so that it needs no way to the internet."""
    for logical_id, (service, prefix) in INTERFACE_ENDPOINTS.items():
        template.add_resource(
            ec2.VPCEndpoint(
                logical_id,
                Condition="NewEndpoints",
                VpcEndpointType="Interface",
                ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service}"),
                VpcId=network.vpc_id,
                SubnetIds=network.subnet_ids,
                SecurityGroupIds=[group_id],
                PrivateDnsEnabled=True,
                PolicyDocument=_endpoint_policy(prefix),
                Tags=tags(),
            )
        )


def _add_subnet(template: Template, vpc: ec2.VPC, table: ec2.RouteTable, zone: int, letter: str) -> ec2.Subnet:
    subnet = template.add_resource(
        ec2.Subnet(
            f"PrivateSubnet{letter}",
            Condition="NewVpc",
            VpcId=Ref(vpc),
            AvailabilityZone=Select(zone, GetAZs("")),
            CidrBlock=Select(zone, Cidr(Ref("VpcCidr"), 2, SUBNET_BITS)),
            MapPublicIpOnLaunch=False,
            Tags=tags(f"private-subnet-{letter.lower()}"),
        )
    )
    template.add_resource(
        ec2.SubnetRouteTableAssociation(
            f"PrivateSubnet{letter}Routes", Condition="NewVpc", SubnetId=Ref(subnet), RouteTableId=Ref(table)
        )
    )
    return subnet


def _endpoint_policy(prefix: str) -> PolicyDocument:
    """Only principals of this account; and where data could leave for another account, only its own resources.

    The other services' calls carry no resource account (PutMetricData), or are meant to cross accounts (AssumeRole).
    """
    keys = ["aws:PrincipalAccount", *(["aws:ResourceAccount"] if prefix in DATA_SERVICES else [])]
    return policy(
        Statement(
            Effect=Allow,
            Principal=Principal("*"),
            Action=[Action(prefix, "*")],
            Resource=["*"],
            Condition=Condition(StringEquals(dict.fromkeys(keys, AccountId))),
        )
    )


def _add_flow_log(template: Template, network: Network, encryption: Encryption) -> None:
    group = add_log_group(template, "FlowLogGroup", name("flow-logs"), encryption)
    template.add_resource(
        ec2.FlowLog(
            "FlowLog",
            ResourceId=network.vpc_id,
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="cloud-watch-logs",
            LogGroupName=Ref(group),
            MaxAggregationInterval=60,
            DeliverLogsPermissionArn=If(
                "NewFlowLogRole", GetAtt(_add_flow_log_role(template, group), "Arn"), Ref("ExistingFlowLogRoleArn")
            ),
            Tags=tags("flow-log"),
        )
    )


def _add_flow_log_role(template: Template, group: logs.LogGroup) -> iam.Role:
    delivery = template.add_resource(
        iam.ManagedPolicy(
            "FlowLogPolicy",
            Condition="NewFlowLogRole",
            Description="Deliver VPC flow logs into their log group",
            PolicyDocument=policy(
                allow(
                    "WriteFlowLogs",
                    [logs_actions.CreateLogStream, logs_actions.DescribeLogStreams, logs_actions.PutLogEvents],
                    [GetAtt(group, "Arn")],
                ),
                allow("FindLogGroup", [logs_actions.DescribeLogGroups], ["*"]),  # it has no resource-level support
            ),
        )
    )
    return template.add_resource(
        iam.Role(
            "FlowLogRole",
            Condition="NewFlowLogRole",
            AssumeRolePolicyDocument=service_trust(
                "vpc-flow-logs.amazonaws.com", ArnLike("aws:SourceArn", arn("ec2", "vpc-flow-log/*"))
            ),
            ManagedPolicyArns=[Ref(delivery)],
            PermissionsBoundary=permissions_boundary(),
            Tags=tags(),
        )
    )
