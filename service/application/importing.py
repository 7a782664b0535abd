"""Keeps the register of files: each act in the transaction of its request."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from service.application.notice_ports import NoticeAsked
from service.application.ports import Clock, Encoder, Storage, Unit
from service.application.recording import record_acts
from service.domain.cases import CaseAct, case_id_for, open_case
from service.domain.desk.taxonomy import Severity
from service.domain.imports.expecting import ExpectedFile, expected
from service.domain.imports.files import (
    Import,
    NewFile,
    Report,
    Row,
    RowState,
    begun,
)
from service.domain.journal import Origin
from service.domain.terms import USUAL, Terms

FEED_GAP: Final = "FEED_GAP"
# A file is due once a day: a minute late is on time.
LOOK_EVERY: Final = timedelta(minutes=1)
# A week of a hundred shops. What is older and never came is found no more when it comes.
LOOKED_AT_MOST: Final = 1_000

_SYSTEM: Final = Origin("system", "system")


@dataclass(frozen=True, slots=True)
class Importing:
    """Acts on the register of files, within one transaction."""

    unit: Unit
    origin: Origin
    at: datetime

    def begin(self, file: NewFile) -> Import:
        """Begin an import, or find the one that these bytes have."""
        before = self.unit.find_import(file.import_id)
        kept = begun(file, before, actor=self.origin.actor, at=self.at)
        self.unit.save_import(kept)
        return kept

    def report(self, import_id: str, report: Report) -> Import:
        """Take how far it was read; see `Import.reported`."""
        kept = self.unit.lock_import(import_id).reported(report, at=self.at)
        self.unit.save_import(kept)
        return kept

    def keep(self, import_id: str, rows: Sequence[Row]) -> int:
        """Keep rows that need somebody; or raise `ImportNotInStateError`."""
        self.unit.lock_import(import_id).refuse_ended("KEEP_ROWS")
        return self.unit.keep_rows(import_id, rows)

    def settle(self, import_id: str, numbers: Sequence[int], state: RowState) -> Import:
        """Settle rows; or raise `ImportRowNotFoundError`."""
        kept = self.unit.lock_import(import_id)
        self.unit.settle_rows(import_id, numbers, state, settler=self.origin.actor, at=self.at)
        return kept


class FileWatch:
    """Tells who owns a feed that its file is not here; from the clockwork, once a file."""

    def __init__(
        self, storage: Storage, encoder: Encoder, clock: Clock, terms: Terms = USUAL
    ) -> None:
        """Take the ports, and the catalogue of cases."""
        self._storage = storage
        self._encoder = encoder
        self._clock = clock
        self._terms = terms
        self._look_at: datetime | None = None

    def look(self) -> int:
        """Find which files came and which are late; return how many are told of."""
        now = self._clock()
        if self._look_at and now < self._look_at:
            return 0
        self._look_at = now + LOOK_EVERY
        return self._storage.transact(self._looked)

    def _looked(self, unit: Unit) -> int:
        now = self._clock()
        unit.expect_files([each for feed in unit.file_feeds() for each in expected(feed, now)])
        files = unit.expected_files(most=LOOKED_AT_MOST)
        brought = unit.imports_for(files)
        came = [each.came(brought[each.key]) for each in files if each.key in brought]
        late = [
            each.missed(at=now) for each in files if each.key not in brought and each.is_late(now)
        ]
        unit.save_expected([*came, *late])
        self._tell(unit, late, now)
        return len(late)

    def _tell(self, unit: Unit, late: Sequence[ExpectedFile], now: datetime) -> None:
        acts = []
        for each in late:
            case_id = case_id_for(f"feed/{each.key}", FEED_GAP)
            if not unit.case_exists(case_id):
                case = open_case(case_id, "", FEED_GAP, at=now, catalogue=self._terms.catalogue)
                case = replace(case, subject=f"{each.channel}/{each.key}")
                acts.append((CaseAct(case, "OPENED", "system", now, case.subject), _SYSTEM))
        record_acts(unit, acts, encoder=self._encoder)
        unit.queue_notices([_alert(each) for each in late], at=now)


def _alert(file: ExpectedFile) -> NoticeAsked:
    values = {
        "channel": file.channel,
        "shop": file.shop,
        "feed": file.feed_id,
        "day": file.day.isoformat(),
    }
    return NoticeAsked(
        key=f"file-missing|{file.key}",
        template="file_missing",
        recipient=f"role:{file.owner}",
        values={name: text for name, text in values.items() if text},
        case_id=case_id_for(f"feed/{file.key}", FEED_GAP),
        severity=Severity.CRITICAL,
    )
