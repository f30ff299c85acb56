"""What a stack's status means for somebody who wants to change it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html (stack status codes)
"""

from __future__ import annotations

import enum

from hipaa_pipeline.aws.stacks import OWNER_TAG


class Standing(enum.Enum):
    """What can be done with a stack as it stands."""

    ABSENT = "there is no stack"
    READY = "it can be updated"
    BUSY = "an operation is running"
    IN_REVIEW = "it was never created: a change set waits for review"
    ROLLED_BACK = "its creation failed; it can only be deleted"
    UPDATE_FAILED = "an update failed with rollback turned off; it can be rolled back"
    ROLLBACK_STUCK = "an update failed and could not be rolled back; the rollback can be continued"
    DELETE_STUCK = "its deletion failed half-way; it can only be deleted"


GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})

_STANDINGS = {
    "DELETE_COMPLETE": Standing.ABSENT,
    "REVIEW_IN_PROGRESS": Standing.IN_REVIEW,
    "CREATE_COMPLETE": Standing.READY,
    "UPDATE_COMPLETE": Standing.READY,
    "IMPORT_COMPLETE": Standing.READY,
    "UPDATE_ROLLBACK_COMPLETE": Standing.READY,
    "IMPORT_ROLLBACK_COMPLETE": Standing.READY,
    "CREATE_FAILED": Standing.ROLLED_BACK,
    "ROLLBACK_COMPLETE": Standing.ROLLED_BACK,
    "ROLLBACK_FAILED": Standing.ROLLED_BACK,
    "UPDATE_FAILED": Standing.UPDATE_FAILED,
    "UPDATE_ROLLBACK_FAILED": Standing.ROLLBACK_STUCK,
    "IMPORT_ROLLBACK_FAILED": Standing.ROLLBACK_STUCK,
    "DELETE_FAILED": Standing.DELETE_STUCK,
}


def standing(status: str | None) -> Standing:
    """The standing of a stack with this status (None: no stack). Raises ValueError for a status AWS never named."""
    if status is None:
        return Standing.ABSENT
    if status in _STANDINGS:
        return _STANDINGS[status]
    if status.endswith("_IN_PROGRESS"):
        return Standing.BUSY
    raise ValueError(f"CloudFormation has no stack status {status!r}")


def foreign(name: str) -> str:
    """Why a stack without this tool's tag is neither changed nor deleted."""
    return f"The stack {name} was not made by this tool (it has no tag {OWNER_TAG}), so it is left alone."


def is_busy(status: str) -> bool:
    """Whether an operation is running on the stack; one in review waits for a person, so it is not busy."""
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
