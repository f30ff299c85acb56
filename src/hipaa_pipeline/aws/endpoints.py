"""Where answers came from: AWS's own endpoints, or something that only speaks like them."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable

# The DNS suffixes of all partitions, dual-stack ones too: botocore/data/partitions.json.
_SUFFIXES = (
    "amazonaws.com", "api.aws", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "amazonaws.eu",
    "api.amazonwebservices.eu", "c2s.ic.gov", "api.aws.ic.gov", "sc2s.sgov.gov", "api.aws.scloud", "cloud.adc-e.uk",
    "api.cloud-aws.adc-e.uk", "csp.hci.ic.gov", "api.aws.hci.ic.gov",
)  # fmt: skip
_OWN = re.compile(rf"https://([a-z0-9-]+\.)+({'|'.join(map(re.escape, _SUFFIXES))})(:443)?")


def foreign(urls: Iterable[str]) -> tuple[str, ...]:
    """Those endpoints that are not AWS's own, each once, in order: scheme, host and port only.

    User names, passwords, paths and queries are left out, since they may hold credentials.
    """
    bare = {_bare(url) for url in urls}
    return tuple(sorted(url for url in bare if not _OWN.fullmatch(url)))


def _bare(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
