"""Finds what we hold of payments and refunds that a provider's bill may tell of."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from service.domain.facts import FactKind, OrderRef
from service.domain.money import Money
from service.domain.reconciling.bills import Held, Moved
from service.domain.reconciling.statements import ShopDay
from service.postgres import bulk, driver
from service.postgres.tables import order_refs

_NAME: Final = ("namespace", "value")
# What a bill alone has told of is of its own source, and learnt by file.
_BY_BILL: Final = "f.source = %(provider)s AND 'LEARNT_BY_FILE' = ANY(f.circumstances)"
_MOVED: Final = (
    "SELECT r.namespace AS at_namespace, r.value AS at_value, f.order_id, f.kind, f.voucher,"  # noqa: S608  # as above
    " f.currency, max(f.amount_minor) AS amount,"
    f" max(f.amount_minor) FILTER (WHERE NOT ({_BY_BILL})) AS told"
    f" FROM order_refs AS r JOIN {bulk.told(order_refs, _NAME)} USING (namespace, value)"
    " JOIN facts AS f ON f.order_id = r.order_id"
    " WHERE f.kind IN ('PAYMENT_SUCCEEDED', 'REFUND_SUCCEEDED') AND f.voucher <> ''"
    " AND f.amount_minor IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6"
)
# As orders that no file has are found; an account that is not known may be any.
_UNBILLED: Final = (
    "SELECT f.namespace, f.value, f.order_id, f.currency, max(f.amount_minor) AS amount"
    " FROM orders AS o JOIN facts AS f ON f.order_id = o.order_id"
    " WHERE o.updated_at >= %(since)s AND o.placed_at >= %(begin)s AND o.placed_at < %(end)s"
    " AND f.kind = 'PAYMENT_SUCCEEDED' AND f.source = %(provider)s AND f.voucher <> ''"
    " AND f.amount_minor IS NOT NULL AND f.occurred_at < %(paid_before)s"
    " AND (%(shop)s = '' OR coalesce(f.detail->>'account', '') IN ('', %(shop)s))"
    " AND NOT EXISTS (SELECT FROM order_refs AS r"
    "  JOIN statement_lines AS l ON (l.namespace, l.value) = (r.namespace, r.value)"
    "  JOIN statements AS s ON s.statement_id = l.statement_id AND s.kind = 'PAYMENTS'"
    "   AND s.channel = %(provider)s"
    "  WHERE r.order_id = o.order_id AND l.voucher = f.voucher)"
    " GROUP BY 1, 2, 3, 4, f.voucher ORDER BY 3 LIMIT %(most)s"
)


class BillRows:
    """The part of a transaction that holds bills against facts."""

    _connection: sa.Connection

    def moved_of(
        self, refs: Sequence[OrderRef], provider: str
    ) -> dict[OrderRef, dict[Moved, Held]]:
        """Return the payments and refunds that we hold of the orders of these names, by number."""
        if not refs:
            return {}
        wanted = bulk.document([{"namespace": one.namespace, "value": one.value} for one in refs])
        found = driver.named(self._connection, _MOVED, {"rows": wanted, "provider": provider})
        held: dict[OrderRef, dict[Moved, Held]] = defaultdict(dict)
        for row in found:
            is_of_bill = row["told"] is None
            minor = row["amount"] if is_of_bill else row["told"]
            moved = Moved(row["kind"] == FactKind.REFUND_SUCCEEDED.value, row["voucher"])
            ref = OrderRef(row["at_namespace"], row["at_value"])
            held[ref][moved] = Held(row["order_id"], Money(minor, row["currency"]), is_of_bill)
        return dict(held)

    def unbilled(
        self, of: ShopDay, begin: datetime, end: datetime, *, paid_before: datetime, most: int
    ) -> list[tuple[OrderRef, Held]]:
        """Return payments of a provider's account, of orders placed then, that no bill tells of."""
        values = {
            "provider": of.channel,
            "shop": of.shop,
            "since": begin - timedelta(days=1),
            "begin": begin,
            "end": end,
            "paid_before": paid_before,
            "most": most,
        }
        return [
            (
                OrderRef(row["namespace"], row["value"]),
                Held(row["order_id"], Money(row["amount"], row["currency"]), is_of_bill=False),
            )
            for row in driver.named(self._connection, _UNBILLED, values)
        ]
