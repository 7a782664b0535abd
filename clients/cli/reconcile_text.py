"""How comparisons and differences are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from clients.cli import formats, output
from clients.cli.options import Language
from concord.reconciliations.v1.reconciliation_pb2 import Difference, Reconciliation

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "MISSING_HERE": ("系统缺单", "missing here"),
    "MISSING_THERE": ("渠道缺单", "missing there"),
    "AMOUNT": ("金额不符", "amount"),
    "QUANTITY": ("数量不符", "quantity"),
    "STATE": ("状态不符", "state"),
    "DOUBLED": ("重复", "doubled"),
    "WRONG_DAY": ("日期不符", "wrong day"),
    "WRONG_CHANNEL": ("渠道不符", "wrong channel"),
}
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "OPEN": ("待处理", "open"),
    "REPAIRING": ("补拉中", "asking again"),
    "REPAIRED": ("已自动修复", "repaired"),
    "IN_CASE": ("已转人工", "in a case"),
    "GONE": ("已消失", "gone"),
}
NOTES: Final[Mapping[str, tuple[str, str]]] = {
    "LINES_MISSING": ("文件行未全部到齐", "fewer lines came than were announced"),
    "OTHER_SHOPS_OUTSTANDING": (
        "同渠道其他店铺的文件未到,渠道缺单暂不判断",
        "the files of other shops are not here, so what is missing there is not judged",
    ),
    "TOO_MANY_MISSING": ("渠道缺单过多,未全部列出", "not all that is missing there is listed"),
}
_COLUMNS: Final = (
    "difference", "kind", "kind_zh", "order_number", "order", "file", "ours", "payments",
    "state", "case", "explanation_zh", "explanation_en",
)  # fmt: skip


def table(found: Iterable[Reconciliation], language: Language | None) -> Table:
    """Return days, one a row."""
    rows = [
        (
            each.name.removeprefix("reconciliations/"),
            each.channel,
            each.shop,
            each.day,
            f"{each.lines:,}",
            f"{sum(one.found for one in each.counts):,}",
            f"{sum(one.repaired for one in each.counts):,}",
            f"{sum(one.open for one in each.counts):,}",
            _both(("已完成", "done") if _is_done(each) else ("进行中", "running"), language),
        )
        for each in found
    ]
    columns = (
        "Reconciliation", "Channel", "Shop", "Day", "Lines", "Found", "Repaired", "Open", "State"
    )  # fmt: skip
    return output.table(columns, rows, right=(4, 5, 6, 7))


def report(
    of: Reconciliation, found: Sequence[Difference], language: Language | None
) -> Iterator[RenderableType]:
    """Yield a day: in a sentence, in numbers, and difference by difference."""
    yield Text(_sentence(of.summary_zh, of.summary_en, language))
    day = f"{of.day} {of.zone}: {formats.time(of.start_time)} – {formats.time(of.end_time)}"
    yield output.pairs(
        [
            ("reconciliation", of.name),
            ("day", day),
            ("lines", f"{of.lines:,}, of which {of.agreeing:,} agree"),
            ("orders", f"{of.orders:,}"),
            ("payments", f"{of.payments:,}"),
            (
                "notes",
                "; ".join(_both(NOTES.get(each, (each, each)), language) for each in of.notes),
            ),
        ]
    )
    if of.counts:
        counts = [
            (
                _kind(each.kind, language),
                f"{each.found:,}",
                f"{each.repaired:,}",
                f"{each.open:,}",
            )
            for each in of.counts
        ]
        yield Text()
        yield output.table(("Kind", "Found", "Repaired", "Open"), counts, right=(1, 2, 3))
    if found:
        yield Text()
        yield _differences(found, language)


def explained(of: Difference, language: Language | None) -> Iterator[RenderableType]:
    """Yield one difference."""
    yield Text(_sentence(of.explanation_zh, of.explanation_en, language))
    yield output.pairs(
        [
            ("difference", of.name),
            ("kind", _kind(of.kind, language)),
            ("number", f"{of.ref.namespace}:{of.ref.value}"),
            ("order", of.order),
            ("file", of.file_value),
            ("ours", of.order_value),
            ("payments", of.payment_value),
            ("state", _state(of.state, language)),
            ("repair", of.repair),
            ("case", of.case),
            ("found", formats.time(of.find_time)),
            ("changed", formats.time(of.change_time)),
            ("reconciliation", of.reconciliation),
        ]
    )


def csv_rows(of: Reconciliation, found: Iterable[Difference]) -> Iterator[Sequence[str]]:
    """Yield the rows of a report: names of columns, then one row a difference."""
    yield ("channel", "shop", "day", *_COLUMNS)
    for each in found:
        name = Difference.Kind.Name(each.kind).removeprefix("KIND_")
        yield (
            of.channel,
            of.shop,
            of.day,
            each.name,
            name,
            KINDS.get(name, (name, name))[0],
            # With a tab in front, a spreadsheet keeps every digit.
            f"\t{each.ref.value}",
            each.order,
            each.file_value,
            each.order_value,
            each.payment_value,
            Difference.State.Name(each.state).removeprefix("STATE_"),
            each.case,
            each.explanation_zh,
            each.explanation_en,
        )


def _differences(found: Iterable[Difference], language: Language | None) -> Table:
    rows = [
        (
            each.name.removeprefix("differences/"),
            _kind(each.kind, language),
            each.ref.value,
            _sentence(each.explanation_zh, each.explanation_en, language),
        )
        for each in found
    ]
    return output.table(("Difference", "Kind", "Number", "What"), rows)


def _is_done(of: Reconciliation) -> bool:
    return of.state == Reconciliation.STATE_DONE


def _kind(number: Difference.Kind.ValueType, language: Language | None) -> str:
    name = Difference.Kind.Name(number).removeprefix("KIND_")
    return _both(KINDS.get(name, (name, name)), language)


def _state(number: Difference.State.ValueType, language: Language | None) -> str:
    name = Difference.State.Name(number).removeprefix("STATE_")
    return _both(STATES.get(name, (name, name)), language)


def _both(words: tuple[str, str], language: Language | None) -> str:
    return _sentence(*words, language)


def _sentence(chinese: str, english: str, language: Language | None) -> str:
    if language is None:
        return f"{chinese} {english}"
    return chinese if language is Language.ZH else english
