"""A group robot that keeps to WeCom's protocol: HTTP 200 always, limits by key, and moods."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

PER_MINUTE = 20
MARKDOWN_BYTES = 4_096
TEXT_BYTES = 2_048


class Robot:
    """One receiver; `heard` has what it took, in order."""

    def __init__(self, clock: Callable[[], datetime], key: str = "key-1") -> None:
        self.heard: list[str] = []
        self.refused: defaultdict[int, int] = defaultdict(int)
        # What the next calls get instead: an errcode, an HTTP status, or a silence after hearing.
        self.moods: deque[int | str] = deque()
        # Set when it has heard something; it answers when it may.
        self.has_heard, self.may_answer = Event(), Event()
        self.may_answer.set()
        # A text that it takes from nobody, for reasons that it does not tell.
        self.disliked = ""
        self.port = 0
        self._clock = clock
        self._key = key
        self._moments: deque[datetime] = deque()
        self._lock = Lock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cgi-bin/webhook/send"

    def up(self) -> None:
        """Listen, always on the same port."""
        robot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer = robot.take(self.path, body)
                robot.has_heard.set()
                robot.may_answer.wait()
                if status == 0:
                    self.close_connection = True
                    return
                raw = json.dumps(answer).encode()
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", "http://169.254.169.254/")
                self.send_header("content-type", "application/json; charset=UTF-8")
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Be away."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Return HTTP status and body; status 0 hangs up without a word."""
        with self._lock:
            mood = self.moods.popleft() if self.moods else None
            if isinstance(mood, int) and mood >= 300 and mood < 600:
                return mood, {}
            if isinstance(mood, int):
                return 200, self._no(mood, "in a mood")
            code, text = self._judged(path, body)
            if code:
                return 200, self._no(code, "refused")
            self._moments.append(self._clock())
            self.heard.append(text)
            return (0, {}) if mood == "silence" else (200, {"errcode": 0, "errmsg": "ok"})

    def _judged(self, path: str, body: bytes) -> tuple[int, str]:
        asked = urlsplit(path)
        if parse_qs(asked.query).get("key") != [self._key]:
            return 93_000, ""
        message = json.loads(body.decode("utf-8"))
        kind = message["msgtype"]
        text = str(message[kind]["content"])
        if len(text.encode()) > (MARKDOWN_BYTES if kind == "markdown" else TEXT_BYTES):
            return 40_058, ""
        if self.disliked and self.disliked in text:
            return 60_011, ""
        now = self._clock()
        while self._moments and self._moments[0] <= now - timedelta(seconds=60):
            self._moments.popleft()
        return (45_009, "") if len(self._moments) >= PER_MINUTE else (0, text)

    def _no(self, code: int, why: str) -> dict[str, Any]:
        self.refused[code] += 1
        return {"errcode": code, "errmsg": why}
