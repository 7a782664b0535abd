"""`concord template …`: how channels' messages become facts. Needs no server.

Templates are read by the streams; so their own program is asked, and its answer is shown.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from clients.cli import advice, output
from clients.cli.options import AsJson

app = typer.Typer(help="Templates: how channels' messages become facts.", no_args_is_help=True)

Answer = dict[str, Any]
DESK: Final = "streams.template_desk"
# It reads some sixty small files; a machine that is busy with other things takes a while.
PATIENCE_S: Final = 120

# What each kind of fact says, for those who do not read our contract.
WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ORDER_CREATED": "the order was placed",
        "PAYMENT_STARTED": "the buyer began to pay, or paid a part",
        "PAYMENT_AUTHORISED": "the money is reserved, not taken",
        "PAYMENT_SUCCEEDED": "the money came",
        "PAYMENT_FAILED": "a payment failed",
        "PAYMENT_CLOSED": "a payment was called off",
        "STOCK_ALLOCATED": "it waits for the warehouse",
        "OUTBOUND_APPROVED": "it may leave the warehouse",
        "PARCEL_SHIPPED": "a parcel left",
        "PARCEL_DELIVERED": "a parcel arrived",
        "ORDER_COMPLETED": "the order is done",
        "ORDER_CANCELLED": "the order was called off",
        "ORDER_REINSTATED": "the order goes on after all",
        "REFUND_REQUESTED": "money is asked back",
        "REFUND_SUCCEEDED": "money went back",
        "REFUND_CLOSED": "what was asked back is not any more",
        "REFUND_FAILED": "money did not reach the buyer",
        "NOTED": "a remark in the order's journal",
    }
)

File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)]


@app.command("list")
def list_templates(*, as_json: AsJson = False) -> None:
    """List the templates that come with Concord."""
    answer = _ask("list")
    if as_json:
        output.print_json(answer)
        return
    rows = [
        (each["name"], str(each["version"]), each["channel"], each["about"])
        for each in answer["templates"]
    ]
    heads = ("Template", "Version", "Channel", "What it reads")
    output.print_all([output.table(heads, rows, right=[1])])


@app.command()
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", exists=True, dir_okay=False, help="YAML files.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Check files as a worker would read them at its start. Ends with 1 on a mistake."""
    answers = [(path, _ask("check", str(path))) for path in files]
    if as_json:
        output.print_json({"files": [answer for _, answer in answers]})
    else:
        for path, answer in answers:
            _tell_mistakes(answer)
            if not answer["mistakes"]:
                typer.echo(f"{path}: {answer['name']}@{answer['version']} is fine")
    if any(answer["mistakes"] for _, answer in answers):
        raise typer.Exit(advice.REFUSED)


@app.command("try")
def attempt(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="A name, or a YAML file.")],
    file: File,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what the template left out, and why.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell what a message becomes, field by field, and why. Ends with 1 where it is refused."""
    answer = _ask("try", template, str(file))
    if as_json:
        output.print_json(answer)
    elif answer.get("mistakes"):
        _tell_mistakes(answer)
    else:
        output.print_all(_explained(answer, everything=everything))
    if answer.get("mistakes") or answer["rejections"]:
        raise typer.Exit(advice.REFUSED)


def _ask(*question: str) -> Answer:
    """Ask the program of the templates; what it cannot answer ends this one, too."""
    asked = [sys.executable, "-m", DESK, *question]
    done = subprocess.run(  # noqa: S603  # Our own program, and the words of whoever runs it.
        asked, capture_output=True, timeout=PATIENCE_S, check=False
    )
    if not done.stdout:
        sys.stderr.write(done.stderr.decode(errors="replace"))
        raise typer.Exit(advice.REFUSED)
    answer: Answer = json.loads(done.stdout)
    return answer


def _tell_mistakes(answer: Answer) -> None:
    for each in answer["mistakes"]:
        typer.echo(f"{each['file']}:{each['line']}:{each['column']}: {each['what']}")


def _explained(answer: Answer, *, everything: bool) -> Iterator[RenderableType]:
    told = [each for each in answer["steps"] if each["told"]]
    for step in answer["steps"]:
        if step["told"]:
            yield from _fact(step)
        elif everything:
            yield _left_out(step)
    for each in answer["rejections"]:
        yield Text(f"REFUSED  {each['reason']} at {each['field']}", style="bold red")
        yield Padding(Text(each["advice"]), (0, 0, 0, 2))
    if not told and not answer["rejections"]:
        yield Text("Means nothing for any order; the receipt is kept all the same.")
    if not everything and len(told) < len(answer["steps"]):
        yield Text("With --all: what the template left out, and why.", style="dim")


def _fact(step: Answer) -> Iterator[RenderableType]:
    words = WORDS.get(step["kind"], "")
    yield Text.assemble((step["kind"], "bold"), f"  {words}" if words else "")
    for reason in step["why"]:
        yield Padding(Text(f"because {_near(reason, step)}", style="dim"), (0, 0, 0, 2))
    rows = [(each["name"], each["value"], _origin(each, step)) for each in step["fields"]]
    yield Padding(output.table(("", "", "from"), rows), (0, 0, 0, 2))


def _left_out(step: Answer) -> RenderableType:
    reasons = "; ".join(_near(each, step) for each in step["why"])
    return Text(f"{step['kind'] or '–'}  {reasons}", style="dim")


def _origin(field: Answer, step: Answer) -> str:
    sent = f" = {field['sent']}" if field["sent"] else ""
    return f"{_near(field['place'], step)}{sent}"


def _near(text: str, step: Answer) -> str:
    """Return a text without the way to the record, which all its places have in common."""
    return text.replace(f"{step['record']}.", "") if step["record"] else text
