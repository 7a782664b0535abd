"""Providers are asked now, and a person sees what became of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from clients.sdk import Concord, money
from clients.sdk.testing import FakeConcord
from concord.probes.v1.probe_service_pb2 import Probe, ReportProbeRequest

from .conftest import Run, an_order

REF = "douyin:4705288465508532862"
RESULT = ReportProbeRequest


def a_probe(**fields: Any) -> Probe:  # noqa: ANN401  # Any field of the message.
    probe = Probe(
        name="probes/prb-1",
        order="orders/ord-1",
        kind=Probe.KIND_PAYMENT,
        state=Probe.STATE_ARMED,
        provider="alipay",
        trade="T-1",
        amount=money("99.90"),
    )
    probe.MergeFrom(Probe(**fields))
    return probe


@contextmanager
def a_connector(
    fake: FakeConcord, result: RESULT.Result.ValueType, code: str = "", *, disarms: bool = False
) -> Iterator[None]:
    """Ask what is due, as the connectors do, with this result."""
    stop = threading.Event()

    def work() -> None:
        with Concord(fake.address) as concord:
            while not stop.wait(0.01):
                for probe in concord.probes.claim("tests").probes:
                    concord.probes.report(probe.name, probe.lease, result, code=code)
                    if disarms:
                        fake.model.probes[probe.name].state = Probe.STATE_DISARMED

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def exhausted(fake: FakeConcord) -> None:
    fake.model.put(an_order())
    fake.model.probes["probes/prb-1"] = a_probe(state=Probe.STATE_EXHAUSTED)


def test_asking_now_waits_for_the_evidence(fake: FakeConcord, concord: Run) -> None:
    exhausted(fake)

    with a_connector(fake, RESULT.RESULT_ANSWERED, "10000", disarms=True):
        shown = concord("probe", "run", REF, "--wait", "20s", "--lang", "en")

    assert shown.exit_code == 0
    assert "ANSWERED (10000)" in shown.stdout
    assert "disarmed" in shown.stdout
    assert "orders/ord-1 is paid." in shown.stdout
    assert "asking alipay" in shown.stderr


@pytest.mark.parametrize(
    ("result", "code", "exit_code", "remark"),
    [
        (RESULT.RESULT_NOT_FOUND, "ACQ.TRADE_NOT_EXIST", 0, "no proof that it is unpaid"),
        (RESULT.RESULT_SUBMITTED, "10000", 0, "the result follows"),
        (RESULT.RESULT_UNREACHABLE, "SIGNATURE", 1, "could not be reached"),
        (RESULT.RESULT_THROTTLED, "429", 1, "fewer questions"),
        (RESULT.RESULT_REFUSED, "isv.invalid-app-id", 1, "A person must act"),
    ],
)
def test_what_brought_no_evidence_is_explained(
    fake: FakeConcord,
    concord: Run,
    result: RESULT.Result.ValueType,
    code: str,
    exit_code: int,
    remark: str,
) -> None:
    exhausted(fake)

    with a_connector(fake, result, code):
        shown = concord("probe", "run", "ord-1", "--wait", "20s")

    assert shown.exit_code == exit_code
    assert f"({code})" in shown.stdout
    assert remark in shown.stderr


def test_where_nobody_asks_it_says_so_in_time(fake: FakeConcord, concord: Run) -> None:
    exhausted(fake)
    began = time.monotonic()

    shown = concord("probe", "run", "ord-1", "--wait", "1s")

    assert shown.exit_code == 1
    assert time.monotonic() - began < 10
    assert "Do the connectors run?" in shown.stderr


def test_asking_now_need_not_wait(fake: FakeConcord, concord: Run) -> None:
    exhausted(fake)

    shown = concord("probe", "run", "ord-1", "--wait", "0s", "--json")

    told = json.loads(shown.stdout)
    assert shown.exit_code == 0
    assert told["probes"][0]["state"] == "STATE_ARMED"
    assert told["order"]["name"] == "orders/ord-1"


def test_an_order_of_which_nothing_can_be_asked_says_where_to_look(
    fake: FakeConcord, concord: Run
) -> None:
    fake.model.put(an_order())

    shown = concord("probe", "run", "ord-1")

    assert shown.exit_code == 1
    assert "concord probe list" in shown.stderr


def test_probes_are_listed_by_what_is_asked_for(fake: FakeConcord, concord: Run) -> None:
    fake.model.put(an_order())
    for number, provider in ((1, "alipay"), (2, "stripe"), (3, "alipay")):
        name = f"probes/prb-{number}"
        state = Probe.STATE_EXHAUSTED if number == 3 else Probe.STATE_ARMED
        fake.model.probes[name] = a_probe(name=name, provider=provider, state=state)

    listed = concord("probe", "list", "--provider", "alipay", "--state", "armed", "--json")
    of_order = concord("probe", "list", "--order", REF)

    assert [each["name"] for each in json.loads(listed.stdout)["probes"]] == ["probes/prb-1"]
    assert of_order.stdout.count("probes/prb-") == 3
    assert concord("probe", "list", "--state", "asleep").exit_code == 2


def test_a_probe_is_shown_with_what_it_knows(fake: FakeConcord, concord: Run) -> None:
    fake.model.probes["probes/prb-1"] = a_probe(
        kind=Probe.KIND_REFUND,
        refund="R-1",
        submit=True,
        asked=2,
        missed=1,
        last_result=RESULT.RESULT_UNREACHABLE,
        last_code="503",
    )

    shown = concord("probe", "show", "prb-1", "--lang", "en")

    for said in ("REFUND", "R-1", "CNY 99.90", "2×", "1×", "UNREACHABLE (503)", "the money back"):
        assert said in shown.stdout


def test_a_probe_that_is_not_there_is_refused(concord: Run) -> None:
    shown = concord("probe", "show", "prb-1")

    assert shown.exit_code == 1
    assert "PROBE_NOT_FOUND" in shown.stderr
