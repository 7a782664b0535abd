"""Stores probes, and gives them to those who ask: fresh ones first, and nobody starves.

The queue is a set of lanes, one for each provider and interval, and one for each provider's
fresh probes. Within a lane who is due first is first, which an index answers. Between the lanes
of one provider and the next, whoever will soonest have waited for two of its intervals goes
first. So a claim reads the heads of some thirty lanes, however many probes there are.
"""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.application.probe_ports import Claim
from service.domain.errors import ProbeNotFoundError
from service.domain.inquiries import MERCHANT, Inquiry, InquiryKind
from service.domain.money import Money
from service.domain.probing import FRESH, Probe, ProbeState, Result
from service.postgres import driver, tables
from service.postgres.moments import from_text, to_text

# A row, as SQLAlchemy or the driver gives it.
Columns = Any

# The lanes that there are, by jumping from one to the next in the index.
LANES: Final = """
WITH RECURSIVE lanes AS (
    (SELECT provider, lane FROM probes WHERE state = 'ARMED' ORDER BY provider, lane LIMIT 1)
    UNION ALL
    SELECT following.provider, following.lane
    FROM lanes CROSS JOIN LATERAL (
        SELECT provider, lane FROM probes
        WHERE state = 'ARMED' AND (provider, lane) > (lanes.provider, lanes.lane)
        ORDER BY provider, lane LIMIT 1
    ) AS following
)
"""

# Of three places in a row two go to fresh probes and one, by turns another, to the rest. A probe
# that is locked here and not chosen is free again when the transaction ends.
_CLAIM: Final = """,
heads AS (
    SELECT found.probe_id, lanes.lane, found.due_at
    FROM lanes CROSS JOIN LATERAL (
        SELECT probe_id, due_at FROM probes
        WHERE state = 'ARMED' AND provider = lanes.provider AND lane = lanes.lane
          AND wake_at <= :now
        ORDER BY wake_at LIMIT :most
        FOR UPDATE SKIP LOCKED
    ) AS found
    WHERE :every OR lanes.provider = ANY(:providers)
),
ranked AS (
    SELECT probe_id,
           CASE WHEN lane = :fresh THEN rank + (rank - 1 + :turn) / 2
                ELSE 3 * rank - :turn END AS place
    FROM (
        SELECT probe_id, lane, row_number() OVER (
            PARTITION BY lane = :fresh
            ORDER BY due_at + lane * interval '1 millisecond', probe_id
        ) AS rank
        FROM heads
    ) AS numbered
)
UPDATE probes SET lease = :lease, lease_until = :until, wake_at = :until
FROM (SELECT probe_id, place FROM ranked ORDER BY place LIMIT :most) AS chosen
WHERE probes.probe_id = chosen.probe_id
RETURNING probes.*, chosen.place
"""
_CLAIMING: Final = sa.text(LANES + _CLAIM)

_UNPROBED: Final = sa.text(
    """
SELECT order_id FROM orders
WHERE paid_minor < total_minor AND closed_at IS NULL AND order_id > :after
  AND NOT EXISTS (SELECT FROM probes WHERE probes.order_id = orders.order_id)
  AND EXISTS (
      SELECT FROM order_refs
      WHERE order_refs.order_id = orders.order_id AND namespace = :merchant
  )
ORDER BY order_id LIMIT :most
"""
)

_REFUSAL: Final = sa.text(
    """
SELECT EXISTS (
    SELECT FROM cases JOIN probes USING (order_id)
    WHERE cases.type = 'PROBE_REFUSED' AND cases.state <> 'RESOLVED'
      AND probes.provider = :provider AND probes.account = :account
)
"""
)

_LOCK: Final = "SELECT * FROM probes WHERE order_id = ANY(%(orders)s) ORDER BY probe_id FOR UPDATE"


