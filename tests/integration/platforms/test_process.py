"""`python -m deploy.local.platforms` serves until it is told to end, and keeps what it should."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from deploy.local.platforms.control_client import Control
from deploy.local.ports import HOST, Ports

WITHIN_S = 60.0


@contextmanager
def a_process(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Control]]:
    ports = Ports(["platforms"], wanted={})
    address = f"{HOST}:{ports.numbers['platforms']}"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "deploy.local.platforms", "serve", str(folder)),
            *("--address", address, "--public-url", "http://127.0.0.1:9", *arguments),
        ],
        stdout=subprocess.DEVNULL,
    )
    control = Control(f"http://{address}")
    try:
        deadline = time.monotonic() + WITHIN_S
        while not is_ready(address):
            assert process.poll() is None
            assert time.monotonic() < deadline
        yield process, control
    finally:
        control.close()
        process.kill()
        process.wait()
        ports.release()


def is_ready(address: str) -> bool:
    try:
        answer = httpx2.get(f"http://{address}/readyz", trust_env=False)
    except httpx2.HTTPError:
        return False
    return answer.status_code == 200


def test_trades_outlast_the_process(platform_keys: Path, tmp_path: Path) -> None:
    folder = tmp_path / "platforms"
    shutil.copytree(platform_keys, folder)
    keys = {path: path.read_bytes() for path in folder.rglob("*.pem")}

    with a_process(folder, "--keep-trades", "--drop-share", "1") as (process, control):
        control.create("wechatpay", "M1", 1000, pay_in_s=0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0
    with a_process(folder, "--keep-trades") as (_, control):
        trade = control.trade("wechatpay", "M1")

    assert trade["state"] == "paid"
    assert keys == {path: path.read_bytes() for path in keys}


def test_keys_can_be_made_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"

    told = subprocess.run(
        [
            *(sys.executable, "-m", "deploy.local.platforms", "keys", str(folder)),
            *("--address", "127.0.0.1:18090"),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
    )

    accounts = Path(told.stdout.strip())
    assert accounts == folder / "accounts.yaml"
    assert "http://127.0.0.1:18090" in accounts.read_text()
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}


def test_it_does_not_serve_the_world(tmp_path: Path) -> None:
    told = subprocess.run(
        [
            *(sys.executable, "-m", "deploy.local.platforms", "serve", str(tmp_path)),
            *("--address", "0.0.0.0:18090"),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
    )

    assert told.returncode == 2
    assert "loopback" in told.stderr
