"""`concord order …` shows, moves and explains orders, and says why it cannot."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.json_format import Parse
from google.protobuf.timestamp_pb2 import Timestamp

from clients.sdk.testing import FakeConcord, Refusal, refusal
from concord.cases.v1.case_service_pb2 import Case
from concord.orders.v1.order_pb2 import Hold, Order, OrderRef, Verification
from concord.orders.v1.order_service_pb2 import CreateOrderRequest, OrderExplanation

from .conftest import Run, an_order


def at(hour: int, minute: int = 0) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime(2026, 11, 22, hour, minute, tzinfo=UTC))
    return stamp


def test_an_order_is_shown_with_its_state_in_both_languages(
    fake: FakeConcord, concord: Run
) -> None:
    fake.model.put(an_order(holds=[Hold(hold_id="hold-1", reason="RISK", actor="rule")]))

    shown = concord("order", "show", "ord-1")

    assert shown.exit_code == 0
    assert "已支付 PAID" in shown.stdout
    assert "CNY 99.90" in shown.stdout
    assert "hold-1  RISK  by rule" in shown.stdout


def test_a_language_can_be_chosen(fake: FakeConcord, concord: Run) -> None:
    fake.model.put(an_order())

    assert "已支付\n" in concord("order", "show", "ord-1", "--lang", "zh").stdout
    assert "paid" in concord("order", "show", "ord-1", "--lang", "en").stdout
    assert "已支付" not in concord("order", "show", "ord-1", "--lang", "en").stdout


def test_an_order_is_found_by_a_reference(fake: FakeConcord, concord: Run) -> None:
    fake.model.put(an_order())

    shown = concord("order", "show", "douyin:4705288465508532862", "--json")

    assert json.loads(shown.stdout)["name"] == "orders/ord-1"


def test_json_is_proto_json_with_every_field(fake: FakeConcord, concord: Run) -> None:
    order = fake.model.put(an_order())

    shown = concord("order", "show", "ord-1", "--json")

    assert Parse(shown.stdout, Order()) == order
    assert json.loads(shown.stdout)["outboundApproved"] is False


def test_an_unknown_order_is_refused_with_advice(concord: Run) -> None:
    shown = concord("order", "show", "ord-9")

    assert shown.exit_code == 1
    assert shown.stdout == ""
    assert "ORDER_NOT_FOUND" in shown.stderr
    assert "namespace" in shown.stderr


def test_an_illegal_action_says_what_is_allowed(fake: FakeConcord, concord: Run) -> None:
    fake.model.put(an_order(state=Order.STATE_SHIPPING))

    shown = concord("order", "cancel", "ord-1", "--reason", "buyer asked")

    assert shown.exit_code == 1
    assert "Allowed now: CONFIRM_DELIVERY" in shown.stderr


def test_an_error_in_json_has_reason_and_metadata(fake: FakeConcord, concord: Run) -> None:
    fake.answer("CancelOrder", Refusal("ORDER_ON_HOLD", metadata={"holds": "RISK"}, trace_id="ab"))

    shown = concord("order", "cancel", "ord-1", "--json")

    error = json.loads(shown.stderr)["error"]
    assert (error["reason"], error["metadata"], error["trace"]) == (
        "ORDER_ON_HOLD",
        {"holds": "RISK"},
        "ab",
    )


def test_every_action_moves_the_order(fake: FakeConcord, concord: Run) -> None:
    fake.model.put(an_order(state=Order.STATE_PENDING_PAYMENT))
    steps = [
        ("start-payment",),
        ("confirm-payment", "--voucher", "4200", "--amount", "99.90"),
        ("allocate",),
        ("hold", "ADDRESS"),
        ("release", "hold-3"),
        ("approve",),
        ("ship", "--waybill", "SF1"),
        ("deliver",),
        ("complete",),
        ("request-refund", "--voucher", "R1", "--amount", "99.90"),
        ("confirm-refund", "--voucher", "R1", "--amount", "99.90"),
        ("milestone", "customs"),
    ]
    fake.model.orders["orders/ord-1"].sequence = 0

    for action, *options in steps:
        done = concord("order", action, "ord-1", *options)
        assert done.exit_code == 0, (action, done.stderr)

    order = fake.model.orders["orders/ord-1"]
    assert order.state == Order.STATE_COMPLETED
    assert order.refund_state == Order.REFUND_STATE_FULL
    assert order.milestone == "customs"
    assert [row.actor for row in fake.model.journal] == ["fake"] * len(steps)
    assert all(seen.metadata["concord-role"] == "operator" for seen in fake.seen)


def test_an_amount_that_is_no_number_is_a_usage_error(concord: Run) -> None:
    shown = concord("order", "confirm-payment", "ord-1", "--voucher", "1", "--amount", "12,5")

    assert shown.exit_code == 2
    assert "12,5" in shown.stderr


def test_orders_are_listed_by_state_name_in_any_language(fake: FakeConcord, concord: Run) -> None:
    fake.model.put(an_order())
    fake.model.put(an_order(name="orders/ord-2", state=Order.STATE_SHIPPING))

    listed = concord("order", "list", "--state", "待支付", "--state", "paid", "--json")

    assert [each["name"] for each in json.loads(listed.stdout)["orders"]] == ["orders/ord-1"]
    [request] = fake.requests("ListOrders")
    assert list(request.states) == [Order.STATE_PENDING_PAYMENT, Order.STATE_PAID]


def test_an_unknown_state_lists_those_there_are(concord: Run) -> None:
    shown = concord("order", "list", "--state", "LOST")

    assert shown.exit_code == 2
    assert "AWAITING_OUTBOUND" in shown.stderr


def test_an_empty_list_says_so_beside_the_answer(concord: Run) -> None:
    listed = concord("order", "list")

    assert listed.exit_code == 0
    assert "No order matches." in listed.stderr


def test_a_watch_prints_one_change_a_line(fake: FakeConcord, concord: Run) -> None:
    fake.model.create_order(
        _creation(Order(channel="jd", refs=[OrderRef(namespace="jd", value="1")]))
    )

    watched = concord("order", "watch", "--cursor", "0", "-n", "1")

    assert watched.exit_code == 0
    assert watched.stdout.count("\n") == 1
    assert "orders/ord-1  #1  PLACED  PENDING_PAYMENT" in watched.stdout
    assert "--cursor 1" in watched.stderr


def test_a_journal_names_who_changed_what(fake: FakeConcord, concord: Run) -> None:
    fake.model.put(an_order(state=Order.STATE_PENDING_PAYMENT))
    concord("order", "cancel", "ord-1", "--reason", "buyer asked")

    listed = concord("order", "journal", "ord-1")

    assert "PENDING_PAYMENT" in listed.stdout
    assert "buyer asked" in listed.stdout


def test_an_explanation_tells_truth_claims_dues_and_owners(fake: FakeConcord, concord: Run) -> None:
    standing = OrderExplanation.Claim.Standing
    explanation = OrderExplanation(
        order=an_order(state_time=at(8)),
        summary_en="Paid by WeChat Pay; the warehouse disagrees.",
        summary_zh="微信已付款；仓库不一致。",
        evidence=["fact-1", "fact-2"],
        trace_ids=["0a" * 16],
        open_cases=["cases/case-1"],
        allowed_actions=["ALLOCATE", "CANCEL"],
    )
    explanation.claims.add(
        source="wechatpay",
        state=Order.STATE_PAID,
        voucher="4200",
        standing=standing.STANDING_AGREES,
    )
    explanation.claims.add(
        source="warehouse", state=Order.STATE_SHIPPING, standing=standing.STANDING_CONTRADICTS
    )
    awaited = explanation.expectations.add(kind="NEXT_STAGE", due_time=at(10), then="STAGE_OVERDUE")
    setattr(awaited, "from", "warehouse")
    explanation.discrepancies.add(
        kind="SHIPPED_UNPAID", text_en="Shipped before paid.", owner_role="warehouse"
    )
    fake.answer("ExplainOrder", explanation)
    fake.model.cases["cases/case-1"] = Case(
        name="cases/case-1",
        order="orders/ord-1",
        type="SHIPPED_UNPAID",
        state=Case.STATE_OPEN,
        owner_role="finance",
    )

    told = concord("order", "explain", "ord-1")

    assert told.exit_code == 0
    for said in (
        "已支付 PAID  since 2026-11-22 08:00:00+0000",
        "Paid by WeChat Pay",
        "微信已付款",
        "fact-1, fact-2",
        "✓ 一致 AGREES",
        "✗ 矛盾 CONTRADICTS",
        "NEXT_STAGE",
        "STAGE_OVERDUE",
        "Shipped before paid.",
        "finance",
        "0a" * 16,
        "ALLOCATE, CANCEL",
    ):
        assert said in told.stdout


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ((), "verifying with alipay, asked 2×, next in 3"),
        (("--lang", "zh"), "正在向 alipay 核实付款,已查询 2 次,下次 3"),
    ],
)
@pytest.mark.parametrize("command", ["show", "explain"])
def test_a_customer_who_waits_is_told_who_is_asked(
    fake: FakeConcord, concord: Run, command: str, language: tuple[str, ...], said: str
) -> None:
    soon = Timestamp()
    soon.FromDatetime(datetime.now(tz=UTC) + timedelta(seconds=39))
    asked = Verification(provider="alipay", about="PAYMENT", asked=2, next_time=soon)
    order = fake.model.put(an_order(verifications=[asked]))
    fake.answer("ExplainOrder", OrderExplanation(order=order))

    assert said in concord("order", command, "ord-1", *language).stdout


def test_what_is_due_is_being_asked(fake: FakeConcord, concord: Run) -> None:
    asked = Verification(provider="stripe", about="REFUND", asked=1, next_time=at(0))
    fake.model.put(an_order(verifications=[asked]))

    shown = concord("order", "show", "ord-1")

    assert "verifying the refund with stripe, asked 1×, asking now" in shown.stdout


def test_a_claim_says_how_it_was_learnt(fake: FakeConcord, concord: Run) -> None:
    explanation = OrderExplanation(order=an_order())
    explanation.claims.add(source="alipay", state=Order.STATE_PAID, learnt="ASKED")
    fake.answer("ExplainOrder", explanation)

    assert "asked" in concord("order", "explain", "ord-1").stdout


def test_text_that_looks_like_markup_is_shown_as_it_is(fake: FakeConcord, concord: Run) -> None:
    fake.model.put(an_order(milestone="[bold]customs[/bold]"))

    assert "[bold]customs[/bold]" in concord("order", "show", "ord-1").stdout


def test_nobody_there_is_exit_code_3(concord: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCORD_SERVICE_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("CONCORD_DEADLINE_S", "0.5")

    shown = concord("order", "show", "ord-1")

    assert shown.exit_code == 3
    assert "concord up" in shown.stderr or "DEADLINE_EXCEEDED" in shown.stderr


def test_no_address_and_no_stack_is_exit_code_2(
    concord: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONCORD_SERVICE_ADDRESS")

    shown = concord("order", "show", "ord-1")

    assert shown.exit_code == 2
    assert "concord up" in shown.stderr


def test_an_outage_is_exit_code_3(fake: FakeConcord, concord: Run) -> None:
    fake.answer("GetOrder", refusal("OVERLOADED"))

    shown = concord("order", "show", "ord-1")

    assert shown.exit_code == 3
    assert "Try again" in shown.stderr


def test_ctrl_c_is_exit_code_130(
    fake: FakeConcord, concord: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("clients.cli.order.change_line", interrupt)
    fake.model.create_order(_creation(Order(channel="jd")))

    watched = concord("order", "watch", "--cursor", "0")

    assert watched.exit_code == 130
    assert "Traceback" not in watched.stderr


def test_exit_codes_are_told_by_help(concord: Run) -> None:
    assert "130" in concord("--help").stdout


def _creation(order: Order) -> CreateOrderRequest:
    return CreateOrderRequest(order=order)
