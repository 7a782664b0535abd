"""The loop of a channel: each message once, whatever answer is lost and whoever dies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from clients.notifier.metrics import Metrics
from clients.notifier.outcome import SENT, Outcome, Outgoing, Result
from clients.notifier.worker import Loop, Pace, Tools, work
from clients.sdk import AsyncConcord
from clients.sdk.testing import FakeConcord, refusal
from clients.telemetry import new_registry
from concord.notices.v1 import notice_service_pb2 as api

from .receiving import Receiver, free_port

PACE = Pace(concurrency=4, lease_s=60, poll_s=0.02, send_s=20.0)
# A process that starts on a busy machine.
STARTED_WITHIN_S = 30.0


class Told:
    """A sender that notes what it is given; what comes of it is scripted."""

    def __init__(self, *outcomes: Outcome | Exception) -> None:
        self.heard: list[str] = []
        self._outcomes = deque(outcomes)

    async def send(self, message: Outgoing) -> Outcome:
        self.heard.append(message.parts[0].delivery_id)
        outcome = self._outcomes.popleft() if self._outcomes else SENT
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def put(fake: FakeConcord, count: int = 1, channel: str = "wecom", address: str = "ops") -> None:
    for number in range(count):
        fake.model.notices[f"notices/ntc-{number}"] = api.Notice(
            name=f"notices/ntc-{number}",
            title="告警",
            body="stock is short",
            state=api.Notice.STATE_WAITING,
            deliveries=[
                api.Delivery(
                    delivery_id=f"ntc-{number}.0",
                    channel=channel,
                    address=address,
                    state=api.Delivery.STATE_WAITING,
                )
            ],
        )


def states(fake: FakeConcord) -> list[str]:
    return [
        api.Notice.State.Name(each.state).removeprefix("STATE_")
        for each in fake.model.notices.values()
    ]


def turn(
    fake: FakeConcord, sender: Told, times: int = 1, monotonic: Callable[[], float] = time.monotonic
) -> Metrics:
    """Claim so many times, and let what was begun end."""

    async def run() -> Metrics:
        metrics = Metrics(new_registry())
        ids = iter(f"lease-{number}" for number in range(100))
        async with AsyncConcord(fake.address) as concord:
            tools = Tools(concord, metrics, monotonic, lambda: next(ids))
            loop = Loop("wecom", sender, PACE, tools)
            for _ in range(times):
                await loop.claim()
                await loop.drain(5)
        return metrics

    return asyncio.run(run())


def test_what_is_due_is_sent_and_reported() -> None:
    with FakeConcord() as fake:
        put(fake, 3)
        sender = Told()

        turn(fake, sender)

        assert sender.heard == ["ntc-0.0", "ntc-1.0", "ntc-2.0"]
        assert states(fake) == ["SENT"] * 3


def test_what_came_of_it_is_told_with_the_receivers_own_code() -> None:
    with FakeConcord() as fake:
        put(fake)

        turn(fake, Told(Outcome(Result.THROTTLED, "45009", 60)))

        (told,) = fake.requests("ReportDelivery")
        assert told.result == api.ReportDeliveryRequest.RESULT_THROTTLED
        assert (told.code, told.retry_after_s) == ("45009", 60)


def test_a_sender_that_fails_in_an_unforeseen_way_leaves_it_uncertain() -> None:
    with FakeConcord() as fake:
        put(fake)

        turn(fake, Told(RuntimeError("a defect")))

        assert states(fake) == ["UNCERTAIN"]


def test_a_report_that_is_not_answered_is_made_again() -> None:
    with FakeConcord() as fake:
        put(fake)
        fake.answer("ReportDelivery", *[refusal("STORAGE_UNAVAILABLE")] * 5)
        sender = Told()

        turn(fake, sender)

        assert sender.heard == ["ntc-0.0"]
        assert states(fake) == ["SENT"]


def test_what_a_person_settled_meanwhile_is_left_as_it_is() -> None:
    with FakeConcord() as fake:
        put(fake)
        fake.answer("ReportDelivery", refusal("SENDING_ENDED", sending="x"))

        metrics = turn(fake, Told())

        assert len(fake.requests("ReportDelivery")) == 1
        assert metrics.registry.get_sample_value(
            "concord_notifier_sends_total", {"channel": "wecom", "result": "SENT"}
        )


def test_an_empty_answer_keeps_its_lease_and_work_gets_a_fresh_one() -> None:
    with FakeConcord() as fake:
        turn(fake, Told(), times=2)
        put(fake)
        turn(fake, Told(), times=2)

        leases = [each.lease for each in fake.requests("ClaimDeliveries")]
        assert leases == ["lease-0", "lease-0", "lease-0", "lease-1"]


def test_what_may_outlast_its_lease_never_leaves() -> None:
    moments = iter([0.0, *[50.0] * 20])

    with FakeConcord() as fake:
        put(fake)
        sender = Told()

        turn(fake, sender, monotonic=lambda: next(moments))

        assert sender.heard == []
        (told,) = fake.requests("ReportDelivery")
        assert (told.result, told.code) == (api.ReportDeliveryRequest.RESULT_NOT_SENT, "LATE")


def test_a_loop_goes_on_when_the_service_comes_back_and_ends_when_told() -> None:
    async def run(fake: FakeConcord) -> None:
        stop = asyncio.Event()
        async with AsyncConcord(fake.address) as concord:
            ids = iter(f"lease-{number}" for number in range(1_000))
            metrics = Metrics(new_registry())
            tools = Tools(concord, metrics, time.monotonic, lambda: next(ids))
            loop = Loop("wecom", Told(), PACE, tools)
            running = asyncio.create_task(work([loop], stop, 2.0))
            deadline = time.monotonic() + STARTED_WITHIN_S
            while states(fake) != ["SENT"]:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)
            assert loop.has_claimed
            stop.set()
            await running

    with FakeConcord() as fake:
        put(fake)
        fake.answer("ClaimDeliveries", *[refusal("STORAGE_UNAVAILABLE")] * 6)
        asyncio.run(run(fake))


def test_the_process_sends_what_is_due_and_ends_when_told(tmp_path: Path) -> None:
    with FakeConcord() as fake, Receiver(200, {"errcode": 0}) as robot:
        put(fake, address="ops")
        (tmp_path / "channels.yaml").write_text(
            "hosts: [127.0.0.1]\nprivate: [127.0.0.0/8]\n"
            f"wecom: {{ops: {{url: '{robot.url}', key: {{env: ROBOT_KEY}}}}}}\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "clients.notifier"],
            env={
                **os.environ,
                "CONCORD_NOTICE_CHANNELS": str(tmp_path / "channels.yaml"),
                "CONCORD_SERVICE_ADDRESS": fake.address,
                "CONCORD_METRICS_ADDRESS": f"127.0.0.1:{free_port()}",
                "CONCORD_LOG_LEVEL": "info",
                "ROBOT_KEY": "very-secret-key",
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + STARTED_WITHIN_S
        while states(fake) != ["SENT"] and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=STARTED_WITHIN_S)

    assert process.returncode == 0, said
    assert len(robot.heard) == 1
    assert "notifier_stopped" in said
    assert "very-secret-key" not in said
    assert "stock is short" not in said


def test_a_process_that_is_told_nothing_says_what_it_lacks() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "clients.notifier"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
        text=True,
    )

    assert told.returncode == 2
    assert "CONCORD_NOTICE_CHANNELS is not set" in told.stderr
