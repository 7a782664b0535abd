"""`concord file …`: files of orders, what of them could not be read, and which are not here."""

from __future__ import annotations

import itertools
import time
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from clients.cli import advice, config, formats, output
from clients.cli import file_text as text
from clients.cli.file_progress import progress
from clients.cli.options import AsJson, Limit
from clients.cli.session import connected, fail
from clients.files import fixing
from clients.files.folder import WatchedFolder, day_of
from clients.files.importing import FileImporter
from clients.files.reading import Source
from clients.files.tables import FileRefusedError
from clients.sdk import Concord, OutageError
from concord.channels.v1 import feed_pb2
from concord.imports.v1 import import_service_pb2 as api

app = typer.Typer(help="Files of orders.", no_args_is_help=True)

ImportName = Annotated[str, typer.Argument(metavar="IMPORT", help="`imp-…`.")]
AFile = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True)]
# Beside what `make run` keeps.
WORK: Final = Path(".concord/files")


@app.command("import")
def import_file(  # Each parameter is an option of the command.
    file: AFile,
    *,
    template: Annotated[
        str, typer.Option("--template", "-t", help="Which kind; found by itself where not given.")
    ] = "",
    shop: Annotated[str, typer.Option(help="The shop, as the channel register has it.")] = "",
    day: Annotated[str, typer.Option(help="For which day; else as the file is named.")] = "",
    work: Annotated[
        Path, typer.Option(help="Where it waits until it is sent; after a fault it goes on there.")
    ] = WORK,
    as_json: AsJson = False,
) -> None:
    """Import a file of orders; the same file again changes nothing, and goes on after a fault."""
    with connected(as_json=as_json) as concord:
        try:
            with progress(file.stat().st_size) as told:
                source = Source.of(file, template=template, shop=shop, day=day or day_of(file.name))
                done = FileImporter(concord, work, config.now).run(source, told)
        except FileRefusedError as error:
            fail("FILE_REFUSED", error.problem, error.advice, as_json=as_json)
            raise typer.Exit(advice.REFUSED) from None
    _print(done.kept, as_json=as_json)
    if done.was_known:
        output.note("It was imported before: nothing changed.")
    if done.kept.counts.open:
        output.note(f"See what is wrong: `concord file rows {text.short(done.kept)}`.")
        raise typer.Exit(advice.REFUSED)


