"""`concord order ACTION`: asks an order to move, and shows what it is then."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from clients.cli import output
from clients.cli.options import AsJson, Etag, OrderName, Reason, RequestId
from clients.cli.order_text import order_table
from clients.cli.session import connected, name_of
from clients.sdk.money import money

Voucher = Annotated[str, typer.Option("--voucher", help="The outside document's number.")]
Waybill = Annotated[str, typer.Option("--voucher", "--waybill", help="The waybill.")]
Amount = Annotated[str, typer.Option("--amount", help="How much, as a decimal: 99.90.")]
Currency = Annotated[str, typer.Option("--currency", help="ISO 4217.")]


def register(app: typer.Typer) -> None:
    """Add the actions to `concord order`."""
    for name, command in (
        ("start-payment", start_payment),
        ("confirm-payment", confirm_payment),
        ("allocate", allocate),
        ("approve", approve),
        ("ship", ship),
        ("deliver", deliver),
        ("complete", complete),
        ("cancel", cancel),
        ("reinstate", reinstate),
        ("refund", refund),
        ("request-refund", request_refund),
        ("confirm-refund", confirm_refund),
        ("hold", hold),
        ("release", release),
        ("milestone", milestone),
    ):
        app.command(name, rich_help_panel="Actions")(command)


def start_payment(
    order: OrderName,
    *,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """PENDING_PAYMENT → PAYING: the buyer began to pay."""
    _ask("start_payment", order, as_json, reason=reason, etag=etag, request_id=request_id)


def confirm_payment(
    order: OrderName,
    *,
    voucher: Voucher,
    amount: Amount,
    currency: Currency = "CNY",
    provider: Annotated[str, typer.Option(help="Who took the money: `wechatpay` …")] = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """PAYING → PAID: the money came."""
    _ask(
        "confirm_payment",
        order,
        as_json,
        voucher=voucher,
        amount=_money(amount, currency),
        provider=provider,
        reason=reason,
    )


def allocate(
    order: OrderName,
    *,
    voucher: Voucher = "",
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """PAID → AWAITING_OUTBOUND: stock is reserved."""
    _ask(
        "allocate",
        order,
        as_json,
        voucher=voucher,
        reason=reason,
        etag=etag,
        request_id=request_id,
    )


def approve(
    order: OrderName,
    *,
    voucher: Voucher = "",
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Pass the outbound review; the order stays AWAITING_OUTBOUND."""
    _ask(
        "approve_outbound",
        order,
        as_json,
        voucher=voucher,
        reason=reason,
        etag=etag,
        request_id=request_id,
    )


def ship(
    order: OrderName,
    *,
    voucher: Waybill,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """AWAITING_OUTBOUND → SHIPPING: a parcel left."""
    _ask("ship", order, as_json, voucher=voucher, reason=reason, etag=etag, request_id=request_id)


def deliver(
    order: OrderName,
    *,
    voucher: Waybill = "",
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """SHIPPING → DELIVERED: a parcel arrived."""
    _ask(
        "confirm_delivery",
        order,
        as_json,
        voucher=voucher,
        reason=reason,
        etag=etag,
        request_id=request_id,
    )


def complete(
    order: OrderName,
    *,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """DELIVERED → COMPLETED: done."""
    _ask("complete", order, as_json, reason=reason, etag=etag, request_id=request_id)


def cancel(
    order: OrderName,
    *,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Call the order off, before anything left."""
    _ask("cancel", order, as_json, reason=reason, etag=etag, request_id=request_id)


def reinstate(
    order: OrderName,
    *,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """CANCELLED → PAID: the money is there, and the order goes on after all."""
    _ask("reinstate", order, as_json, reason=reason, etag=etag, request_id=request_id)


def refund(
    order: OrderName,
    *,
    amount: Amount,
    currency: Currency = "CNY",
    voucher: Annotated[str, typer.Option(help="Our refund number; empty: one is made.")] = "",
    payment: Annotated[str, typer.Option(help="Which payment, by its number.")] = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Have the provider give money back, and follow it until it is there."""
    _ask(
        "refund",
        order,
        as_json,
        voucher=voucher,
        amount=_money(amount, currency),
        payment=payment,
        reason=reason,
    )


def request_refund(
    order: OrderName,
    *,
    voucher: Voucher,
    amount: Amount,
    currency: Currency = "CNY",
    reason: Reason = "",
    etag: Etag = "",
    as_json: AsJson = False,
) -> None:
    """Ask money back; the voucher is our refund number."""
    _ask(
        "request_refund",
        order,
        as_json,
        voucher=voucher,
        amount=_money(amount, currency),
        reason=reason,
        etag=etag,
    )


def confirm_refund(
    order: OrderName,
    *,
    voucher: Voucher,
    amount: Amount,
    currency: Currency = "CNY",
    reason: Reason = "",
    etag: Etag = "",
    as_json: AsJson = False,
) -> None:
    """Say that money went back, under the number that it was asked under."""
    _ask(
        "confirm_refund",
        order,
        as_json,
        voucher=voucher,
        amount=_money(amount, currency),
        reason=reason,
        etag=etag,
    )


def hold(
    order: OrderName,
    hold_reason: Annotated[
        str, typer.Argument(metavar="CODE", help="RISK, ADDRESS, OPERATOR …")
    ] = "OPERATOR",
    *,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Stop outbound for a reason; several holds may stand at once."""
    _ask(
        "place_hold",
        order,
        as_json,
        hold_reason=hold_reason,
        reason=reason,
        etag=etag,
        request_id=request_id,
    )


def release(
    order: OrderName,
    hold_id: Annotated[str, typer.Argument(metavar="HOLD_ID", help="As `order show` lists it.")],
    *,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """End one hold."""
    _ask(
        "release_hold",
        order,
        as_json,
        hold_id=hold_id,
        reason=reason,
        etag=etag,
        request_id=request_id,
    )


def milestone(
    order: OrderName,
    text: Annotated[str, typer.Argument(metavar="[MILESTONE]", help="Empty clears it.")] = "",
    *,
    reason: Reason = "",
    etag: Etag = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Set or clear the named sub-state."""
    _ask(
        "set_milestone",
        order,
        as_json,
        milestone=text,
        reason=reason,
        etag=etag,
        request_id=request_id,
    )


def _ask(method: str, order: str, as_json: bool, **fields: Any) -> None:  # noqa: ANN401, FBT001
    """Ask, and show the order as it is then."""
    with connected(as_json=as_json) as concord:
        answer = getattr(concord.orders, method)(name_of(concord, order), **fields)
        if as_json:
            output.print_json(answer)
        else:
            output.print_all([order_table(answer, None)])


def _money(text: str, currency: str) -> Any:  # noqa: ANN401  # google.type.Money has no types.
    try:
        return money(text, currency)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
