"""Probes in memory; `tests/contract/test_probe_storage.py` holds them to what PostgreSQL does."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from service.application.probe_ports import Backlog, Claim, ProbeQuery
from service.domain.errors import CursorInvalidError, ProbeNotFoundError
from service.domain.lifecycle import FINAL
from service.domain.probing import FRESH, Probe, ProbeState


class FakeProbeUnit:
    """Implements `service.application.probe_ports.ProbePart` on tables in memory."""

    tables: Any

    def lock_probes(self, order_ids: Sequence[str]) -> dict[str, tuple[Probe, ...]]:
        found: dict[str, tuple[Probe, ...]] = {}
        for _, each in sorted(self.tables.probes.items()):
            if each.order_id in order_ids:
                found[each.order_id] = (*found.get(each.order_id, ()), each)
        return found

    def lock_probe(self, probe_id: str) -> Probe:
        return self.find_probe(probe_id)

    def find_probe(self, probe_id: str) -> Probe:
        if probe_id not in self.tables.probes:
            raise ProbeNotFoundError(probe=probe_id)
        return self.tables.probes[probe_id]

    def keep_probes(self, probes: Sequence[Probe]) -> None:
        self.tables.probes.update({each.probe_id: each for each in probes})

    def claim_probes(self, claim: Claim, now: datetime) -> list[Probe]:
        due = [
            each
            for each in self.tables.probes.values()
            if each.state is ProbeState.ARMED
            and each.wake_at <= now
            and (not claim.providers or each.inquiry.provider in claim.providers)
        ]
        fresh = sorted((each for each in due if each.lane == FRESH), key=_urgency)
        rest = sorted((each for each in due if each.lane != FRESH), key=_urgency)
        turn = zlib.crc32(claim.lease.encode()) % 3
        places = {
            **{rank + (rank - 1 + turn) // 2: each for rank, each in enumerate(fresh, start=1)},
            **{3 * rank - turn: each for rank, each in enumerate(rest, start=1)},
        }
        chosen = [
            replace(each, lease=claim.lease, lease_until=claim.until)
            for _, each in sorted(places.items())[: claim.most]
        ]
        self.keep_probes(chosen)
        return chosen

    def unprobed_orders(self, after: str, *, most: int) -> list[str]:
        probed = {each.order_id for each in self.tables.probes.values()}
        numbered = {owner for ref, owner in self.tables.refs.items() if ref.namespace == "merchant"}
        return sorted(
            order_id
            for order_id, order in self.tables.orders.items()
            if order.paid.minor < order.total.minor
            and order.state not in FINAL
            and order_id in numbered - probed
            and order_id > after
        )[:most]

    def has_open_refusal(self, provider: str, account: str) -> bool:
        refused = {
            each.order_id
            for each in self.tables.cases.values()
            if each.type == "PROBE_REFUSED" and not each.is_resolved
        }
        return any(
            each.order_id in refused
            and (each.inquiry.provider, each.inquiry.account) == (provider, account)
            for each in self.tables.probes.values()
        )


class FakeProbeReader:
    """Implements `service.application.probe_ports.ProbeReader`."""

    _storage: Any

    def probe(self, probe_id: str) -> Probe:
        if probe_id not in self._storage.tables.probes:
            raise ProbeNotFoundError(probe=probe_id)
        return self._storage.tables.probes[probe_id]

    def probes(self, query: ProbeQuery) -> tuple[Sequence[Probe], str]:
        found = sorted(
            (
                each
                for each in self._storage.tables.probes.values()
                if query.order_id in {"", each.order_id}
                and query.state in {None, each.state}
                and query.provider in {"", each.inquiry.provider}
            ),
            key=lambda each: (each.due_at, each.probe_id),
        )
        start = 0
        if query.page_token:
            names = [f"probes {each.probe_id}" for each in found]
            if query.page_token not in names:
                raise CursorInvalidError(token=query.page_token[:40])
            start = names.index(query.page_token) + 1
        page = found[start : start + query.page_size]
        more = len(found) > start + query.page_size
        return page, f"probes {page[-1].probe_id}" if more else ""

    def verifications(self, order_ids: Sequence[str]) -> Mapping[str, Sequence[Probe]]:
        found: dict[str, list[Probe]] = {}
        probes = self._storage.tables.probes.values()
        for each in sorted(probes, key=lambda each: (each.due_at, each.probe_id)):
            if each.order_id in order_ids and each.state is ProbeState.ARMED:
                found.setdefault(each.order_id, []).append(each)
        return found

    def probe_backlog(self, now: datetime) -> Sequence[Backlog]:
        found = {}
        for each in self._storage.tables.probes.values():
            if each.state is ProbeState.ARMED:
                due = found.setdefault(each.inquiry.provider, [])
                due += [each.due_at] if each.wake_at <= now else []
        return [
            Backlog(provider, len(due), min(due, default=None))
            for provider, due in sorted(found.items())
        ]


def _urgency(probe: Probe) -> tuple[datetime, str]:
    return probe.due_at + timedelta(milliseconds=probe.lane), probe.probe_id
