"""Every mistake in a file is told with its line, what is wrong and what to write instead."""

from pathlib import Path

import pytest

from service import catalogue
from service.catalogue.marked import Mistake
from service.cel import CelConditions

SHIPPED = catalogue.load()
CONDITIONS = CelConditions()

# Fine as it stands; each mistake changes one line of it.
SOUND = """\
workflow: repair
version: 1
title: {zh: 维修, en: Repair}
start: [look, wait]
steps:
  look:
    title: {zh: 检查, en: Look}
    role: warehouse
    when: order.amount > 500.0
    otherwise: decide
    timer: {after: 4h, then: escalate}
    on_begin:
      - hold: REPAIR
      - notice: {template: return_asked, to: customer}
    acts:
      mended:
        title: {zh: 已修复, en: Mended}
        documents: [photo]
        to: decide
  wait:
    title: {zh: 等待, en: Wait}
    role: logistics
    awaits: {stock: arrived}
    acts:
      arrived:
        title: {zh: 到货, en: It came}
        to: decide
  decide:
    title: {zh: 决定, en: Decide}
    role: finance
    joins: [look, wait]
    acts:
      pay:
        title: {zh: 付款, en: Pay}
        documents: [approval_number]
        effects:
          - refund: {amount: all, reason: REPAIR}
          - coupon: apology
        outcome: PAID
"""

MISTAKES = {
    "a tab": ("  look:", "\tlook:", 6, "no YAML", "indent by spaces"),
    "a key nobody knows": ("    role: warehouse", "    rolle: warehouse", 8, "`rolle`", "`role`"),
    "a key that is missing": ("    role: warehouse\n", "", 7, "no `role`", "add `role: …`"),
    "a key that stands twice": (
        "    role: warehouse",
        "    role: warehouse\n    role: finance",
        9,
        "`role` stands here twice",
        "the first is on line 8",
    ),
    "a role nobody has": ("role: warehouse", "role: warehous", 8, "no role", "`warehouse`"),
    "a title in one language": (
        "title: {zh: 检查, en: Look}",
        "title: {zh: 检查}",
        7,
        "no `en`",
        "add `en: …`",
    ),
    "an act that leads to no step": (
        "to: decide\n  wait",
        "to: decid\n  wait",
        19,
        "`decid`",
        "`decide`",
    ),
    "an act that leads nowhere": ("        outcome: PAID\n", "", 33, "leads nowhere", "`outcome: "),
    "an act that goes on and ends": (
        "        outcome: PAID",
        "        outcome: PAID\n        to: look",
        33,
        "both `to` and `outcome`",
        "where the case ends",
    ),
    "a document nobody knows": ("[photo]", "[foto]", 18, "`foto`", "`photo`"),
    "a template that is not there": (
        "return_asked",
        "return_aksed",
        14,
        "`return_aksed`",
        "`return_asked`",
    ),
    "a recipient who is none": (
        "to: customer",
        "to: buyer",
        14,
        "`buyer` is no recipient",
        "`customer`",
    ),
    "an effect that is none": (
        "- hold: REPAIR",
        "- stop: REPAIR",
        13,
        "no effect `stop`",
        "`hold`",
    ),
    "an effect without its reason": (
        "{amount: all, reason: REPAIR}",
        "{amount: all}",
        37,
        "has no `reason`",
        "add `reason: …`",
    ),
    "an amount that is none": (
        "amount: all",
        "amount: half",
        37,
        "`half` is no amount",
        "`surplus`",
    ),
    "a coupon that is not there": ("coupon: apology", "coupon: sorry", 38, "`sorry`", "`apology`"),
    "a whole number beside an amount": ("500.0", "500", 9, "double and int", "write 500.0 instead"),
    "a name that conditions do not know": (
        "order.amount >",
        "order.total >",
        9,
        "`order.total`",
        "order.",
    ),
    "a condition that is none": (
        "order.amount > 500.0",
        "order.is_paid and true",
        9,
        "no condition",
        "`&&`",
    ),
    "a condition that gives a number": (
        "order.amount > 500.0",
        "order.amount",
        9,
        "gives double",
        "compare",
    ),
    "a condition that loops": (
        "order.amount > 500.0",
        "order.skus.exists(each, true)",
        9,
        "goes through a list",
        "size(order.skus)",
    ),
    "a condition that YAML eats": (
        "order.amount > 500.0",
        "!order.is_paid",
        9,
        "as a tag",
        "put quotes",
    ),
    "a condition without another way": (
        "    otherwise: decide\n",
        "",
        9,
        "no `otherwise`",
        "`otherwise: STEP`",
    ),
    "a span that is none": ("after: 4h", "after: 4 hours", 11, "`4 hours` is no span", "30m or 2h"),
    "a span in days of unknown length": (
        "after: 4h",
        "after: 4d",
        11,
        "a day has as many hours",
        "2h",
    ),
    "a timer that does what is no act": (
        "then: escalate",
        "then: give_up",
        11,
        "`give_up`",
        "`escalate`",
    ),
    "a timer that needs a person's document": (
        "then: escalate",
        "then: mended",
        11,
        "asks for photo, which only people bring",
        "at another step",
    ),
    "something nobody can await": ("{stock: arrived}", "{rain: arrived}", 23, "`rain`", "`stock`"),
    "a version that is no number": (
        "version: 1",
        "version: v1",
        2,
        "`v1` is no whole number",
        "write 1",
    ),
    "a name that is none": (
        "workflow: repair",
        "workflow: Re pair",
        1,
        "is no name",
        "`out_of_stock`",
    ),
    "no beginning": ("[look, wait]", "[]", 1, "no step begins", "`start: STEP`"),
    "a step that nothing leads to": (
        "[look, wait]",
        "[wait]",
        6,
        "nothing leads to step `look`",
        "`to`",
    ),
    "a step that waits for ever": (
        "[look, wait]\nsteps",
        "look\nsteps",
        28,
        "for ever",
        "beside each other",
    ),
    "a case that never ends": (
        "        outcome: PAID",
        "        to: decide",
        28,
        "can never end",
        "an `outcome`",
    ),
    "a step that begins twice": (
        "    joins: [look, wait]\n",
        "",
        28,
        "begin while it runs",
        "add `joins:`",
    ),
    "something repeated by a sign": (
        "    role: warehouse",
        "    role: &who warehouse\n    documents: *who",
        9,
        "`*` repeats",
        "write it out",
    ),
}


