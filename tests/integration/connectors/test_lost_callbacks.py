"""A callback is lost: the connectors ask, and the order is paid all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.processes import until
from clients.sdk import Concord, errors, money
from concord.orders.v1.order_pb2 import Order
from concord.probes.v1.probe_service_pb2 import Probe, ReportProbeRequest
from deploy.local.platforms.server import Platforms
from deploy.local.stack import EmbeddedServers
from tests.integration.connectors.conftest import PROVIDERS
from tests.integration.connectors.running import CURRENCIES, Sold, Stage, started
from tests.invariants import assert_clean


@pytest.fixture(scope="module")
def whole(
    module_database_url: str,
    servers: EmbeddedServers,
    platforms: Platforms,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("connectors")
    url, redis_url = module_database_url, servers.redis_url
    service = started(folder, url, redis_url)
    with Concord(service.address) as concord:
        made = Stage(folder, service, platforms, concord, url, redis_url)
        try:
            yield made
        finally:
            made.service.kill()
            if made.connectors is not None:
                made.connectors.kill()


@pytest.fixture
def stage(whole: Stage) -> Stage:
    whole.platforms.control.behave(reset=True)
    return whole


def ask_now(stage: Stage, sold: Sold) -> None:
    stage.concord.probes.run(sold.name)


def state(stage: Stage, sold: Sold) -> int:
    return stage.concord.orders.get(sold.name).state


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_payment_whose_callback_was_lost_is_learnt_by_asking(stage: Stage, provider: str) -> None:
    stage.start_connectors()
    sold = stage.sell(provider)
    stage.pay(sold)

    ask_now(stage, sold)
    stage.eventually(lambda: state(stage, sold) == Order.STATE_PAID, "the order is paid")
    # The answer is a receipt, and may be weighed before the connector says that it asked.
    stage.eventually(lambda: stage.probes_of(sold)[0].asked == 1, "it is told that it was asked")

    [receipt] = stage.receipts_of(sold)
    assert (receipt.source, receipt.account) == (provider, sold.account)
    [probe] = stage.probes_of(sold)
    assert probe.state == Probe.STATE_DISARMED
    assert (probe.asked, probe.last_result) == (1, ReportProbeRequest.RESULT_ANSWERED)
    assert [each["operation"] for each in stage.asked(sold)] == ["query"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_unpaid_trade_leaves_the_order_as_it_is(stage: Stage, provider: str) -> None:
    stage.start_connectors()
    sold = stage.sell(provider)

    for asked in (1, 2):
        ask_now(stage, sold)
        stage.eventually(
            lambda asked=asked: stage.probes_of(sold)[0].asked == asked,  # type: ignore[misc]  # A bool.
            "it was asked",
        )

    stage.read_receipts()
    assert state(stage, sold) == Order.STATE_PAYING
    assert len(stage.receipts_of(sold)) <= 1
    assert stage.probes_of(sold)[0].state == Probe.STATE_ARMED


@pytest.mark.parametrize("provider", PROVIDERS)
def test_money_goes_back_through_the_provider_and_is_followed_to_its_end(
    stage: Stage, provider: str
) -> None:
    stage.start_connectors()
    sold = stage.sell(provider)
    stage.pay(sold)
    ask_now(stage, sold)
    stage.eventually(lambda: state(stage, sold) == Order.STATE_PAID, "the order is paid")
    stage.platforms.control.behave(provider, refund_takes_s=0)
    part = money("4.00", CURRENCIES.get(provider, "CNY"))

    stage.concord.orders.refund(sold.name, amount=part, voucher=f"R{sold.trade}")

    def is_back() -> bool:
        refunds = [each for each in stage.probes_of(sold) if each.kind == Probe.KIND_REFUND]
        if any(each.state == Probe.STATE_ARMED and not each.submit for each in refunds):
            ask_now(stage, sold)
        return any(each.state == Probe.STATE_DISARMED for each in refunds)

    stage.eventually(is_back, "the refund is done")
    trade = stage.platforms.control.trade(provider, sold.trade)
    assert [(each["amount_minor"], each["state"]) for each in trade["refunds"]] == [
        (400, "succeeded")
    ]


def test_a_forged_answer_teaches_nothing(stage: Stage) -> None:
    connectors = stage.start_connectors()
    before = connectors.metric("concord_connector_unproved_total", provider="alipay")
    sold = stage.sell("alipay")
    stage.pay(sold)
    stage.platforms.control.behave("alipay", query_faults={"wrong_signature": 1.0})

    ask_now(stage, sold)
    probe = stage.eventually(
        lambda: next((each for each in stage.probes_of(sold) if each.missed), None), "it was asked"
    )

    assert probe is not None
    assert (probe.last_result, probe.last_code) == (
        ReportProbeRequest.RESULT_UNREACHABLE,
        "SIGNATURE",
    )
    assert stage.receipts_of(sold) == []
    assert connectors.metric("concord_connector_unproved_total", provider="alipay") == before + 1


def test_a_provider_that_is_silent_costs_the_others_nothing(stage: Stage) -> None:
    stage.start_connectors(CONCORD_CONNECTORS_CONCURRENCY="2")
    stage.platforms.control.behave("wechatpay", query_faults={"timeout": 1.0}, timeout_s=60)
    silent = [stage.sell("wechatpay") for _ in range(4)]
    heard = [stage.sell("unionpay") for _ in range(8)]
    for sold in (*silent, *heard):
        stage.pay(sold)
    for sold in (*silent, *heard):
        ask_now(stage, sold)

    stage.eventually(
        lambda: all(state(stage, each) == Order.STATE_PAID for each in heard),
        "the others are paid",
    )

    assert all(state(stage, each) == Order.STATE_PAYING for each in silent)


@pytest.mark.slow
def test_connectors_that_are_killed_while_asking_are_replaced_by_others(stage: Stage) -> None:
    first = stage.start_connectors(CONCORD_CONNECTORS_TIMEOUT_S="9")
    stage.platforms.control.behave("alipay", query_faults={"timeout": 1.0}, timeout_s=60)
    sold = stage.sell("alipay")
    stage.pay(sold)
    ask_now(stage, sold)
    stage.eventually(lambda: first.metric("concord_connector_in_flight") == 1, "it is being asked")

    first.kill()
    stage.platforms.control.behave("alipay", query_faults={})
    stage.start_connectors()

    stage.eventually(lambda: state(stage, sold) == Order.STATE_PAID, "somebody else has asked")


def test_connectors_that_are_told_to_stop_finish_what_they_do(stage: Stage) -> None:
    connectors = stage.start_connectors()
    sold = stage.sell("stripe")
    stage.pay(sold)
    stage.platforms.control.behave("stripe", query_faults={"timeout": 1.0}, timeout_s=1)
    ask_now(stage, sold)
    stage.eventually(
        lambda: connectors.metric("concord_connector_in_flight") == 1, "it is being asked"
    )

    assert connectors.end() == 0

    assert stage.probes_of(sold)[0].missed == 1
    assert stage.log().rstrip().rpartition("\n")[2].count("connectors_stopped") == 1


def test_a_service_that_goes_away_is_waited_for(stage: Stage) -> None:
    connectors = stage.start_connectors()
    assert connectors.readiness() == "ok\n"

    stage.service.kill()
    until(lambda: "service" in connectors.readiness(), "it says what is missing")
    stage.start_service()
    sold = stage.sell("wechatpay")
    stage.pay(sold)
    ask_now(stage, sold)

    stage.eventually(lambda: state(stage, sold) == Order.STATE_PAID, "the order is paid")
    until(lambda: connectors.readiness() == "ok\n", "all of them claim again")


def test_nothing_secret_is_logged(stage: Stage) -> None:
    stage.start_connectors(CONCORD_LOG_LEVEL="debug")
    sold = stage.sell("stripe")
    stage.pay(sold)
    ask_now(stage, sold)
    stage.eventually(lambda: state(stage, sold) == Order.STATE_PAID, "the order is paid")

    log = stage.log()
    assert '"event": "probe_asked"' in log
    key = (stage.platforms.settings.folder / "merchant" / "stripe-main" / "api_key").read_text()
    body = stage.receipts_of(sold)[0].body.decode()
    for secret in (key.strip(), "PRIVATE KEY", "client_secret", body[:60]):
        assert secret not in log


def test_wrong_settings_end_it_with_all_that_is_wrong(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "accounts.yaml").write_text("public_url: https://shop.example\naccounts: nothing\n")

    with pytest.raises(RuntimeError, match="accounts must be a list"):
        stage.start_connectors(CONCORD_ACCOUNTS=str(tmp_path / "accounts.yaml"))

    assert stage.connectors is not None
    assert stage.connectors.process.returncode == 2


def test_an_order_of_which_nothing_can_be_asked_is_refused(stage: Stage) -> None:
    with pytest.raises(errors.OrderNotFoundError):
        stage.concord.probes.run("ord-missing")


def test_every_invariant_that_a_database_can_tell_holds(stage: Stage) -> None:
    assert_clean(stage.database_url, but={"I7": "no relay runs here"})
