"""Notices are listed, shown, sent again and settled; people are told where they are reached."""

from __future__ import annotations

import json

from clients.sdk.testing import FakeConcord
from concord.notices.v1.notice_service_pb2 import Delivery, Notice

from .conftest import Run


def put(fake: FakeConcord, state: Delivery.State.ValueType, *, channel: str = "sms") -> None:
    delivery = Delivery(
        delivery_id="ntc-1.0", channel=channel, address="role:finance", state=state, code="93000"
    )
    fake.model.notices["notices/ntc-1"] = Notice(
        name="notices/ntc-1",
        recipient="role:finance",
        template="approval_wanted",
        title="待财务审批",
        body="工单 case-1 需要财务审批。",
        state=Notice.State.Value(f"STATE_{Delivery.State.Name(state).removeprefix('STATE_')}"),
        deliveries=[delivery],
    )


def test_notices_are_listed_and_shown_with_what_became_of_them(
    fake: FakeConcord, concord: Run
) -> None:
    put(fake, Delivery.STATE_DEAD)

    listed = concord("notice", "list", "--state", "dead", "--to", "role:finance")
    shown = concord("notice", "show", "ntc-1")

    assert "notices/ntc-1" in listed.stdout
    assert "93000" in shown.stdout
    assert "工单 case-1" in shown.stdout


def test_what_is_dead_is_sent_again_and_nothing_else(fake: FakeConcord, concord: Run) -> None:
    put(fake, Delivery.STATE_DEAD)

    first = concord("notice", "resend", "ntc-1", "--json")
    again = concord("notice", "resend", "ntc-1")

    assert json.loads(first.stdout)["state"] == "STATE_WAITING"
    assert again.exit_code == 1
    assert "concord notice show" in again.stderr


def test_a_person_settles_what_is_uncertain(fake: FakeConcord, concord: Run) -> None:
    put(fake, Delivery.STATE_UNCERTAIN)

    settled = concord("notice", "settle", "ntc-1", "--arrived", "--json")

    assert json.loads(settled.stdout)["state"] == "STATE_SENT"


def test_an_inbox_shows_what_lies_in_it(fake: FakeConcord, concord: Run) -> None:
    put(fake, Delivery.STATE_SENT, channel="inbox")

    assert "需要财务审批" in concord("notice", "inbox", "role:finance").stdout
    assert "Nothing lies there" in concord("notice", "inbox", "role:warehouse").stderr


def test_a_role_is_reached_where_one_says(fake: FakeConcord, concord: Run) -> None:
    told = concord("notice", "contact", "role:finance", "wecom:finance", "mail:f@example.com")

    assert "wecom:finance, mail:f@example.com" in told.stdout
    assert list(fake.model.contacts["role:finance"].addresses) == [
        "wecom:finance",
        "mail:f@example.com",
    ]
