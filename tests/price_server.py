"""AWS's public price files on this machine: the recorded CSV files behind real Region indexes, over HTTP."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

FILES = Path(__file__).parent / "data" / "price_files"
VERSION = "20261120211011"


@dataclasses.dataclass
class PriceServer:
    """Answers by path; a test changes `answers` to break something."""

    url: str
    answers: dict[str, bytes]

    def csv(self, offer: str, region: str = "ap-southeast-1") -> str:
        """An offer's file as it is served now."""
        return self.answers[csv_path(offer, region)].decode()

    def replace(self, offer: str, old: str, new: str, region: str = "ap-southeast-1") -> None:
        """Change an offer's file; what is replaced must be there."""
        text = self.csv(offer, region)
        assert old in text
        self.answers[csv_path(offer, region)] = text.replace(old, new).encode()


def csv_path(offer: str, region: str) -> str:
    """Where an offer's file of a Region is."""
    return f"/offers/v1.0/aws/{offer}/{VERSION}/{region}/index.csv"


def index_path(offer: str) -> str:
    """Where an offer's Region index is."""
    return f"/offers/v1.0/aws/{offer}/current/region_index.json"


@contextlib.contextmanager
def price_server() -> Iterator[PriceServer]:
    """The price files of ap-southeast-1 on a free loopback port."""
    answers: dict[str, bytes] = {}
    for file in sorted(FILES.glob("*.csv")):
        path = csv_path(file.stem, "ap-southeast-1")
        answers[path] = file.read_bytes()
        current = {"regionCode": "ap-southeast-1", "currentVersionUrl": path.replace(".csv", ".json")}
        answers[index_path(file.stem)] = json.dumps({"regions": {"ap-southeast-1": current}}).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's name
            del format, arguments

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield PriceServer(f"http://127.0.0.1:{server.server_address[1]}", answers)
        finally:
            server.shutdown()
            thread.join()
