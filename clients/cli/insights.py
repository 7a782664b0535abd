"""`concord insights verify`: do the streams' windows say what the journal says?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from clients.cli import advice, formats, output
from clients.cli.options import AsJson, In, Language, span_of
from clients.cli.order_text import state_name
from clients.cli.progress import waiting
from clients.cli.session import connected
from concord.insights.v1.insight_service_pb2 import VerifyInsightsResponse

app = typer.Typer(help="Insights: are the boards right?", no_args_is_help=True)


@app.callback()
def insights() -> None:
    """Insights: are the boards right?"""


@app.command()
def verify(
    *,
    wait: Annotated[str, typer.Option(help="Let the streams catch up, at most 60s.")] = "30s",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Compute every window anew from the journal and compare; 1 where one differs."""
    span = span_of(wait)
    with connected(as_json=as_json) as concord, waiting("computing every window anew"):
        answer = concord.insights.verify(wait=span)
    if as_json:
        output.print_json(answer)
    elif not answer.difference_count:
        typer.echo(f"✓ {answer.windows:,} windows from {answer.measures:,} measures: no difference")
    else:
        heads = ("Window", "Length", "Stage", "Channel", "View", "Journal")
        rows = _rows(answer, language)
        output.print_all([output.table(heads, rows, right=(4, 5))])
        output.note(
            f"✗ {answer.difference_count:,} of {answer.windows:,} windows differ. If they still "
            "do in a minute, restart the streams: they rebuild their windows from the topic."
        )
    if answer.difference_count:
        raise typer.Exit(advice.REFUSED)


def _rows(answer: VerifyInsightsResponse, language: Language | None) -> Iterator[tuple[str, ...]]:
    for found in answer.differences:
        window = found.journal if found.HasField("journal") else found.view
        yield (
            formats.time(window.start_time),
            formats.rough(window.resolution.ToTimedelta()),
            f"{state_name(window.from_state, language)} → {state_name(window.to_state, language)}",
            window.channel,
            str(found.view.numbers.count) if found.HasField("view") else "none",
            str(found.journal.numbers.count) if found.HasField("journal") else "none",
        )
