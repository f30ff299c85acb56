"""The admin endpoints of the local account, under `/_hipaa/`, for tests and rehearsals. Loopback only, as everything.

GET    health                  version, process and Region
GET    inventory               what is in the account, by service and kind: names or ids
GET    quotas                  applied quotas that differ from AWS's defaults
PUT    quotas                  set them: {"vpc/L-F678F1CE": 5}
POST   quotas/approve          approve every pending increase request
POST   subscriptions/confirm   confirm every pending subscription, as its owner would by the mail
POST   fill                    use quotas up without stacks: {"vpc/L-F678F1CE": 5}
GET    calls                   every request since the last reset: "ec2.DescribeVpcs", in order
GET    faults                  the faults in force
POST   faults                  put one in force; answers its number
DELETE faults, faults/N        remove all, or one
POST   settings                {"creation_delay_ms": 200}
POST   reset                   forget everything: resources, quotas, faults
POST   stop                    end the process
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from hipaa_pipeline import __version__
from hipaa_pipeline.local import MINISTACK_VERSION, fill, inventory, sns

if TYPE_CHECKING:
    from hipaa_pipeline.local.extend import Account
    from hipaa_pipeline.local.wire import Answer

PREFIX = "/_hipaa/"


def answer(account: Account, method: str, path: str, body: bytes) -> Answer:
    """The HTTP answer of an admin request; 404 for an unknown one, 400 for one that makes no sense."""
    try:
        value = _handle(account, f"{method} {path.removeprefix(PREFIX)}", json.loads(body) if body else {})
    except LookupError as error:
        return _json({"error": str(error)}, 404)
    except (TypeError, ValueError) as error:
        return _json({"error": str(error)}, 400)
    return _json(value, 200)


def _handle(account: Account, request: str, document: Any) -> Any:
    match request.split("/"):
        case ["GET health"]:
            return {
                "ministack": MINISTACK_VERSION,
                "hipaa_pipeline": __version__,
                "pid": os.getpid(),
                "region": account.settings.region,
                "account_id": account.settings.account_id,
            }
        case ["GET inventory"]:
            return inventory.everything()
        case ["GET quotas"]:
            return account.quotas.applied()
        case ["PUT quotas"]:
            account.quotas.apply(document)
            return account.quotas.applied()
        case ["POST quotas", "approve"]:
            return {"approved": account.quotas.approve_all()}
        case ["POST subscriptions", "confirm"]:
            return {"confirmed": sns.confirm_all()}
        case ["GET calls"]:
            return list(account.calls)
        case ["POST fill"]:
            return fill.fill(account.quotas, document)
        case ["GET faults"]:
            return account.faults.as_list()
        case ["POST faults"]:
            return {"number": account.faults.add(document)}
        case ["DELETE faults"]:
            account.faults.clear()
            return {}
        case ["DELETE faults", number]:
            account.faults.clear(int(number))
            return {}
        case ["POST settings"]:
            account.creation_delay_ms = int(document["creation_delay_ms"])
            return {}
        case ["POST reset"]:
            account.reset()
            return {}
    raise LookupError(f"no admin request {request}")


def _json(value: Any, status: int) -> Answer:
    return status, {"content-type": "application/json"}, json.dumps(value, default=str).encode()
