"""One small HTTP server a process: /metrics for Prometheus, /livez and /readyz for supervisors."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

Ready = Callable[[], Mapping[str, str]]
"""Returns what is missing, part by part; nothing where the process can do its work."""

Notes = Callable[[], Mapping[str, str]]
"""Returns what somebody should know although the process works, part by part."""

OK: Final = 200
NOT_FOUND: Final = 404
UNAVAILABLE: Final = 503
# A scraper or a probe that stalls holds a thread.
REQUEST_TIMEOUT_S: Final = 5.0


class Probes:
    """Serves on `address` from threads of its own until closed."""

    def __init__(
        self, address: str, *, registry: CollectorRegistry, ready: Ready, notes: Notes = dict
    ) -> None:
        """Begin to serve; notes are shown beside either answer of /readyz."""
        host, _, port = address.rpartition(":")
        self._server = _Server((host.strip("[]"), int(port)), _handler(registry, ready, notes))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True
        )
        self._thread.name = "probes"
        self._thread.start()

    @property
    def port(self) -> int:
        """Return the port that is listened on, also where 0 was asked for."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a scraper that hangs up is no news."""


def _handler(
    registry: CollectorRegistry, ready: Ready, notes: Notes
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_TIMEOUT_S

        def do_GET(self) -> None:
            match urlsplit(self.path).path:
                case "/metrics":
                    # Exemplars are part of OpenMetrics only; Prometheus asks for it.
                    encode, content_type = choose_encoder(self.headers.get("Accept") or "")
                    self._answer(OK, encode(registry), content_type)
                case "/livez":
                    self._answer(OK, b"ok\n", "text/plain")
                case "/readyz":
                    self._readyz()
                case _:
                    self._answer(NOT_FOUND, b"/metrics /livez /readyz\n", "text/plain")

        def _readyz(self) -> None:
            try:
                missing, told = dict(ready()), dict(notes())
            except Exception as error:  # noqa: BLE001  # A probe's edge: not ready, and why.
                missing, told = {"probe": type(error).__qualname__}, {}
            said = told | missing
            body = json.dumps(said, ensure_ascii=False).encode() if said else b"ok"
            self._answer(UNAVAILABLE if missing else OK, body + b"\n", "text/plain")

        def _answer(self, code: int, body: bytes, content_type: str) -> None:
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: probes come every second."""

    return Handler
