"""How an order, its state and a change of it are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer
from rich.table import Table

from clients.cli import formats, output
from clients.cli.options import Language
from clients.cli.wording import NAMES, code_of, named
from concord.orders.v1.order_pb2 import Order, Verification
from concord.orders.v1.order_service_pb2 import WatchOrdersResponse


def order_table(order: Order, language: Language | None, now: datetime | None = None) -> Table:
    """Return an order as names and values; `now` to say how soon providers are asked again."""
    refund = code_of(Order.RefundState, order.refund_state, "REFUND_STATE_")
    return output.pairs(
        [
            ("order", order.name),
            ("state", state_name(order.state, language)),
            ("since", formats.time(order.state_time)),
            ("milestone", order.milestone),
            ("tags", ", ".join(order.tags)),
            ("channel", order.channel),
            ("names", ", ".join(f"{ref.namespace}:{ref.value}" for ref in order.refs)),
            ("placed", formats.time(order.place_time)),
            ("total", formats.money(order.total)),
            ("paid", formats.money(order.paid)),
            ("refunded", formats.money(order.refunded)),
            ("refund", "" if refund in {"NONE", "UNSPECIFIED"} else named(refund, language)),
            ("providers", verifying(order, language, now)),
            ("outbound", "approved" if order.outbound_approved else ""),
            (
                "holds",
                "\n".join(
                    f"{hold.hold_id}  {hold.reason}  by {hold.actor or 'unknown'}  "
                    f"{formats.time(hold.place_time)}"
                    for hold in order.holds
                ),
            ),
            ("disagrees", ", ".join(order.discrepancies)),
            (
                "lines",
                "\n".join(
                    f"{line.quantity} × {line.sku}  {formats.money(line.unit_price)}".rstrip()
                    for line in order.lines
                ),
            ),
            ("customer", order.customer),
            ("changes", str(order.sequence)),
            ("changed", formats.time(order.update_time)),
            ("etag", order.etag),
        ]
    )


def verifying(order: Order, language: Language | None, now: datetime | None) -> str:
    """Return who is being asked about an order, a line each: the hint for a waiting customer."""
    lines = _verifying_zh if language is Language.ZH else _verifying_en
    return "\n".join(lines(each, now) for each in order.verifications)


def _verifying_en(of: Verification, now: datetime | None) -> str:
    about = "the refund " if of.about == "REFUND" else ""
    wait = _wait(of, now)
    following = f"next {wait}" if wait else "asking now"
    return f"verifying {about}with {of.provider}, asked {of.asked}×, {following}"


def _verifying_zh(of: Verification, now: datetime | None) -> str:
    about = "退款" if of.about == "REFUND" else "付款"
    wait = _wait(of, now)
    following = f"下次 {wait.removeprefix('in ')}" if wait else "正在查询"
    return f"正在向 {of.provider} 核实{about},已查询 {of.asked} 次,{following}"


def _wait(of: Verification, now: datetime | None) -> str:
    """Return in how long it is asked again; nothing where its time has come."""
    if now is None:
        return f"at {formats.time(of.next_time)}"
    return formats.until(of.next_time, now) if formats.moment(of.next_time) > now else ""


def change_line(change: WatchOrdersResponse, language: Language | None) -> str:
    """Return a change as one line."""
    entry = change.entry
    moved = " → ".join(part for part in (entry.old_value, entry.new_value) if part)
    parts = (
        formats.time(entry.record_time),
        change.order.name,
        f"#{entry.sequence}",
        entry.kind,
        moved,
        state_name(change.order.state, language),
        entry.source,
        entry.voucher,
    )
    return "  ".join(part for part in parts if part)


def state_name(number: int, language: Language | None) -> str:
    """Return a state's name."""
    return named(code_of(Order.State, number, "STATE_"), language)


def state_number(text: str) -> Any:  # noqa: ANN401  # The generated value type.
    """Return the state of a code or of one of its names.

    Raises:
        typer.BadParameter: there is no such state.
    """
    codes = [name.removeprefix("STATE_") for name in Order.State.keys()[1:]]
    for code in codes:
        if text.upper().replace("-", "_").replace(" ", "_") == code or text in NAMES[code]:
            return Order.State.Value(f"STATE_{code}")
    raise typer.BadParameter(f"{text!r} is no state; there are {', '.join(codes)}")
