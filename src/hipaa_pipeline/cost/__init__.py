"""What a stack costs in a month: its resources, a dated price lock, and usage assumptions that are always shown.

`charges/` says what each resource is charged for, `tariffs` names every price and where AWS publishes it, `lock` holds
the prices, `estimate` multiplies and adds. Nothing here but `lock` and `refresh` touches the disk or the network.
"""

from hipaa_pipeline.cost.assumptions import Assumptions
from hipaa_pipeline.cost.difference import Difference, difference
from hipaa_pipeline.cost.estimate import Estimate, estimate
from hipaa_pipeline.cost.lock import LOCK_PATH, Price, PriceLock, load_lock

__all__ = [
    "LOCK_PATH",
    "Assumptions",
    "Difference",
    "Estimate",
    "Price",
    "PriceLock",
    "difference",
    "estimate",
    "load_lock",
]
