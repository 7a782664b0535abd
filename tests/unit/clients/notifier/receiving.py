"""An HTTP receiver and an SMTP server for tests, on free loopback ports."""

from __future__ import annotations

import json
import socket
import socketserver
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

from clients.notifier.outcome import Outgoing, Part


@dataclass
class Heard:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401  # whatever was sent
        return json.loads(self.body)


Answer = tuple[int, bytes, Mapping[str, str]]


class Receiver:
    """Answers every POST with what it is told to."""

    def __init__(self, status: int = 200, body: object = None, **headers: str) -> None:
        self.heard: list[Heard] = []
        receiver = self
        raw = json.dumps(body).encode() if not isinstance(body, bytes) else body

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers.get("content-length", 0)))
                named = {name.lower(): value for name, value in self.headers.items()}
                receiver.heard.append(Heard(self.path, named, asked))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Mailbox:
    """An SMTP server that answers each word as it is told to; None hangs up."""

    answers: Mapping[str, bytes | None] = field(default_factory=dict)
    letters: list[bytes] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        box = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    word = line.split()[0].upper().decode() if line.split() else ""
                    if word == "DATA" and "DATA" not in box.answers:
                        self.wfile.write(b"354 go on\r\n")
                        word = "END"
                        box.letters.append(self._letter())
                    answer = box.answers.get(word, b"250 fine")
                    if answer is None:
                        return
                    self.wfile.write(answer + b"\r\n")

            def _letter(self) -> bytes:
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line)
                return b"".join(lines)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def a_message(channel: str = "wecom", address: str = "ops", **given: object) -> Outgoing:
    values: dict[str, object] = {
        "name": "snd-1",
        "channel": channel,
        "address": address,
        "title": "订单延迟",
        "text": "**订单延迟**\n预计 7 天。",
        "parts": (Part("ntc-1.0", "delay_expected", {"delay_days": "7"}),),
    }
    return Outgoing(**{**values, **given})  # type: ignore[arg-type]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fixed(value: int) -> Callable[[], int]:
    """Return a clock that stands still."""
    return lambda: value
