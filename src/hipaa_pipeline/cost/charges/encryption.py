"""KMS keys and Secrets Manager secrets."""

from __future__ import annotations

from decimal import Decimal

from hipaa_pipeline.cost.charges.charge import Charge, Charges, Context, flag, number
from hipaa_pipeline.stack import Resource

_BILLED_ROTATIONS = Decimal(2)


def key(resource: Resource, context: Context) -> Charges:
    """A key's versions and requests: only the first two rotations add to the bill.

    https://aws.amazon.com/kms/pricing/
    """
    versions = Decimal(1)
    if flag(resource, "EnableKeyRotation"):
        period = number(resource, "RotationPeriodInDays", 365)
        versions += min(context.assumed.days_in_service // period, _BILLED_ROTATIONS)
    yield Charge("key versions", "kms_key_month", versions)
    yield Charge("key requests", "kms_request", context.assumed.kms_requests)


def secret(resource: Resource, context: Context) -> Charges:
    """A secret's charges."""
    del resource
    return secret_charges("secret", context)


def secret_charges(name: str, context: Context) -> Charges:
    """One secret and the calls for it; a master password that RDS manages is charged like any other."""
    yield Charge(name, "secret_month", Decimal(1))
    yield Charge(f"{name} requests", "secret_request", context.assumed.secret_requests)
