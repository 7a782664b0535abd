"""Templates of batches: those that are shipped are sound, and a mistake is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from service import catalogue
from service.catalogue import batch_files
from service.catalogue.loading import CatalogueError, known_of
from service.catalogue.marked import Reading
from service.cel import CelConditions
from service.domain.desk.batches import STEP_KINDS
from service.domain.desk.workflows import EffectKind
from service.domain.lifecycle import FINAL

GOOD = """
name: late
version: 1
title: {zh: 晚, en: Late}
roles: [operations]
states: [PAID]
inputs:
  days: {title: {zh: 天数, en: Days}, kind: number, default: "3"}
exclude:
  - reason: DEAR
    title: {zh: 贵, en: Dear}
    when: order.amount > 100.0
steps:
  - name: calm
    do: {notice: {template: delay_expected, to: customer}}
"""
# What is written instead of what: the line of the mistake, and a word of what is told.
MISTAKES = {
    "name: late": ("name: Late Parcels", 2, "late parcels"),
    "version: 1": ("version: one", 3, "whole number"),
    "title: {zh: 晚, en: Late}": ("title: {zh: 晚}", 4, "en"),
    "roles: [operations]": ("roles: [operation]", 5, "operations"),
    "states: [PAID]": ("states: [PAYED]", 6, "paid"),
    "kind: number": ("kind: int", 8, "number"),
    'default: "3"': ("default: soon", 8, "number"),
    "reason: DEAR": ("reason: too dear", 10, "name"),
    "order.amount > 100.0": ("order.amount > 100", 12, "100.0"),
    "when: order.amount": ("when: case.age_minutes", 12, "case"),
    "name: calm": ("nam: calm", 14, "name"),
    "{template: delay_expected, to: customer}": ("{template: delay_expected}", 15, "to"),
    "template: delay_expected": ("template: delayed", 15, "delay"),
    "to: customer": ("to: buyer", 15, "customer"),
    "notice: {template: delay_expected, to: customer}": (
        "refund: {amount: all, reason: LATE}",
        15,
        "many orders",
    ),
}


def read(text: str) -> tuple[object, tuple[object, ...]]:
    known = known_of(catalogue.load())
    reading = Reading("batches/late.yaml")
    return batch_files.read_template(reading, reading.document(text), known, CelConditions())


def test_the_shipped_templates_are_sound() -> None:
    templates = batch_files.load()
    messages = catalogue.load().templates

    assert {"customs_delay", "stock_delay", "recall"} <= set(templates)
    for each in templates.values():
        assert each.roles
        assert set(each.states)
        assert not set(each.states) & FINAL
        assert {step.effect.kind for step in each.steps} <= STEP_KINDS
        for step in each.steps:
            if step.effect.kind is EffectKind.NOTICE:
                assert step.effect.values["template"] in messages


def test_a_template_without_mistakes_is_taken() -> None:
    template, mistakes = read(GOOD)

    assert template is not None
    assert mistakes == ()


@pytest.mark.parametrize("right", MISTAKES)
def test_a_mistake_is_told_with_file_line_and_advice(right: str) -> None:
    wrong, line, word = MISTAKES[right]

    template, mistakes = read(GOOD.replace(right, wrong, 1))

    assert template is None
    told = [str(each).lower() for each in mistakes]
    assert any(one.startswith(f"batches/late.yaml:{line}:") and word in one for one in told), told


def test_a_folders_newer_template_stands_for_the_shipped_one(tmp_path: Path) -> None:
    folder = tmp_path / "batches"
    folder.mkdir()
    newer = GOOD.replace("name: late", "name: recall").replace("version: 1", "version: 2")
    (folder / "recall.yaml").write_text(newer, "utf-8")

    found = batch_files.load_templates(str(tmp_path), catalogue.load(), CelConditions())

    assert found["recall"].version == 2
    assert "customs_delay" in found
    (folder / "bad.yaml").write_text("name: [", "utf-8")
    with pytest.raises(CatalogueError) as refused:
        batch_files.load_templates(str(tmp_path), catalogue.load(), CelConditions())
    assert "bad.yaml:" in str(refused.value)
