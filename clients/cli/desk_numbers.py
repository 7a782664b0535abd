"""How the desk's numbers are shown: time used, shares in breach, where cases wait."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.duration_pb2 import Duration
from rich.console import RenderableType
from rich.text import Text

from clients.cli import formats, output
from clients.cli.case_text import side_of
from clients.cli.options import Language
from clients.cli.wording import word
from concord.cases.v1.queue_service_pb2 import DeskStatistics


def statistics_parts(told: DeskStatistics, language: Language | None) -> Iterator[RenderableType]:
    """Give the tables by type and by step, and below them where somebody should look."""
    yield _types(told, language)
    if not told.types:
        yield Text(word("no case in this time", language))
        return
    yield Text()
    yield _steps(told, language)
    yield from _advice(told, language)
    yield Text(f"{formats.time(told.start_time)} to {formats.time(told.end_time)}", "dim")


def _types(told: DeskStatistics, language: Language | None) -> RenderableType:
    rows = (
        (
            row.type,
            side_of(row, language),
            f"{row.opened:,}",
            f"{row.resolved:,}",
            f"{row.open:,}",
            _took(row.p50, row.resolved),
            _took(row.p95, row.resolved),
            formats.share(row.breach_share) if row.resolved else "",
        )
        for row in told.types
    )
    heads = ("Type", "Side", "Opened", "Ended", "Open", "p50", "p95", "In breach")
    return output.table([word(head, language) for head in heads], rows, right=range(2, 8))


def _steps(told: DeskStatistics, language: Language | None) -> RenderableType:
    rows = (
        (
            row.type,
            row.step,
            row.role,
            f"{row.count:,}",
            _took(row.p50, row.count),
            _took(row.p95, row.count),
            formats.share(row.breach_share) if row.count else "",
            f"{row.waiting:,}",
            Text(f"{row.waiting_long:,}", "bold red" if row.waiting_long else ""),
            _took(row.longest_wait, row.waiting),
        )
        for row in told.steps
    )
    heads = ("Type", "Step", "Role", "Ended", "p50", "p95", "In breach", "Waiting",
             "Waiting long", "Longest wait")  # fmt: skip
    return output.table([word(head, language) for head in heads], rows, right=range(3, 10))


def _advice(told: DeskStatistics, language: Language | None) -> Iterator[RenderableType]:
    """Name the steps at which many wait for long, as the desk's manager would."""
    limit = formats.rough(told.long_wait.ToTimedelta())
    for row in told.steps:
        if not row.waiting_long:
            continue
        if language is Language.ZH:
            text = (
                f"{row.role} 的 {row.type}/{row.step} 有 {row.waiting_long:,} 单等待超过 {limit}:"
                "请评估人力配置或审批规则。"
            )
        else:
            text = (
                f"{row.waiting_long:,} × {row.type} wait at {row.step} for more than {limit}: "
                f"look at the hands of {row.role}, or at the rule."
            )
        yield Text(text, "yellow")


def _took(span: Duration, count: int) -> str:
    return formats.rough(span.ToTimedelta()) if count else ""
