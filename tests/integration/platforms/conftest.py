"""The fake platforms, running; and a merchant's end that notes what it is called with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.platforms.server import Platforms
from tests.platforms import make_platform_keys, running_platforms

Json = Any


@dataclass
class Merchant:
    """Takes calls, and answers each as it was told to."""

    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=lambda: [(200, b"success")])
    """One for each call; the last one again and again."""
    decide: Callable[[str, dict[str, str], bytes], tuple[int, bytes]] | None = None
    """What to answer, where that depends on the call."""
    url: str = ""

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if self.decide is not None:
            return self.decide(path, headers, body)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    told = Merchant()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # As the library calls it.
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.calls.append((self.path, dict(self.headers), body))
            status, content = told.answer(self.path, dict(self.headers), body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    yield told
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture(scope="session")
def platform_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_platform_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def platforms(platform_keys: Path, tmp_path: Path, merchant: Merchant) -> Iterator[Platforms]:
    with running_platforms(
        tmp_path / "platforms", keys=platform_keys, public_url=merchant.url
    ) as running:
        yield running


@pytest.fixture
def accounts(platforms: Platforms) -> dict[str, dict[str, Any]]:
    """What the merchant reads of his accounts, with the contents of the files in place."""
    content = yaml.safe_load(platforms.accounts_file.read_text())

    def read(value: Json) -> Json:
        if isinstance(value, dict) and value.keys() == {"file"}:
            return (platforms.settings.folder / value["file"]).read_text()
        if isinstance(value, dict):
            return {name: read(each) for name, each in value.items()}
        if isinstance(value, list):
            return [read(each) for each in value]
        return value

    return {row["name"]: read(row) for row in content["accounts"]}
