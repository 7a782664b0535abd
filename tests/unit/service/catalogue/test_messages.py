"""Templates of notices: whole in both languages, and precise about what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from service import catalogue
from service.catalogue import message_files
from service.domain.desk.messages import LANGUAGES, Kind, MessageError, Template
from service.domain.desk.workflows import EffectKind

GIVEN = {
    Kind.TEXT: "4705288465508532862",
    Kind.NUMBER: "7",
    Kind.MONEY: "19900 CNY",
    Kind.TIME: "2026-11-23T04:00:00Z",
}
# What the desk tells of every case that is about an order.
KNOWN = {"order", "order_number", "case", "type"}
SHIPPED = message_files.load()


def values_of(template: Template, *, whole: bool) -> dict[str, str]:
    return {
        each.name: GIVEN[each.kind]
        for each in template.placeholders.values()
        if whole or not each.is_optional
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("given", ["whole", "bare"])
@pytest.mark.parametrize("name", sorted(SHIPPED.names))
def test_every_template_reads_well_with_and_without_what_may_be_missing(
    name: str, given: str, language: str
) -> None:
    template = SHIPPED.templates[name]

    text = SHIPPED.render(name, values_of(template, whole=given == "whole"), language)

    assert text.title
    assert text.body
    assert not any(each in text.title + text.body for each in "{}[]")


def test_every_workflow_gives_its_notices_what_they_need() -> None:
    lacking = [
        f"{workflow.key}: {effect.values['template']} needs {each.name}"
        for workflow in catalogue.load().workflows.values()
        for step in workflow.steps.values()
        for effects in (step.on_begin, *(act.effects for act in step.acts))
        for effect in effects
        if effect.kind is EffectKind.NOTICE
        for each in SHIPPED.templates[effect.values["template"]].placeholders.values()
        # A silent channel has no order; its case's subject names it.
        if not each.is_optional and each.name not in KNOWN and workflow.name != "feed_gap"
    ]

    assert lacking == []


def test_values_are_shown_as_their_kind_and_language_want() -> None:
    values = {"order_number": "DY1", "delay_days": "007", "coupon": "C1", "amount": "2000 CNY"}

    assert "预计延迟 7 天" in SHIPPED.render("customs_calming", values).body
    assert "20.00 元" in SHIPPED.render("customs_calming", values, "zh").body
    assert "20.00 CNY" in SHIPPED.render("customs_calming", values, "en").body
    due = {"case": "c", "type": "t", "due": "2026-11-23T04:00:00Z"}
    assert "2026-11-23 12:00" in SHIPPED.render("case_breach", due, "zh").body
    assert "2026-11-23 04:00 UTC" in SHIPPED.render("case_breach", due, "en").body


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "order_number is missing"),
        ({"order_number": "DY1", "delay_days": "soon"}, "delay_days is no number"),
    ],
)
def test_what_cannot_be_said_names_the_placeholder_and_no_value(
    values: dict[str, str], says: str
) -> None:
    with pytest.raises(MessageError, match=says) as refused:
        SHIPPED.render("delay_expected", values)

    assert "soon" not in str(refused.value)


def test_a_value_stays_in_its_line_and_in_bounds() -> None:
    text = SHIPPED.render("alert", {"text": "a\n\n**b**\u202e" + "c" * 900})

    assert "\n" not in text.body
    assert "\u202e" not in text.body
    assert len(text.body) <= 300


MISTAKES = {
    "needs: {order: txt}": (3, "there is no kind of placeholder `txt`"),
    "needs: {order: text, case: text}": (2, "`case` is never used"),
    "needs: {}": (4, "`{order}` is not named"),
    "may_have: {order: text}": (4, "`{order}` may be missing"),
    "neds: {order: text}": (3, "`neds` is unknown here"),
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_template_with_a_mistake_is_refused_with_file_line_and_advice(
    line: str, tmp_path: Path
) -> None:
    (tmp_path / "messages").mkdir()
    (tmp_path / "messages" / "own.yaml").write_text(
        f"templates:\n  own:\n    {line}\n"
        "    zh: {title: '订单 {order}', body: '好'}\n    en: {title: 'Order', body: 'fine'}\n"
    )
    number, what = MISTAKES[line]

    with pytest.raises(ValueError, match=r"own\.yaml") as refused:
        message_files.load(str(tmp_path))

    found = [each for each in str(refused.value).splitlines() if what in each]
    assert found, str(refused.value)
    assert f"own.yaml:{number}" in found[0] or f"own.yaml:{number + 1}" in found[0]
    assert "; " in found[0]


def test_a_template_of_ones_own_replaces_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "messages").mkdir()
    (tmp_path / "messages" / "own.yaml").write_text(
        "templates:\n  alert:\n    needs: {text: text}\n"
        "    zh: {title: 注意, body: '{text}'}\n    en: {title: Mind, body: '{text}'}\n"
    )

    own = message_files.load(str(tmp_path))

    assert own.render("alert", {"text": "x"}).title == "注意"
    assert own.names == SHIPPED.names
