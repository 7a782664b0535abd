"""One case from its opening to its end, by the API alone; and told as who did what when."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from google.type.money_pb2 import Money

from clients.sdk.errors import ConcordError
from concord.cases.v1.case_service_pb2 import Case
from concord.notices.v1.notice_service_pb2 import Notice
from concord.orders.v1.order_pb2 import Order
from tests.integration.desk.world import World

SHANGHAI = ZoneInfo("Asia/Shanghai")
RESOLVED = Case.STATE_RESOLVED
DEAD = Notice.STATE_DEAD
# What the effect `refund` says that it did: `199.00 CNY as rf4b…`.
REFUND = re.compile(r"(\d+)\.(\d\d) ([A-Z]{3}) as (rf[0-9a-f]+)")


@dataclass
class Story:
    """A case on an order, and whoever acts on it."""

    world: World
    title: str
    order: Order
    name: str = ""
    refused: list[str] = field(default_factory=list)

    def opens(self, case_type: str, by: str, note: str = "") -> None:
        """Somebody opens the case; its handling begins."""
        self.name = self.world.by(by).cases.open(self.order.name, case_type, note=note).name
        self.world.settle()

    def opened_by_itself(self, case_type: str) -> None:
        """The case was opened by what happened."""
        self.world.settle()
        found = list(self.world.by("operations").cases.list(order=self.order.name, type=case_type))
        assert len(found) == 1, f"{case_type}: {len(found)} are open"
        self.name = found[0].name

    def act(self, act: str, by: str, note: str = "", **documents: str) -> None:
        """Somebody does what the active step allows."""
        self.world.by(by).cases.act(self.name, act, documents=documents, note=note)
        self.world.settle()

    def file(self, kind: str, by: str, content: bytes) -> None:
        """Somebody hands in a file."""
        self.world.by(by).cases.add_document(
            self.name, kind, content=content, file_name=f"{kind}.jpg", media_type="image/jpeg"
        )

    def refuses(self, reason: str, call: Callable[[], object], **told: str) -> None:
        """What was asked is refused for this reason, and says what would be needed."""
        before = self.case.etag if self.name else ""
        with pytest.raises(ConcordError) as raised:
            call()
        assert raised.value.reason == reason, raised.value
        for key, value in told.items():
            assert value in raised.value.metadata[key], raised.value.metadata
        if self.name:
            assert self.case.etag == before, "a refusal changed the case"
        self.refused.append(f"{self._time()}  refused {reason}: {raised.value.message}")

    def refuses_act(self, reason: str, act: str, by: str, **told: str) -> None:
        """The act is refused."""
        self.refuses(reason, lambda: self.world.by(by).cases.act(self.name, act), **told)

    def passes(self, **span: float) -> None:
        """Time passes, and the clockwork does what is due then."""
        self.world.pass_time(timedelta(**span))

    @property
    def case(self) -> Case:
        """The case as it stands."""
        return self.world.by("operations").cases.get(self.name)

    def is_at(self, *steps: str) -> None:
        """These steps are active, and no others."""
        active = {each.step for each in self.case.steps if not each.end_time.seconds}
        assert active == set(steps), f"{self.title}: at {active}, not {set(steps)}"

    def acts(self) -> list[str]:
        """Return what was done at steps, by hand and by itself."""
        return [each.step for each in self.case.log if each.act == "ACTED"]

    def refund_comes(self) -> None:
        """The money that the case asked back arrives."""
        (told,) = self.effects("refund")
        asked = REFUND.fullmatch(told)
        assert asked is not None, told
        units, cents, currency, voucher = asked.groups()
        amount = Money(currency_code=currency, units=int(units), nanos=int(cents) * 10**7)
        self.world.refund_comes(self.order, voucher, amount)

    def notices(self) -> list[str]:
        """Return which messages were asked for, and to whom, in their order."""
        return self.effects("notice")

    def said(self, recipient: str) -> list[str]:
        """Return the messages of the case to somebody, as they read."""
        notices = self.world.by("operations").notices.list(case=self.name, page_size=200)
        told = [each for each in notices if each.recipient.startswith(recipient)]
        assert told, f"{recipient} is told nothing"
        return [f"{each.title} {each.body}" for each in told]

    def effects(self, kind: str = "") -> list[str]:
        """Return what was brought about, or only what is of a kind, as the log tells it."""
        told = [each.text.partition(": ") for each in self.case.log if each.act == "EFFECT"]
        return [what for of, _, what in told if kind in {"", of}]

    def ends(self, outcome: str) -> None:
        """The case has ended so, no step is left, and the order tells the whole of it."""
        case = self.case
        self._print(case)
        assert (case.state, case.outcome) == (RESOLVED, outcome), self.title
        assert all(each.end_time.seconds for each in case.steps)
        assert not [each.text for each in case.log if each.act == "EFFECT_REFUSED"]
        self._is_told_in(case)

    def _is_told_in(self, case: Case) -> None:
        """Who was to be told is told in words; and the order tells of every line of the log."""
        notices = list(self.world.by("operations").notices.list(case=case.name, page_size=200))
        dead = [f"{each.template}: {each.problem}" for each in notices if each.state == DEAD]
        assert not dead, dead
        assert len(notices) >= len(self.effects("notice"))
        told = [each for each in self.world.order(self.order).handling if each.case == case.name]
        assert [(each.act, each.step, each.text) for each in told] == [
            (each.act, each.step, each.text) for each in case.log
        ]

    def _print(self, case: Case) -> None:
        """Print who did what when: what a reader of the test's output wants to see."""
        lines = [f"\n{self.title}: {case.name} {case.type} ({case.workflow or 'no workflow'})"]
        for entry in case.log:
            at = entry.act_time.ToDatetime(tzinfo=SHANGHAI)
            who = "by itself" if entry.automatic else f"{entry.actor} ({entry.role})"
            what = " ".join(part for part in (entry.act, entry.step, entry.document) if part)
            lines.append(f"  {at:%a %H:%M:%S}  {who:30} {what:40} {entry.text}".rstrip())
        lines += [f"  {each}" for each in self.refused]
        print("\n".join(lines))  # noqa: T201  # who, when, what

    def _time(self) -> str:
        return f"{self.world.clock().astimezone(SHANGHAI):%a %H:%M:%S}"
