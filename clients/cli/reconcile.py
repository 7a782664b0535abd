"""`concord reconcile …`: days compared with the channels' files, and what did not agree."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer

from clients.cli import output
from clients.cli import reconcile_text as text
from clients.cli.options import AsJson, In, Limit, RequestId
from clients.cli.session import connected
from clients.sdk import Concord
from concord.reconciliations.v1.reconciliation_pb2 import Difference, Reconciliation

app = typer.Typer(
    help="Reconciliation: a shop's day, its file and its payments.", no_args_is_help=True
)

# A day of fifty thousand orders takes ten seconds; the service goes on when nobody waits.
WAIT_S: Final = 120.0
POLL_S: Final = 0.5

ChannelName = Annotated[str, typer.Argument(metavar="CHANNEL", help="`douyin`, `jd` …")]
Day = Annotated[str, typer.Argument(metavar="DAY", help="In the shop's zone: 2025-12-28.")]
Shop = Annotated[str, typer.Option("--shop", help="The shop, where the channel has several.")]
Name = Annotated[str, typer.Argument(metavar="RECONCILIATION", help="`rec-…`.")]
DifferenceName = Annotated[str, typer.Argument(metavar="DIFFERENCE", help="`dif-…`.")]
OnlyKind = Annotated[
    list[str] | None, typer.Option("--kind", help="Only missing_here, amount …; repeatable.")
]
OnlyState = Annotated[
    list[str] | None, typer.Option("--state", help="Only open, in_case …; repeatable.")
]
AsCsv = Annotated[
    Path | None, typer.Option("--csv", help="Write all differences into this file.", dir_okay=False)
]


@app.command()
def run(
    channel: ChannelName,
    day: Day,
    *,
    shop: Shop = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Compare a shop's day now, and show what does not agree."""
    with connected(as_json=as_json) as concord:
        begun = concord.reconciliations.run_reconciliation(
            channel, day, shop=shop, request_id=request_id
        )
        done = _awaited(concord, begun)
        found = list(concord.reconciliations.list_differences(reconciliation=done.name))
    _print(done, found, as_json=as_json, language=language)


@app.command()
def show(
    reconciliation: Name,
    *,
    kind: OnlyKind = None,
    state: OnlyState = None,
    to_csv: AsCsv = None,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Show one day's comparison with all that does not agree; as CSV with --csv."""
    kinds, states = _kinds(kind), _states(state)
    with connected(as_json=as_json) as concord:
        done = concord.reconciliations.get(reconciliation)
        found = list(
            concord.reconciliations.list_differences(
                reconciliation=done.name, kinds=kinds, states=states
            )
        )
    if to_csv is None:
        _print(done, found, as_json=as_json, language=language)
        return
    # With a BOM, so that Excel reads the Chinese.
    with to_csv.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(text.csv_rows(done, found))
    output.note(f"{len(found):,} differences are in {to_csv}.")


@app.command("list")
def list_reconciliations(
    *,
    channel: Annotated[str, typer.Option(help="Only of this channel.")] = "",
    day: Annotated[str, typer.Option(help="Only of this day.")] = "",
    limit: Limit = 20,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List which days were compared, the newest first."""
    with connected(as_json=as_json) as concord:
        pages = concord.reconciliations.list(channel=channel, day=day, page_size=limit)
        found = list(islice(pages, limit))
    if as_json:
        output.print_json({"reconciliations": [output.as_dict(each) for each in found]})
        return
    output.print_all([text.table(found, language)])
    if not found:
        output.note("Nothing was compared: `concord file import`, or `concord reconcile run`.")


@app.command()
def explain(difference: DifferenceName, *, as_json: AsJson = False, language: In = None) -> None:
    """Say of one difference what it is, what each side says, and what became of it."""
    with connected(as_json=as_json) as concord:
        found = concord.reconciliations.get_difference(difference)
    if as_json:
        output.print_json(found)
    else:
        output.print_all(text.explained(found, language))


def _awaited(concord: Concord, begun: Reconciliation) -> Reconciliation:
    """Return a comparison when it is done, or as it is when nobody should wait any more."""
    until = time.monotonic() + WAIT_S
    found = begun
    while found.state != Reconciliation.STATE_DONE and time.monotonic() < until:
        time.sleep(POLL_S)
        found = concord.reconciliations.get(begun.name)
    return found


def _print(done: Reconciliation, found: list[Difference], *, as_json: bool, language: In) -> None:
    if as_json:
        told = {"reconciliation": output.as_dict(done)}
        output.print_json({**told, "differences": [output.as_dict(each) for each in found]})
    else:
        output.print_all(text.report(done, found, language))


def _kinds(asked: list[str] | None) -> list[Difference.Kind.ValueType]:
    names = [f"KIND_{each.upper()}" for each in asked or ()]
    _refuse_unknown(names, "KIND_", Difference.Kind.keys())
    return [Difference.Kind.Value(each) for each in names]


def _states(asked: list[str] | None) -> list[Difference.State.ValueType]:
    names = [f"STATE_{each.upper()}" for each in asked or ()]
    _refuse_unknown(names, "STATE_", Difference.State.keys())
    return [Difference.State.Value(each) for each in names]


def _refuse_unknown(names: Iterable[str], prefix: str, known: Iterable[str]) -> None:
    words = [each for each in known if not each.endswith("_UNSPECIFIED")]
    for name in names:
        if name not in words:
            told = ", ".join(each.removeprefix(prefix).lower() for each in words)
            raise typer.BadParameter(f"{name.removeprefix(prefix).lower()!r} is none of {told}")
