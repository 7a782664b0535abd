"""The supervisor starts in order, restarts within limits, and leaves nothing behind.

The processes are shell one-liners: what is tested is what the kernel does with them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.local import supervisor as module
from deploy.local.process import NotReadyError, Process, Spec, State, UnusableError
from deploy.local.supervisor import StackFailedError, Supervisor


class Diary:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, State]] = []
        self.details: list[str] = []
        self.lines: list[str] = []

    def changed(self, process: Process, detail: str) -> None:
        self.entries.append((process.name, process.state))
        self.details.append(detail)

    def wrote(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def supervise(tmp_path: Path, diary: Diary) -> Callable[..., Supervisor]:
    def make(*specs: Spec) -> Supervisor:
        return Supervisor(specs, logs=tmp_path / "logs", listener=diary)

    return make


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACK_OFF_FIRST_S", 0.01)
    monkeypatch.setattr(module, "PROBE_EVERY_S", 0.01)


async def passes() -> None:
    """A probe of something that is always ready."""


async def never_passes() -> None:
    raise NotReadyError("nobody listens")


def a_spec(name: str, script: str = "exec sleep 60", **changes: object) -> Spec:
    defaults: dict[str, Any] = {"probe": passes, "stop_within_s": 2.0}
    return Spec(
        name=name,
        argv=("sh", "-c", script),
        env={"PATH": os.environ["PATH"]},
        **(defaults | changes),
    )


def is_alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)


async def test_a_process_starts_when_those_it_depends_on_are_ready(
    supervise: Callable[..., Supervisor], diary: Diary
) -> None:
    running = supervise(
        a_spec("third", after=("second",)),
        a_spec("second", "true", probe=None, after=("first",)),
        a_spec("first"),
    )

    await running.start()
    await running.stop()

    begun = [name for name, state in diary.entries if state is State.STARTING]
    assert begun == ["first", "second", "third"]


async def test_processes_end_after_those_that_depend_on_them(
    supervise: Callable[..., Supervisor], diary: Diary
) -> None:
    running = supervise(a_spec("first"), a_spec("second", after=("first",)))

    await running.start()
    await running.stop()

    ended = [name for name, state in diary.entries if state is State.STOPPED]
    assert ended == ["second", "first"]


async def test_a_one_shot_that_fails_ends_the_stack(supervise: Callable[..., Supervisor]) -> None:
    running = supervise(a_spec("migrate", "echo no such table; exit 3", probe=None))

    with pytest.raises(StackFailedError) as failure:
        await running.start()
    await running.stop()

    assert failure.value.reason == "ended with 3"
    assert list(failure.value.process.log.tail) == ["no such table"]


async def test_a_process_that_dies_starts_again(supervise: Callable[..., Supervisor]) -> None:
    running = supervise(a_spec("service"))
    await running.start()
    process = running.processes["service"]
    first = process.pid
    assert first is not None

    os.kill(first, signal.SIGKILL)
    await until(lambda: process.restarts == 1 and process.state is State.READY)

    assert process.pid != first
    await running.stop()


async def test_a_process_that_dies_again_and_again_ends_the_stack(
    supervise: Callable[..., Supervisor], diary: Diary
) -> None:
    running = supervise(a_spec("service", "exit 1", probe=never_passes))

    with pytest.raises(StackFailedError):
        await running.start()
    await running.stop()

    attempts = diary.entries.count(("service", State.STARTING))
    assert attempts == module.ENDS_MAX


async def test_a_process_with_wrong_settings_is_not_tried_again(
    supervise: Callable[..., Supervisor], diary: Diary
) -> None:
    running = supervise(a_spec("service", "exit 2", probe=never_passes))

    with pytest.raises(StackFailedError):
        await running.start()
    await running.stop()

    assert diary.entries.count(("service", State.STARTING)) == 1


async def test_a_process_that_cannot_run_here_is_not_tried_again(
    supervise: Callable[..., Supervisor],
) -> None:
    def refuse() -> None:
        raise UnusableError("not installed")

    running = supervise(a_spec("postgres", prepare=refuse))

    with pytest.raises(StackFailedError, match="not installed"):
        await running.start()
    await running.stop()


async def test_the_stack_does_without_a_process_that_is_not_required(
    supervise: Callable[..., Supervisor],
) -> None:
    running = supervise(
        a_spec("spans", "exit 2", probe=never_passes, is_required=False),
        a_spec("service", after=("spans",)),
    )

    await running.start()

    assert running.processes["spans"].state is State.FAILED
    assert running.processes["service"].state is State.READY
    await running.stop()


async def test_a_process_that_is_not_ready_in_time_says_what_its_probe_said(
    supervise: Callable[..., Supervisor], diary: Diary
) -> None:
    running = supervise(a_spec("service", probe=never_passes, ready_within_s=0.0))

    with pytest.raises(StackFailedError):
        await running.start()
    await running.stop()

    assert "not ready within 0 s: nobody listens; again in 0.01 s" in diary.details


async def test_a_process_that_ignores_the_request_to_end_is_killed(
    supervise: Callable[..., Supervisor],
) -> None:
    stubborn = "trap '' TERM; echo deaf; while :; do sleep 60; done"
    running = supervise(a_spec("relay", stubborn, stop_within_s=0.1))
    await running.start()
    process = running.processes["relay"]
    await until(lambda: "deaf" in process.log.tail)
    pid = process.pid
    assert pid is not None

    await running.stop()

    assert not is_alive(pid)


async def test_children_of_a_process_end_with_it(supervise: Callable[..., Supervisor]) -> None:
    running = supervise(a_spec("streams", "sleep 60 & echo $!; wait"))
    await running.start()
    process = running.processes["streams"]
    await until(lambda: bool(process.log.tail))
    child = int(process.log.tail[0])
    assert is_alive(child)

    await running.stop()

    await until(lambda: not is_alive(child))


async def test_a_process_that_is_stopped_can_be_started_again(
    supervise: Callable[..., Supervisor],
) -> None:
    running = supervise(a_spec("broker"))
    await running.start()

    await running.stop_one("broker")
    assert running.processes["broker"].pid is None
    await running.start_one("broker")

    assert running.processes["broker"].state is State.READY
    await running.stop()


async def test_lines_reach_the_listener_and_the_log_file(
    supervise: Callable[..., Supervisor], diary: Diary, tmp_path: Path
) -> None:
    running = supervise(a_spec("migrate", "echo one; printf two", probe=None))

    await running.start()
    await running.stop()

    assert diary.lines == ["migrate: one", "migrate: two"]
    assert (tmp_path / "logs" / "migrate.log").read_bytes() == b"one\ntwo"
