"""A notifier that is killed while a receiver has heard and not answered: shown, never doubled."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from service.domain.desk.notices import NoticeState
from tests.integration.notices.world import Telling
from tests.integration.service.world import free_port

# A process that starts on a busy machine.
PATIENCE_S = 60.0


@contextmanager
def a_notifier(telling: Telling, address: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the process beside the test; it is gone afterwards."""
    environment = {
        **os.environ,
        "CONCORD_NOTICE_CHANNELS": str(folder / "channels.yaml"),
        "CONCORD_SERVICE_ADDRESS": address,
        "CONCORD_METRICS_ADDRESS": f"127.0.0.1:{free_port()}",
        "CONCORD_LOG_LEVEL": "error",
        "KEY": "key-1",
    }
    process = subprocess.Popen([sys.executable, "-m", "clients.notifier"], env=environment)
    try:
        yield process
    finally:
        telling.robot.may_answer.set()
        process.kill()
        process.wait()


def test_what_a_killed_notifier_had_sent_is_uncertain_and_is_not_sent_again(
    telling: Telling, address: str, tmp_path: Path
) -> None:
    (name,) = telling.ask(1)
    telling.told.compose()
    telling.robot.may_answer.clear()

    with a_notifier(telling, address, tmp_path) as process:
        assert telling.robot.has_heard.wait(PATIENCE_S), "nothing was sent"
        process.kill()
        process.wait()
    telling.told.clock.pass_time(timedelta(seconds=61))
    while telling.told.noticing.lapse_due():
        pass

    assert telling.state(name) is NoticeState.UNCERTAIN
    asyncio.run(telling.wait(3_600, step=60))
    assert len(telling.robot.heard) == 1