def mistakes_of(text: str) -> tuple[Mistake, ...]:
    return catalogue.check_workflow(text, "repair.yaml", SHIPPED, CONDITIONS)[1]


def test_the_text_that_the_mistakes_change_is_sound() -> None:
    assert mistakes_of(SOUND) == ()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_workflow_is_told_with_line_and_advice(name: str) -> None:
    old, new, line, what, advice = MISTAKES[name]
    assert old in SOUND

    found = mistakes_of(SOUND.replace(old, new, 1))

    assert [each.file for each in found] == ["repair.yaml"] * len(found)
    hit = [each for each in found if each.line == line and what in each.what]
    assert hit, [str(each) for each in found]
    assert advice in hit[0].advice


def a_workflow(steps: int, body: str) -> str:
    """Return a workflow of so many steps that all begin at once."""
    names = [f"s{number}" for number in range(steps)]
    title = "title: {zh: 一, en: One}"
    written = "".join(
        f"  {name}:\n    {title}\n    role: finance\n{body.format(others=names)}"
        f"    acts:\n      end: {{{title}, outcome: DONE}}\n"
        for name in names
    )
    return f"workflow: wide\nversion: 1\n{title}\nstart: {names}\nsteps:\n{written}"


@pytest.mark.parametrize("body", ["    when: order.is_paid\n    otherwise: {others}\n"])
def test_a_workflow_that_nobody_could_follow_takes_no_time(body: str) -> None:
    (mistake,) = mistakes_of(a_workflow(40, body))

    assert mistake.what == "there are too many ways through it"


def test_a_file_that_is_too_deep_or_too_long_is_refused() -> None:
    (deep,) = mistakes_of("[" * 900)
    (long,) = mistakes_of("#" * 300_000)

    assert "41 deep" in deep.what
    assert "too long" in long.what


def test_all_mistakes_are_told_at_once() -> None:
    wrong = SOUND.replace("warehouse", "warehous").replace("photo", "foto").replace("4h", "4d")

    assert [each.line for each in mistakes_of(wrong)] == [8, 11, 18]


def test_a_known_version_with_another_text_is_refused() -> None:
    text = (
        Path(catalogue.__file__).with_name("workflows").joinpath("return.yaml").read_text("utf-8")
    )

    (mistake,) = mistakes_of(text.replace("14h", "15h"))

    assert mistake.line == 4
    assert mistake.advice.startswith("write `version: 2`")
    assert mistakes_of(text) == ()


def test_the_example_of_the_manual_is_sound_and_its_mistakes_are_told_as_it_says() -> None:
    manual = Path(__file__).parents[4].joinpath("docs", "workflows.md").read_text("utf-8")
    text = manual.partition("```yaml\n")[2].partition("```")[0]
    wrong = text.replace("role: warehouse ", "role: warehose ").replace("100.0", "100")

    assert mistakes_of(text) == ()
    for mistake in catalogue.check_workflow(wrong, "gift_wrap.yaml", SHIPPED, CONDITIONS)[1]:
        told = f"{mistake.file}:{mistake.line}:{mistake.column}: {mistake.what}; {mistake.advice}"
        assert told in manual
