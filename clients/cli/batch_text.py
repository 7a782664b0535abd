"""How batches are shown: tables, previews and files for Excel."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from clients.cli import formats, output
from clients.cli.options import Language
from clients.cli.order_text import state_name
from clients.cli.wording import code_of
from concord.batches.v1 import batch_service_pb2 as api

COLUMNS: Final = ("order", "number", "state", "reason", "detail", "step", "brought", "changed")
# What begins so, a spreadsheet would compute.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def short(batch: api.Batch) -> str:
    """Return a batch's id."""
    return batch.name.removeprefix("batches/")


def template_table(templates: Iterable[api.BatchTemplate], language: Language | None) -> Table:
    """Return templates as a table."""
    heads = ("Template", "What for", "Steps", "Orders that are", "Said", "Roles")
    return output.table(
        heads,
        (
            (
                f"{each.name} v{each.version}",
                each.title_zh if language is Language.ZH else each.title_en,
                ", ".join(f"{step.name} ({step.kind})" for step in each.steps),
                ", ".join(_order_states(each)),
                ", ".join(_input(one) for one in each.inputs),
                ", ".join(each.roles),
            )
            for each in templates
        ),
    )


def batch_table(batches: Sequence[api.Batch]) -> Table:
    """Return batches as a table."""
    heads = ("Batch", "Template", "State", "Done", "Failed", "Waiting", "Left out", "By", "Made")
    return output.table(
        heads,
        (
            (
                short(each),
                each.template,
                code_of(api.Batch.State, each.state, "STATE_"),
                f"{each.counts.done:,}",
                f"{each.counts.failed:,}",
                f"{each.counts.waiting:,}",
                f"{each.counts.excluded:,}",
                each.creator,
                formats.time(each.create_time),
            )
            for each in batches
        ),
        right=(3, 4, 5, 6),
    )


def batch(shown: api.Batch) -> Iterator[RenderableType]:
    """Yield the parts of one batch."""
    counts = shown.counts
    yield output.pairs(
        [
            ("batch", short(shown)),
            ("template", shown.template),
            ("state", code_of(api.Batch.State, shown.state, "STATE_")),
            ("orders", f"{shown.size:,}"),
            ("done", f"{counts.done:,}"),
            ("failed", f"{counts.failed:,}{_because(shown.failures)}"),
            ("waiting", f"{counts.waiting:,}"),
            ("left out", f"{counts.excluded:,}{_because(shown.exclusions)}"),
            ("notices", ", ".join(f"{each.count:,} {each.reason}" for each in shown.notices)),
            ("said", ", ".join(f"{name}={value}" for name, value in shown.inputs.items())),
            ("made by", f"{shown.creator}, {formats.time(shown.create_time)}"),
            ("confirmed by", _confirmed(shown)),
            ("ended", formats.time(shown.end_time)),
            ("why", shown.reason),
            ("you may", ", ".join(each.lower() for each in shown.allowed_acts)),
        ]
    )


def preview(seen: api.BatchPreview) -> Iterator[RenderableType]:
    """Yield what a batch would do."""
    yield from batch(seen.batch)
    yield Text()
    yield output.table(
        ("Step", "What", "Orders", "Costs"),
        (
            (each.step, each.kind, f"{each.count:,}", formats.money(each.amount))
            for each in seen.steps
        ),
        right=(2, 3),
    )
    for sample in seen.samples:
        yield Text(f"\n{sample.number}", style="bold")
        yield output.pairs(
            [
                (each.step, " · ".join(filter(None, (each.text, *_said(each)))))
                for each in sample.steps
            ]
        )
    if seen.must_type:
        yield Text(f"\nTo confirm it, type: {seen.batch.to_type}")
    if seen.needs_second_person:
        yield Text(f"Somebody else than {seen.batch.creator} must confirm it.")


def member_table(members: Iterable[api.BatchMember]) -> Table:
    """Return the orders of a batch as a table."""
    heads = ("Order", "Number", "State", "Reason", "Why", "At step", "Brought")
    return output.table(heads, (_member(each)[:-1] for each in members))


def as_csv(members: Iterable[api.BatchMember]) -> str:
    """Return the orders of a batch as comma-separated values, safe to open in a spreadsheet."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(COLUMNS)
    for each in members:
        writer.writerow([_harmless(cell) for cell in _member(each)])
    return made.getvalue()


def coupon_table(coupons: Iterable[api.Coupon]) -> Table:
    """Return coupons as a table."""
    heads = ("Coupon", "Kind", "Worth", "Order", "Customer", "By", "Given", "Until")
    return output.table(
        heads,
        (
            (
                each.code,
                each.template,
                formats.money(each.amount),
                each.order.removeprefix("orders/"),
                each.customer,
                each.batch or each.case,
                formats.time(each.issue_time),
                formats.time(each.expire_time),
            )
            for each in coupons
        ),
        right=(2,),
    )


def member_state(text: str) -> api.BatchMember.State.ValueType:
    """Return the state of a name; raises `typer.BadParameter` for an unknown one."""
    name = f"STATE_{text.upper() or 'UNSPECIFIED'}"
    if name not in api.BatchMember.State.keys():  # noqa: SIM118  # an enum's wrapper
        raise typer.BadParameter(f"{text!r} is none of FAILED, EXCLUDED, DONE, WAITING")
    return api.BatchMember.State.Value(name)


def _member(member: api.BatchMember) -> tuple[str, ...]:
    return (
        member.order.removeprefix("orders/"),
        member.number,
        code_of(api.BatchMember.State, member.state, "STATE_"),
        member.reason,
        member.detail,
        member.step,
        ", ".join(f"{step}: {what}" for step, what in sorted(member.brought.items())),
        formats.time(member.change_time),
    )


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _said(shown: api.BatchPreview.Shown) -> tuple[str, str]:
    return shown.notice_title, shown.notice_body


def _because(found: Sequence[api.ReasonCount]) -> str:
    told = ", ".join(f"{each.count:,} {each.reason}" for each in found)
    return f" ({told})" if told else ""


def _confirmed(shown: api.Batch) -> str:
    return f"{shown.confirmer}, {formats.time(shown.confirm_time)}" if shown.confirmer else ""


def _input(asked: api.BatchTemplate.Input) -> str:
    return asked.name if asked.required else f"{asked.name}={asked.default_value}"


def _order_states(template: api.BatchTemplate) -> list[str]:
    return [state_name(each, Language.EN) for each in template.states]
