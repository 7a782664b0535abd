"""What cases do by themselves: they begin, warn, breach, escalate, and go on when things come.

A case says when somebody must look at it (`wake_at`), or that it waits for what its order does.
Looking again does no harm: what a clock said once is written down with the same commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.application.case_files import SYSTEM, CaseFile, CaseFiles
from service.application.conditions import Conditions
from service.application.ports import Clock, Encoder, Storage, Unit
from service.domain.terms import USUAL, Terms

# A case takes a few milliseconds: ten thousand clocks that stop at once are told in half a minute,
# and whoever acts on one of these orders meanwhile waits for half a second.
CLAIM_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class DeskClock:
    """Looks at cases that are due, a bounded claim at a time."""

    storage: Storage
    encoder: Encoder
    clock: Clock
    terms: Terms = USUAL
    conditions: Conditions | None = None

    def look_at_due(self) -> int:
        """Look at cases whose moment has come; return how many."""
        return self.storage.transact(
            lambda unit: self._look(unit, unit.due_cases(self.clock(), most=CLAIM_MOST))
        )

    def look_at_moved(self) -> int:
        """Look at cases that wait, and whose orders went on; return how many."""
        return self.storage.transact(
            lambda unit: self._look(unit, unit.moved_cases(most=CLAIM_MOST))
        )

    def _look(self, unit: Unit, found: Sequence[tuple[str, str]]) -> int:
        if not found:
            return 0
        # One case of an order at a time: the order's journal numbers what each of them does.
        chosen = {order_id or case_id: (order_id, case_id) for order_id, case_id in found}
        orders = sorted({order_id for order_id, _ in chosen.values() if order_id})
        dossiers = unit.open_dossiers(orders) if orders else {}
        cases = unit.lock_cases(sorted(case_id for _, case_id in chosen.values()))
        papers = unit.papers([each.case_id for each in cases])
        files = CaseFiles(
            unit,
            self.encoder,
            SYSTEM,
            self.clock(),
            self.terms,
            self.conditions,
            by_itself=True,
        )
        looked: list[CaseFile] = []
        for case in cases:
            file = files.opened(case, dossiers.get(case.order_id), papers[case.case_id])
            files.look(file)
            looked.append(file)
        files.write_all(looked)
        return len(looked)
