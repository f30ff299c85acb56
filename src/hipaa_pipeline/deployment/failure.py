"""Why an operation failed: the first failing event, its kind, and what to do about it. Pure.

CloudFormation cancels everything else when one resource fails, so the last message is seldom the cause. Messages are
AWS's own words and change; a kind that no pattern matches is `unknown`, never a guess.
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterable
from typing import Any

from hipaa_pipeline.deployment.events import Event


class Kind(enum.StrEnum):
    """The kinds of causes; only a transient one is worth trying again as it is."""

    QUOTA = "quota"
    PERMISSION = "permission"
    NAME_TAKEN = "name taken"
    CAPACITY = "capacity"
    INVALID = "invalid"
    DEPENDENCY = "dependency"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Cause:
    """What failed first, in AWS's words, and what to do about it."""

    kind: Kind
    logical_id: str
    type: str
    reason: str
    remedy: str

    def as_dict(self) -> dict[str, Any]:
        """The cause as plain JSON."""
        return {**dataclasses.asdict(self), "kind": str(self.kind)}


_ECHO = re.compile(
    r"^(Resource (creation|update|deletion) cancell?ed|The following resource\(s\) failed)", re.IGNORECASE
)
_HANDLER_CODE = re.compile(r"HandlerErrorCode: (\w+)")

# Words of AWS's messages, as regular expressions without regard to case. The kinds are tried in this order:
# "LimitExceededException: Rate exceeded" is throttling, not a quota.
_WORDS = {
    Kind.TRANSIENT: (
        "throttl", "rate exceeded", "too many requests", "slow ?down", "internal ?failure", "internal ?error",
        "internal server", "service ?unavailable", "try again later",
        "request ?timeout", "connection (reset|timed out)",
    ),
    Kind.PERMISSION: (
        "access ?denied", "not authorized", "unauthorized", "explicit deny", "forbidden", "insufficient permission",
    ),
    Kind.CAPACITY: (
        r"insufficient\w*capacity", "insufficient capacity", "not have sufficient .*capacity", "no capacity",
        "in your requested availability zone",
    ),
    Kind.QUOTA: (
        "limit ?exceeded", "quota", "maximum (allowed )?number of", "limit (has been )?(reached|exceeded)",
        "exceeds? the limit", "cannot exceed",
    ),
    Kind.NAME_TAKEN: (
        "already ?exists?", "already in use", "already taken", "name (is )?(not available|conflict)",
        "custom-named resource",
    ),
    Kind.DEPENDENCY: (
        "dependency ?violation", "has dependencies", "dependent object", "is in use", "in use by", "currently using",
        r"contains (\d+ )?recovery points", "cannot be deleted while", "cannot delete protected", "must be detached",
    ),
    Kind.INVALID: (
        "invalid", "not valid", "validation", "malformed", "unsupported", "not supported", "must be", "must not",
        "cannot find version", "does not support", "denied by stack policy",
    ),
}  # fmt: skip
_PATTERNS = {kind: re.compile("|".join(words), re.IGNORECASE) for kind, words in _WORDS.items()}

_HANDLER_CODES = {
    "AccessDenied": Kind.PERMISSION,
    "InvalidCredentials": Kind.PERMISSION,
    "UnauthorizedTaggingOperation": Kind.PERMISSION,
    "AlreadyExists": Kind.NAME_TAKEN,
    "ServiceLimitExceeded": Kind.QUOTA,
    "Throttling": Kind.TRANSIENT,
    "ServiceInternalError": Kind.TRANSIENT,
    "InternalFailure": Kind.TRANSIENT,
    "NetworkFailure": Kind.TRANSIENT,
    "ResourceConflict": Kind.TRANSIENT,
    "InvalidRequest": Kind.INVALID,
    "NotUpdatable": Kind.INVALID,
    "InvalidTypeConfiguration": Kind.INVALID,
}

_REMEDIES = {
    Kind.QUOTA: "Run `make preflight` for the quota's figures, then use what is there already (ExistingVpcId, the "
                "Existing…RoleArn parameters) or ask Service Quotas for more.",
    Kind.PERMISSION: "Let the deploying role do what the message names; `make preflight` asks IAM for every action.",
    Kind.NAME_TAKEN: "Choose another EnvironmentSuffix, or remove the resource that has the name.",
    Kind.CAPACITY: "Choose another DatabaseInstanceClass, or try again later: AWS has none of it in this Availability "
                   "Zone now.",
    Kind.INVALID: "Correct the property the message names in parameters/ or the template; `make check` finds most.",
    Kind.DEPENDENCY: "Remove what still uses the resource, then run it again.",
    Kind.TRANSIENT: "Run it again, or let it try by itself with --attempts 3.",
    Kind.UNKNOWN: "Read AWS's message; the resource's own service console often tells more.",
}  # fmt: skip
# What has the name may be part of the very stack that is updated, so nobody is told to remove it.
_NAME_TAKEN_IN_UPDATE = (
    "Undo the change of this resource, or deploy a new environment beside this one. Do not remove what has the name: "
    "it may be part of this very stack."
)


def root_cause(events: Iterable[Event], *, update: bool = False) -> Cause | None:
    """The cause of a failed operation, perhaps an update, from its events (oldest first); None when no resource failed.

    It is the first failure that has a reason of its own: neither the cancellation of a resource for another one's sake
    nor the stack's list of those that failed. A stack may fail by itself, as when an output cannot be told.
    """
    first = next((event for event in events if event.failed and event.reason and not _ECHO.match(event.reason)), None)
    return cause_of(first.logical_id, first.type, first.reason, update=update) if first else None


def cause_of(logical_id: str, resource_type: str, reason: str, *, update: bool = False) -> Cause:
    """The cause that AWS's message tells."""
    kind = classify(reason)
    remedy = _NAME_TAKEN_IN_UPDATE if update and kind is Kind.NAME_TAKEN else _REMEDIES[kind]
    return Cause(kind, logical_id, resource_type, " ".join(reason.split()), remedy)


def classify(reason: str) -> Kind:
    """The kind of cause a message names: by its words, else by the handler's error code, else unknown."""
    named = _HANDLER_CODE.search(reason)
    code = _HANDLER_CODES.get(named.group(1)) if named else None
    if code is not None and code is not Kind.INVALID:  # InvalidRequest also wraps quotas and permissions
        return code
    text = _HANDLER_CODE.sub("", reason)
    by_words = next((kind for kind, pattern in _PATTERNS.items() if pattern.search(text)), None)
    return by_words or code or Kind.UNKNOWN
