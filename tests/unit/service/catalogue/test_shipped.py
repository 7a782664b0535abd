"""The shipped catalogue: it loads clean, and says what the desk must know."""

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from service import catalogue
from service.domain.closing import OF_INQUIRIES, ORPHANS
from service.domain.contradictions import POLICY, DiscrepancyKind
from service.domain.desk.taxonomy import Moment, Side
from service.domain.desk.workflows import Awaited, EffectKind
from service.domain.expectations import RULES

SHIPPED = catalogue.load()
ASKED = {
    Side.CUSTOMER: (
        "ADDRESS_WRONG ADDRESS_CHANGE DELIVERY_REFUSED INTERCEPTION PAYMENT_DISPUTE RETURN"
    ),
    Side.SYSTEM: "DUPLICATE_CHARGE STAGE_OVERDUE AMOUNT_DIFFERS PAID_AFTER_CANCEL FEED_GAP",
    Side.SUPPLY: "OUT_OF_STOCK WRONG_ITEM CUSTOMS_DELAY CARRIER_LOSS QUALITY",
}


@pytest.mark.parametrize(
    ("side", "name"), [(side, name) for side, names in ASKED.items() for name in names.split()]
)
def test_every_kind_of_case_that_was_asked_for_is_there(side: Side, name: str) -> None:
    assert SHIPPED.type(name).side is side


@pytest.mark.parametrize(
    "name", sorted({*(rule.case_type for rule in RULES.values()), *OF_INQUIRIES, ORPHANS})
)
def test_what_opens_by_itself_is_known(name: str) -> None:
    assert SHIPPED.type(name).side is Side.SYSTEM
    assert {"deadline", "probe"} & set(SHIPPED.type(name).opened_by)


@pytest.mark.parametrize("kind", POLICY)
def test_who_must_act_on_a_contradiction_owns_its_case(kind: DiscrepancyKind) -> None:
    assert SHIPPED.type(kind.value).owner_role == POLICY[kind].owner_role
    assert SHIPPED.type(kind.value).opened_by == ("discrepancy",)


@pytest.mark.parametrize("name", SHIPPED.types)
def test_a_kind_of_case_says_everything_about_itself(name: str) -> None:
    kind = SHIPPED.type(name)

    assert kind.title["zh"]
    assert kind.title["en"]
    assert 0 < kind.respond_minutes <= kind.resolve_minutes
    assert 0 < kind.warn_minutes < kind.resolve_minutes
    assert kind.calendar in SHIPPED.calendars
    assert kind.escalates_to
    assert kind.owner_role not in kind.escalates_to


def test_an_address_is_changed_until_two_hours_before_the_planned_shipping() -> None:
    (cut_off,) = SHIPPED.type("ADDRESS_CHANGE").cut_offs

    assert cut_off.guards == ("open",)
    assert (cut_off.moment, cut_off.minutes) == (Moment.PLANNED_SHIPPING, -120)
    assert "2 小时" in cut_off.reason["zh"]


def test_goods_come_back_before_the_money_of_a_wrong_item() -> None:
    workflow = SHIPPED.newest("wrong_item")
    assert workflow is not None

    into_refund = {
        (step.name, act.name): act.documents
        for step in workflow.steps.values()
        for act in step.acts
        if {"refund", "send"} & set(act.to)
    }

    assert into_refund["return_for_refund", "received"] == ("return_receipt",)
    assert workflow.steps["send"].joins == ("return_for_replacement", "prepare")
    assert all(step.startswith(("return_for", "prepare")) for step, _ in into_refund)


def test_short_stock_tells_purchasing_and_the_customer_and_goes_on_by_itself() -> None:
    workflow = SHIPPED.newest("out_of_stock")
    assert workflow is not None
    purchase, wait = workflow.steps["purchase"], workflow.steps["wait"]

    assert [each.kind for each in purchase.on_begin] == [EffectKind.PURCHASE, EffectKind.NOTICE]
    order_more = purchase.act("order_more")
    assert order_more is not None
    assert "delay_days" in order_more.documents
    assert {"template": "delay_expected", "to": "customer"} in [
        dict(each.values) for each in order_more.effects
    ]
    assert (wait.awaits, wait.awaited_act) == (Awaited.STOCK, "arrived")


@pytest.mark.parametrize(
    ("year", "free", "worked"),
    [(2025, 28, 5), (2026, 33, 6), (2027, 19, 0)],
)
def test_public_holidays_are_known_with_the_days_worked_instead(
    year: int, free: int, worked: int
) -> None:
    office = SHIPPED.calendars["office"]

    assert len([each for each in office.holidays if each.year == year]) == free
    instead = [each for each in office.extra_days if each.year == year]
    assert len(instead) == worked
    assert all(each.isoweekday() > 5 for each in instead)


def test_the_office_works_in_shanghai_with_a_break_at_noon() -> None:
    office = SHIPPED.calendars["office"]

    assert ZoneInfo(office.zone).key == "Asia/Shanghai"
    assert [(each.begin, each.end) for each in office.hours[5]] == [
        (time(9), time(12)),
        (time(13), time(18)),
    ]
    assert 6 not in office.hours
    assert date(2026, 2, 17) in office.holidays
    assert date(2026, 2, 14) in office.extra_days
