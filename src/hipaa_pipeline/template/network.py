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
    StringEqualsIfExists,
)
from troposphere import AccountId, Cidr, GetAtt, GetAZs, If, Ref, Select, Split, Sub, Template, ec2, iam, logs

from hipaa_pipeline.template.encryption import Encryption
from hipaa_pipeline.template.logging import add_log_group
from hipaa_pipeline.template.names import arn, name, permissions_boundary, tags
from hipaa_pipeline.template.policies import service_trust

SUBNET_BITS = 8  # /24 subnets: 251 usable addresses each
INTERFACE_ENDPOINTS = {
    "KinesisEndpoint": "kinesis-streams",
    "KmsEndpoint": "kms",
    "LogsEndpoint": "logs",
    "MonitoringEndpoint": "monitoring",
    "SecretsManagerEndpoint": "secretsmanager",
    "StsEndpoint": "sts",
}


@dataclasses.dataclass(frozen=True)
class Network:
    """The VPC and its private subnets, whether new or handed in."""

    vpc_id: If
    subnet_ids: If


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
            Metadata={"Why": "Holds the local route only: no internet gateway, no NAT gateway, no default route."},
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
    network = Network(
        vpc_id=If("NewVpc", Ref(vpc), Ref("ExistingVpcId")),
        subnet_ids=If("NewVpc", [Ref(subnet) for subnet in subnets], Split(",", Ref("ExistingPrivateSubnetIds"))),
    )
    _add_flow_log(template, network, encryption)
    return network


def add_interface_endpoints(template: Template, network: Network, group_id: GetAtt) -> None:
    """Add private access to the services a workload calls, so that it needs no way to the internet."""
    for logical_id, service in INTERFACE_ENDPOINTS.items():
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
                PolicyDocument=_endpoint_policy(service.split("-")[0]),
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


def _endpoint_policy(service: str) -> PolicyDocument:
    """Only principals of this account, and only its resources (some calls have no resource, hence IfExists)."""
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Effect=Allow,
                Principal=Principal("*"),
                Action=[Action(service, "*")],
                Resource=["*"],
                Condition=Condition(
                    [
                        StringEquals("aws:PrincipalAccount", AccountId),
                        StringEqualsIfExists("aws:ResourceAccount", AccountId),
                    ]
                ),
            )
        ],
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
    policy = template.add_resource(
        iam.ManagedPolicy(
            "FlowLogPolicy",
            Condition="NewFlowLogRole",
            Description="Deliver VPC flow logs into their log group",
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[
                    Statement(
                        Sid="WriteFlowLogs",
                        Effect=Allow,
                        Action=[
                            logs_actions.CreateLogStream,
                            logs_actions.DescribeLogStreams,
                            logs_actions.PutLogEvents,
                        ],
                        Resource=[GetAtt(group, "Arn")],
                    ),
                    Statement(
                        Sid="FindLogGroup",
                        Effect=Allow,
                        Action=[logs_actions.DescribeLogGroups],
                        Resource=["*"],  # the action has no resource-level support
                    ),
                ],
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
            ManagedPolicyArns=[Ref(policy)],
            PermissionsBoundary=permissions_boundary(),
            Tags=tags(),
        )
    )
