"""The connectors as the process that they are, killed while Pinduoduo tells what happens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest
import yaml

from benchmarks.processes import Running
from clients.sdk.testing import FakeConcord
from tests.integration.listening.book import eventually
from tests.integration.listening.pdd_messages import CLIENT, MALL, SECRET, MessageService

ROUNDS = 3

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


def accounts_file(folder: Path, push: str) -> Path:
    for name, content in (("secret", SECRET), ("token", "token-of-pdd-1")):
        (folder / name).write_text(content)
    row = {
        "name": "pdd-shop",
        "provider": "pdd",
        "client": CLIENT,
        "client_secret": {"file": "secret"},
        "shop": str(MALL),
        "access_token": {"file": "token"},
        "push": push,
    }
    path = folder / "accounts.yaml"
    told = {"public_url": "http://127.0.0.1:18080", "accounts": [row]}
    path.write_text(yaml.safe_dump(told))
    return path


async def test_killing_the_connectors_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    dice = Random("kills")  # noqa: S311  # Misfortune need not be secret.
    with FakeConcord() as fake:

        def is_durable(number: str) -> bool:
            return any(each.message_id == number for each in tuple(fake.model.receipts.values()))

        async with MessageService(is_durable) as platform:
            env = {
                "CONCORD_SERVICE_ADDRESS": fake.address,
                "CONCORD_ACCOUNTS": str(accounts_file(tmp_path, platform.url)),
            }

            def start() -> Running:
                log = tmp_path / "connectors.log"
                return Running(log, "clients.connectors", address="", env=env)

            numbers = set[int]()
            for _ in range(ROUNDS):
                connectors = start()
                done = len(platform.done)
                numbers |= {platform.tell() for _ in range(dice.randrange(50, 400))}
                await eventually(lambda: len(platform.done) > done)  # noqa: B023
                connectors.kill()

            connectors = start()
            await eventually(lambda: platform.done == numbers)
            code = await asyncio.to_thread(connectors.end)

    assert code == 0
    assert platform.early == []
    kept = [each.message_id for each in fake.model.receipts.values()]
    assert sorted(kept) == sorted(str(each) for each in numbers)
    text = (tmp_path / "connectors.log").read_text()
    assert "line_opened" in text
    assert SECRET not in text
    assert "/message/" not in text
