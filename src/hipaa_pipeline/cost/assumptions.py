"""What no template can say and a bill depends on: the traffic, the data, the age of the stack. Every one is a flag."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Annotated, Any, get_type_hints

from hipaa_pipeline.errors import UserError

HOURS_PER_MONTH = Decimal(730)
HOURS_PER_DAY = Decimal(24)
KILOBYTES_PER_GIGABYTE = Decimal(1024 * 1024)
MOST = Decimal(10**12)  # of anything: far beyond every use, and short enough for the arithmetic


@dataclasses.dataclass(frozen=True, kw_only=True)
class Assumptions:
    """Usage in a month, unless a name says otherwise. Raises UserError for a number that is none from 0 to `MOST`.

    None of the defaults is measured: they describe a small pipeline, and the result prints them.
    """

    events_per_day: Annotated[Decimal, "records put into the stream each day"] = Decimal(100000)
    event_kilobytes: Annotated[Decimal, "size of one record in KiB"] = Decimal(2)
    stream_readers: Annotated[Decimal, "consumers that each read every record (on-demand streams)"] = Decimal(1)
    application_log_gb: Annotated[Decimal, "GB that applications write to each log group of the stack"] = Decimal(1)
    database_log_gb: Annotated[Decimal, "GB of PostgreSQL logs"] = Decimal(1)
    flow_log_gb: Annotated[Decimal, "GB of VPC flow logs"] = Decimal(1)
    log_compression: Annotated[Decimal, "stored size of a log as a fraction of its ingested size"] = Decimal("0.15")
    database_gb: Annotated[Decimal, "GB of data in the database, at most its allocated storage"] = Decimal(10)
    database_change_gb_per_day: Annotated[Decimal, "GB of the database that change each day"] = Decimal("0.5")
    monitoring_sample_kilobytes: Annotated[Decimal, "KiB of one Enhanced Monitoring sample"] = Decimal(6)
    endpoint_gb: Annotated[Decimal, "GB through each interface endpoint"] = Decimal(1)
    kms_requests: Annotated[Decimal, "requests to each KMS key"] = Decimal(100000)
    secret_requests: Annotated[Decimal, "API calls for each secret"] = Decimal(10000)
    alarm_emails: Annotated[Decimal, "e-mails from each subscription to an alarm topic"] = Decimal(100)
    months_in_service: Annotated[Decimal, "age of the stack in months: key rotations and stored logs grow with it"] = (
        Decimal(12)
    )
    free_allowances: Annotated[bool, "subtract an account's free allowances, as if nothing else used them"] = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field.name, getattr(self, field.name))

    @property
    def days_in_service(self) -> Decimal:
        """The age of the stack in days, in months of 730 hours."""
        return self.months_in_service * HOURS_PER_MONTH / HOURS_PER_DAY

    @property
    def events_per_month(self) -> Decimal:
        """Records put into the stream in a month of 730 hours."""
        return self.events_per_day * HOURS_PER_MONTH / HOURS_PER_DAY

    @classmethod
    def help_texts(cls) -> dict[str, str]:
        """What each assumption means, in the order of the fields."""
        return {name: hint.__metadata__[0] for name, hint in get_type_hints(cls, include_extras=True).items()}

    def as_dict(self) -> dict[str, Any]:
        """Every assumption by name, as JSON numbers."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: plain(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def _check(name: str, value: Any) -> None:
    if isinstance(value, bool):
        return
    if not value.is_finite() or not 0 <= value <= MOST:
        flag = "--" + name.replace("_", "-")
        raise UserError(
            f"{flag} is {value}: an amount cannot be negative, endless or above {MOST:,}.",
            f"Give {flag} a number from 0.",
        )


def plain(value: Decimal) -> int | float:
    """A decimal as a JSON number, whole numbers without a point."""
    return int(value) if value == value.to_integral_value() else float(value)
