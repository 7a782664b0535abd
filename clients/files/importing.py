"""Imports a file: registers it, reads it into a spool, keeps what is wrong, sends what is right.

1. the file is registered by its digest: one that was imported before ends here;
2. it is read into its spool (see `spool`);
3. rows that somebody must look at are kept in the service;
4. orders are sent as receipts, a few calls at once; after each answer the spool says how far;
5. the import is reported as done, and the spool deleted.

If we crash anywhere, the same command goes on: what is sent twice is known already.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final, TypeVar

from clients.files import billing
from clients.files.judging import Bad
from clients.files.reading import Source, spooled
from clients.files.spool import Spool
from clients.files.tables import FileBusyError, FileRefusedError, Table, open_table
from clients.files.telling import BILL, Batch, Telling
from clients.sdk import Concord, OutageError
from concord.imports.v1 import import_service_pb2 as api
from concord.reconciliations.v1.statement_pb2 import Statement

# The service weighs a batch at a time; more at once would only wait there.
CALLS_AT_ONCE: Final = 4
KEPT_AT_ONCE: Final = 200
KEPT_BYTES: Final = 60_000
# A service that is started anew is back within a minute.
PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 10.0, 10.0, 15.0, 15.0)

T = TypeVar("T")
# Up to which order, how many were stored, and how many were known before.
Answered = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told how far it is."""

    on_bytes: Callable[[int], None] = lambda _: None
    # How many orders there are to send.
    on_read: Callable[[int], None] = lambda _: None
    on_orders: Callable[[int], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file."""

    kept: api.Import
    # It had been imported before: nothing was done.
    was_known: bool


@dataclass(frozen=True, slots=True)
class FileImporter:
    """Imports files, one at a time."""

    concord: Concord
    # Where spools lie.
    folder: Path
    clock: Callable[[], datetime]
    pause: Callable[[float], None] = time.sleep

    def run(self, source: Source, told: Told | None = None) -> Imported:
        """Import a file; the same file again changes nothing.

        Raises:
            FileRefusedError: it cannot be read as a whole; where its kind is known, the register
                says so.
            ConcordError: the service is away for minutes; the same call goes on later.
        """
        told = told or Told()
        table = open_table(source.path, source.looked, source.template)
        kept = self._begun(source, table)
        if kept.state == api.Import.STATE_DONE:
            return Imported(kept, was_known=True)
        try:
            with spooled(source, table, self.folder, told.on_bytes) as spool:
                return Imported(self._sent(kept, table, spool, told), was_known=False)
        except FileBusyError:
            # It is under way, in other hands.
            raise
        except FileRefusedError as error:
            self._refuse(kept.name, str(error))
            raise

    def _begun(self, source: Source, table: Table) -> api.Import:
        kind = table.columns.kind
        file = api.Import(
            channel=kind.channel,
            shop=source.shop,
            template=kind.template,
            day=source.day,
            file_name=source.path.name[:200],
            digest=source.looked.digest,
            size_bytes=source.looked.size,
        )
        return self._patiently(lambda: self.concord.imports.begin(file))

    def _refuse(self, name: str, problem: str) -> None:
        self._patiently(
            lambda: self.concord.imports.report(
                name, state=api.Import.STATE_REFUSED, problem=problem[:1000]
            )
        )

    def _sent(self, kept: api.Import, table: Table, spool: Spool, told: Told) -> api.Import:
        summary = spool.summary
        for rows in _parted(chain(spool.bad(), spool.noted())):
            self._patiently(partial(self.concord.imports.keep_rows, kept.name, rows))
        telling = Telling(
            table.columns.kind.channel,
            kept.shop,
            summary.template,
            # What was said first holds: the same rows are the same receipts.
            kept.day,
            summary.columns,
            self.clock(),
        )
        after, stored, repeated = spool.sent_to()
        told.on_read(spool.left(after))
        # They are answered for in their order, whichever is done first: behind what the spool says
        # there is nothing that was left out.
        with closing(self._submitted_all(telling.batches(spool.orders(after)))) as answers:
            for last, fresh, known in answers:
                stored += fresh
                repeated += known
                spool.mark_sent(last, stored, repeated)
                told.on_orders(fresh + known)
        counts = api.ImportCounts(
            rows=summary.rows,
            orders=summary.orders,
            stored=stored,
            repeated=repeated,
            passed=summary.passed,
        )
        self._close(kept, spool)
        done = self._patiently(
            lambda: self.concord.imports.report(
                kept.name,
                counts=counts,
                encoding=summary.encoding,
                delimiter=summary.delimiter,
                columns=summary.columns,
                notes=summary.notes,
                state=api.Import.STATE_DONE,
            )
        )
        spool.remove()
        return done

    def _close(self, kept: api.Import, spool: Spool) -> None:
        """Say that the day's statement is whole, so that it is compared: a line an order.

        Of a bill it is a line a row, and the lines themselves are sent here.
        """
        summary = spool.summary
        if kept.template.endswith(BILL):
            self._state(kept, spool)
        elif kept.day and kept.template.endswith(".orders.file"):
            self._patiently(
                lambda: self.concord.reconciliations.close_statement(
                    kept.channel, kept.day, shop=kept.shop, expected_lines=summary.orders
                )
            )

    def _state(self, kept: api.Import, spool: Spool) -> None:
        """Send what a bill says of each payment and refund, and that this is all of it."""
        columns = spool.summary.columns
        day = billing.day_of(spool.orders(), columns)
        if not day or not billing.is_compared(columns):
            return
        statement = partial(
            self.concord.reconciliations.submit_statement_lines,
            kept.channel,
            day,
            shop=kept.shop,
            zone=billing.ZONE,
            kind=Statement.KIND_PAYMENTS,
        )
        for lines in billing.parted(billing.lines_of(spool.orders(), columns)):
            self._patiently(partial(statement, lines))
        self._patiently(
            lambda: self.concord.reconciliations.close_statement(
                kept.channel,
                day,
                shop=kept.shop,
                zone=billing.ZONE,
                kind=Statement.KIND_PAYMENTS,
                expected_lines=spool.summary.rows,
            )
        )

    def _submitted_all(self, batches: Iterable[Batch]) -> Generator[Answered, None, None]:
        """Send batches, a few at once while the next is made; return what came of each."""
        with ThreadPoolExecutor(CALLS_AT_ONCE) as threads:
            under_way: deque[Future[Answered]] = deque()
            for batch in batches:
                under_way.append(threads.submit(self._submitted, batch))
                if len(under_way) > CALLS_AT_ONCE:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()

    def _submitted(self, batch: Batch) -> Answered:
        answer = self._patiently(lambda: self.concord.intake.submit(batch.receipts))
        repeated = sum(each.repeated for each in answer.submitted)
        return batch.last, len(answer.submitted) - repeated, repeated

    def _patiently(self, call: Callable[[], T]) -> T:
        for pause_s in PAUSES_S:
            try:
                return call()
            except OutageError:
                self.pause(pause_s)
        return call()


def message_of(row: Bad) -> api.ImportRow:
    """Return a row as it is kept."""
    return api.ImportRow(
        number=row.number,
        reason=api.ImportRow.Reason.Value(f"REASON_{row.reason.value}"),
        column=row.column[:200],
        order_number=row.order[:200],
        text=row.text.encode()[:KEPT_BYTES],
    )


def _parted(rows: Iterable[Bad]) -> Iterator[list[api.ImportRow]]:
    found: list[api.ImportRow] = []
    size = 0
    for row in rows:
        message = message_of(row)
        if found and (len(found) == KEPT_AT_ONCE or size + len(message.text) > 1 << 20):
            yield found
            found, size = [], 0
        found.append(message)
        size += len(message.text)
    if found:
        yield found