class ProbeRows:
    """The part of a transaction that knows probes."""

    _connection: sa.Connection

    def lock_probes(self, order_ids: Sequence[str]) -> dict[str, tuple[Probe, ...]]:
        """Lock the probes of (locked) orders, and return them by order."""
        found: dict[str, tuple[Probe, ...]] = defaultdict(tuple)
        if order_ids:
            for row in driver.named(self._connection, _LOCK, {"orders": list(order_ids)}):
                found[row["order_id"]] += (probe_from(row),)
        return found

    def lock_probe(self, probe_id: str) -> Probe:
        """Lock a probe and return it, or raise `ProbeNotFoundError`."""
        return self._probe(_one(probe_id).with_for_update(), probe_id)

    def find_probe(self, probe_id: str) -> Probe:
        """Return a probe without locking it, or raise `ProbeNotFoundError`."""
        return self._probe(_one(probe_id), probe_id)

    def keep_probes(self, probes: Sequence[Probe]) -> None:
        """Store (locked or fresh) probes."""
        rows = [_row(each) for each in probes]
        if not rows:
            return
        fresh = insert(tables.probes)
        self._connection.execute(
            fresh.on_conflict_do_update(
                index_elements=["probe_id"],
                set_={name: fresh.excluded[name] for name in rows[0] if name != "probe_id"},
            ),
            rows,
        )

    def claim_probes(self, claim: Claim, now: datetime) -> list[Probe]:
        """Lease probes whose time has come; see `service.application.probe_ports.ProbePart`."""
        rows = self._connection.execute(
            _CLAIMING,
            {
                "now": now,
                "fresh": FRESH,
                "most": claim.most,
                # So that a caller who takes one at a time does not take fresh ones only.
                "turn": zlib.crc32(claim.lease.encode()) % 3,
                "every": not claim.providers,
                "providers": list(claim.providers),
                "lease": claim.lease,
                "until": claim.until,
            },
        ).mappings()
        return [probe_from(each) for each in sorted(rows, key=lambda each: each["place"])]

    def unprobed_orders(self, after: str, *, most: int) -> list[str]:
        """Return orders, by id, that wait for money, have a merchant's number and no probe."""
        wanted = {"after": after, "most": most, "merchant": MERCHANT}
        return list(self._connection.execute(_UNPROBED, wanted).scalars())

    def has_open_refusal(self, provider: str, account: str) -> bool:
        """Tell whether somebody already looks into why an account's questions are refused."""
        known = {"provider": provider, "account": account}
        return bool(self._connection.execute(_REFUSAL, known).scalar_one())

    def _probe(self, wanted: sa.Select[Any], probe_id: str) -> Probe:
        row = self._connection.execute(wanted).mappings().first()
        if row is None:
            raise ProbeNotFoundError(probe=probe_id)
        return probe_from(row)


def _one(probe_id: str) -> sa.Select[Any]:
    return sa.select(tables.probes).where(tables.probes.c.probe_id == probe_id)


def probe_from(row: Columns) -> Probe:
    """Return columns as a probe."""
    return Probe(
        probe_id=row["probe_id"],
        order_id=row["order_id"],
        inquiry=_inquiry_from(row, row["detail"]),
        state=ProbeState(row["state"]),
        armed_at=row["armed_at"],
        due_at=row["due_at"],
        give_up_at=row["give_up_at"],
        lane=row["lane"],
        asked=row["asked"],
        missed=row["missed"],
        refused=row["refused"],
        submitted=row["submitted"],
        last_ask_at=row["last_ask_at"],
        last_result=Result(row["last_result"]) if row["last_result"] else None,
        last_code=row["last_code"],
        lease=row["lease"],
        lease_until=row["lease_until"],
    )


def _row(probe: Probe) -> dict[str, Any]:
    inquiry = probe.inquiry
    return {
        "probe_id": probe.probe_id,
        "order_id": probe.order_id,
        "key": inquiry.key,
        "kind": inquiry.kind.value,
        "provider": inquiry.provider,
        "account": inquiry.account,
        "detail": {
            **{name: getattr(inquiry, name) for name in _PLAIN},
            "amount": _money_json(inquiry.amount),
            "total": _money_json(inquiry.total),
            "since": to_text(inquiry.since),
            "settles_s": inquiry.settles.total_seconds(),
        },
        "state": probe.state.value,
        "armed_at": probe.armed_at,
        "due_at": probe.due_at,
        "give_up_at": probe.give_up_at,
        "lane": probe.lane,
        "wake_at": probe.wake_at,
        "asked": probe.asked,
        "missed": probe.missed,
        "refused": probe.refused,
        "submitted": probe.submitted,
        "last_ask_at": probe.last_ask_at,
        "last_result": probe.last_result.value if probe.last_result else "",
        "last_code": probe.last_code,
        "lease": probe.lease,
        "lease_until": probe.lease_until,
    }


_PLAIN: Final = ("trade", "handle", "payment", "refund", "submit", "urgent", "slow")


def _inquiry_from(row: Columns, detail: Mapping[str, Any]) -> Inquiry:
    return Inquiry(
        key=row["key"],
        kind=InquiryKind(row["kind"]),
        provider=row["provider"],
        account=row["account"],
        since=from_text(detail["since"]),
        amount=_money_from(detail["amount"]),
        total=_money_from(detail["total"]),
        settles=timedelta(seconds=detail["settles_s"]),
        **{name: detail[name] for name in _PLAIN},
    )


def _money_json(money: Money | None) -> list[Any] | None:
    return [money.minor, money.currency] if money else None


def _money_from(value: list[Any] | None) -> Money | None:
    return Money(*value) if value else None
