"""A client made before a fork works in the child: gRPC's threads do not survive one."""

from __future__ import annotations

import subprocess
import sys

from clients.sdk.line import Line
from clients.sdk.testing import FakeConcord

# In a process of its own, whose only threads are those of the client under test.
PROGRAM = """
import os, sys
from clients.sdk import Concord
concord = Concord(sys.argv[1], timeout_s=10)
if sys.argv[2] == "after a call":
    concord.outbox.get()
child = os.fork()
if child == 0:
    assert concord.outbox.get().epoch == 1
    os._exit(0)
_, state = os.waitpid(child, 0)
assert state == 0, state
assert concord.outbox.get().epoch == 1
"""


def _run(address: str, when: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, address, when],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_client_that_made_no_call_works_in_a_forked_child() -> None:
    with FakeConcord() as fake:
        done = _run(fake.address, "before any call")

    assert done.returncode == 0, done.stderr


def test_a_client_that_made_calls_works_in_a_forked_child() -> None:
    with FakeConcord() as fake:
        done = _run(fake.address, "after a call")

    assert done.returncode == 0, done.stderr


class _Stub:
    """Keeps the channel that it was made on."""

    def __init__(self, channel: object) -> None:
        self.channel = channel


def test_another_owner_gets_another_channel_and_cannot_close_the_first() -> None:
    owner = ["parent"]
    line = Line(object, lambda: owner[0])
    first = line.stub(_Stub)
    assert line.stub(_Stub) is first

    owner[0] = "child"
    second = line.stub(_Stub)
    owner[0] = "grandchild"

    assert second.channel is not first.channel
    assert line.hang_up() is None
