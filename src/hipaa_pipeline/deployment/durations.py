"""How long CloudFormation usually takes, by resource type: what the progress table and the credential check count on.

Not promises and not measurements of this project: figures of AWS's documentation and of published deployment logs, in
seconds, rounded. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_GettingStarted.CreatingConnecting.PostgreSQL.html
"""

from __future__ import annotations

from collections.abc import Iterable

_CREATE_SECONDS = {
    "AWS::RDS::DBInstance": 600.0,
    "AWS::KMS::Key": 120.0,
    "AWS::EC2::VPCEndpoint": 60.0,
    "AWS::RDS::DBParameterGroup": 30.0,
    "AWS::Kinesis::Stream": 30.0,
    "AWS::IAM::Role": 20.0,
    "AWS::IAM::ManagedPolicy": 20.0,
    "AWS::EC2::VPC": 15.0,
    "AWS::EC2::SecurityGroup": 10.0,
}
_DELETE_SECONDS = {
    "AWS::RDS::DBInstance": 480.0,
    "AWS::EC2::VPCEndpoint": 180.0,
    "AWS::Kinesis::Stream": 60.0,
}
_OTHERWISE_SECONDS = 5.0


def expected_seconds(resource_type: str, status: str) -> float:
    """How long a step of a resource of this type usually takes; the step is told by the status (`DELETE_…`)."""
    table = _DELETE_SECONDS if status.startswith("DELETE") else _CREATE_SECONDS
    return table.get(resource_type, _OTHERWISE_SECONDS)


def expected_total(resource_types: Iterable[str]) -> float:
    """How long creating these resources usually takes: the chain key, network, database is the longest one."""
    types = set(resource_types)
    chain = ("AWS::KMS::Key", "AWS::EC2::VPC", "AWS::EC2::SecurityGroup", "AWS::RDS::DBInstance")
    longest = sum(_CREATE_SECONDS[step] for step in chain if step in types)
    return max([longest, *(_CREATE_SECONDS.get(kind, _OTHERWISE_SECONDS) for kind in types)])
