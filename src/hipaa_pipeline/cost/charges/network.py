"""VPC endpoints: interface endpoints by the hour in each zone and by the GB, gateway endpoints free."""

from __future__ import annotations

from decimal import Decimal

from hipaa_pipeline.cost.assumptions import HOURS_PER_MONTH
from hipaa_pipeline.cost.charges.charge import Charge, Charges, Context, Unpriceable, items, text
from hipaa_pipeline.stack import Resource


def endpoint(resource: Resource, context: Context) -> Charges:
    """An endpoint's charges: one zone for each of its subnets. https://aws.amazon.com/privatelink/pricing/"""
    kind = text(resource, "VpcEndpointType", "Gateway")
    if kind == "Gateway":
        return
    if kind != "Interface":
        raise Unpriceable(f"there is no price rule for a VPC endpoint of type {kind}")
    zones = len(items(resource, "SubnetIds"))
    yield Charge("endpoint", "vpc_endpoint_hour", zones * HOURS_PER_MONTH)
    yield Charge("data through the endpoint", "vpc_endpoint_gb", context.assumed.endpoint_gb if zones else Decimal(0))
