"""Every mistake in types and calendars is told with its line, what is wrong and what to write."""

from pathlib import Path

import pytest

from service import catalogue

TYPE = """\
types:
  REPAIR:
    title: {zh: 维修, en: Repair}
    side: CUSTOMER
    severity: LOW
    owner: warehouse
    respond: 4h
    resolve: 8h
    warn: 1h
    calendar: service
    workflow: return
    may_open: [customer_service]
    cut_offs:
      - name: week
        guards: [open, check.accept]
        until: 7d after DELIVERED
        reason: {zh: 太晚, en: Too late}
"""
TYPE_MISTAKES = {
    "a side that is none": ("side: CUSTOMER", "side: BUYER", 4, "no side", "`CUSTOMER`"),
    "a calendar that is not there": (
        "calendar: service",
        "calendar: servic",
        10,
        "`servic`",
        "`service`",
    ),
    "a workflow that is not there": (
        "workflow: return",
        "workflow: retour",
        11,
        "`retour`",
        "`return`",
    ),
    "an act that is not there": (
        "check.accept",
        "check.acept",
        15,
        "`check.acept`",
        "`check.accept`",
    ),
    "a moment that is none": (
        "7d after DELIVERED",
        "next week",
        16,
        "is no moment",
        "2h before PLANNED_SHIPPING",
    ),
    "a warning before the beginning": (
        "warn: 1h",
        "warn: 9h",
        9,
        "before the case is open",
        "shorter than",
    ),
    "an answer after the end": (
        "respond: 4h",
        "respond: 9h",
        7,
        "before somebody responds",
        "shorter",
    ),
    "a case that nobody opens": (
        "    may_open: [customer_service]\n",
        "",
        3,
        "nobody and nothing",
        "may_open",
    ),
    "a name in small letters": ("  REPAIR:", "  repair:", 2, "is no name", "`OUT_OF_STOCK`"),
}
CALENDAR = """\
holidays:
  shop:
    2026:
      free: [2026-05-01..2026-05-05]
      worked: [2026-05-09]
calendars:
  shop:
    zone: Asia/Shanghai
    hours: {mon-fri: [09:00-12:00, 13:00-18:00]}
    holidays: shop
    worked_as: mon
"""
CALENDAR_MISTAKES = {
    "a zone that is none": ("Asia/Shanghai", "Asia/Beijing2", 8, "no zone", "`Asia/Shanghai`"),
    "hours that overlap": (
        "13:00-18:00",
        "11:00-18:00",
        9,
        "begins before the hours before",
        "sort",
    ),
    "hours over midnight": ("13:00-18:00", "22:00-06:00", 9, "ends before it begins", "next day"),
    "hours that are none": ("09:00-12:00", "9-12", 9, "is no hours", "09:00-18:00"),
    "a day that is none": ("mon-fri", "monday", 9, "no day of the week", "`mon-fri`"),
    "a date that is none": ("2026-05-09", "2026-05-39", 5, "is no day", "2026-10-01"),
    "a date of another year": ("2026-05-09", "2027-05-09", 5, "not within 2026", "under its year"),
    "a day that is free and worked": (
        "2026-05-09",
        "2026-05-03",
        2,
        "free and worked",
        "in one of",
    ),
    "a day off that lends its hours": (
        "worked_as: mon",
        "worked_as: sun",
        8,
        "none",
        "`worked_as: DAY`",
    ),
}


@pytest.mark.parametrize("name", [*TYPE_MISTAKES, *CALENDAR_MISTAKES])
def test_a_mistake_in_types_or_calendars_is_told_with_line_and_advice(
    name: str, tmp_path: Path
) -> None:
    is_type = name in TYPE_MISTAKES
    folder, text = ("types", TYPE) if is_type else ("calendars", CALENDAR)
    old, new, line, what, advice = (TYPE_MISTAKES if is_type else CALENDAR_MISTAKES)[name]
    assert old in text
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "own.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(catalogue.CatalogueError) as caught:
        catalogue.load(str(tmp_path))

    assert all(each.file.endswith(f"{folder}/own.yaml") for each in caught.value.mistakes)
    hit = [each for each in caught.value.mistakes if each.line == line and what in each.what]
    assert hit, str(caught.value)
    assert advice in hit[0].advice