@app.command("list")
def list_imports(
    *,
    channel: Annotated[str, typer.Option(help="Only of this channel.")] = "",
    day: Annotated[str, typer.Option(help="Only for this day.")] = "",
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List what came in files, newest first."""
    with connected(as_json=as_json) as concord:
        rows = concord.imports.list(channel=channel, day=day, page_size=min(limit, 500))
        found = list(islice(rows, limit))
    if as_json:
        output.print_json({"imports": [output.as_dict(each) for each in found]})
        return
    output.print_all([text.import_table(found)])
    if not found:
        output.note("No file matches.")


@app.command()
def show(name: ImportName, *, as_json: AsJson = False) -> None:
    """Show one import."""
    with connected(as_json=as_json) as concord:
        _print(concord.imports.get(name), as_json=as_json)


@app.command()
def rows(
    name: ImportName,
    *,
    state: Annotated[str, typer.Option(help="Only OPEN, NOTED, FIXED or DROPPED.")] = "OPEN",
    export: Annotated[
        Path | None, typer.Option(help="Write them to a file, to be corrected and given to `fix`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List rows that need somebody, with what is wrong with each."""
    wanted = text.row_state(state)
    with connected(as_json=as_json) as concord:
        whole = concord.imports.get(name)
        found = list(concord.imports.list_rows(name, state=wanted, page_size=1000))
    if export:
        fixing.export(whole, found, export)
        output.note(
            f"{len(found)} rows in {export}; corrected: `concord file fix {name} {export}`."
        )
    elif as_json:
        output.print_json({"rows": [output.as_dict(each) for each in found]})
    else:
        output.print_all([text.row_table(whole, found)])


@app.command()
def fix(name: ImportName, file: AFile, *, as_json: AsJson = False) -> None:
    """Take corrected rows, and run them alone; what is right by now is sent."""
    try:
        changed = fixing.corrected(file)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    _again(name, changed, as_json=as_json)


@app.command()
def retry(name: ImportName, *, as_json: AsJson = False) -> None:
    """Run rows that are kept alone, as they are."""
    _again(name, {}, as_json=as_json)


@app.command()
def drop(
    name: ImportName,
    numbers: Annotated[list[int], typer.Argument(metavar="ROW...")],
    *,
    as_json: AsJson = False,
) -> None:
    """Say that nobody wants these rows."""
    with connected(as_json=as_json) as concord:
        found = concord.imports.settle_rows(name, numbers, api.ImportRow.STATE_DROPPED)
    _print(found, as_json=as_json)


@app.command()
def expected(
    *,
    feed: Annotated[str, typer.Option(help="Only of this feed.")] = "",
    missing: Annotated[bool, typer.Option("--missing", help="Only what is not here.")] = False,
    as_json: AsJson = False,
) -> None:
    """List which files were expected, and which of them came."""
    state = api.ExpectedFile.STATE_MISSING if missing else api.ExpectedFile.STATE_UNSPECIFIED
    with connected(as_json=as_json) as concord:
        found = concord.imports.list_expected(feed=feed, state=state)
    if as_json:
        output.print_json(found)
        return
    output.print_all([text.expected_table(found.files)])
    if not found.files:
        output.note("No file was expected: `concord channel list` shows feeds of mode FILE.")


@app.command()
def watch(
    folder: Annotated[
        Path, typer.Argument(help="A folder with one for each feed.", exists=True, file_okay=False)
    ],
    *,
    every_s: Annotated[float, typer.Option("--every", help="Look so often, in seconds.")] = 30.0,
    looks: Annotated[int, typer.Option(help="End after so many looks; 0: never.")] = 0,
    work: Annotated[Path, typer.Option(help="Where files wait until they are sent.")] = WORK,
) -> None:
    """Import what is put into the folders of feeds, until told to end."""
    with connected() as concord:
        watched = WatchedFolder(folder, FileImporter(concord, work, config.now), config.now)
        for look in itertools.count(1):
            try:
                _look(concord, watched)
            except OutageError as error:
                output.note(f"the service is away: {error.message}")
            if look == looks:
                return
            time.sleep(every_s)


def _look(concord: Concord, watched: WatchedFolder) -> None:
    feeds = concord.channels.list(mode=feed_pb2.Feed.MODE_FILE)
    for taken in watched.look(iter(feeds)):
        if taken.imported is None:
            output.note(f"{taken.path.name}: {taken.refusal}")
        elif not taken.imported.was_known:
            counts = taken.imported.kept.counts
            output.note(
                f"{taken.path.name}: {counts.orders:,} orders, {counts.open} rows to correct"
            )


def _again(name: str, changed: Any, *, as_json: bool) -> None:  # noqa: ANN401  # rows by number
    with connected(as_json=as_json) as concord:
        whole = concord.imports.get(name)
        found = fixing.run_again(
            concord, whole, _open_rows(concord, name), changed, at=config.now()
        )
    if as_json:
        wrong = [{"row": each.number, "reason": each.reason.value} for each in found.wrong]
        output.print_json({"sent": list(found.sent), "wrong": wrong})
    else:
        typer.echo(f"{len(found.sent)} rows sent, {len(found.wrong)} still wrong")
        for each in found.wrong[:20]:
            output.note(f"row {each.number}: {each.reason.value} {each.column}")
    if found.wrong:
        raise typer.Exit(advice.REFUSED)


def _open_rows(concord: Concord, name: str) -> list[api.ImportRow]:
    return list(concord.imports.list_rows(name, state=api.ImportRow.STATE_OPEN, page_size=1000))


def _print(found: api.Import, *, as_json: bool) -> None:
    if as_json:
        output.print_json(found)
    else:
        output.print_all(text.details(found, formats.time))
