"""`concord probe …`: what payment providers are asked, and asking them now."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType

from clients.cli import advice, config, formats, output
from clients.cli.options import AsJson, In, Language, Limit, OrderName, span_of
from clients.cli.order_text import state_name
from clients.cli.probe_words import RESULTS
from clients.cli.progress import waiting
from clients.cli.session import connected, name_of
from clients.cli.wording import code_of, named
from clients.sdk import Concord
from concord.probes.v1.probe_service_pb2 import Probe, ReportProbeRequest

app = typer.Typer(help="Probes: what payment providers are asked.", no_args_is_help=True)

LOOK_EVERY_S: Final = 0.25
# From the answer to its weighing: intake, broker and streams; on a busy machine a few seconds.
WEIGHED_WITHIN_S: Final = 5.0
ANSWERS: Final = frozenset(
    {
        ReportProbeRequest.RESULT_ANSWERED,
        ReportProbeRequest.RESULT_NOT_FOUND,
        ReportProbeRequest.RESULT_SUBMITTED,
    }
)


@app.command()
def run(
    order: OrderName,
    *,
    wait: Annotated[
        str, typer.Option("--wait", help="How long to wait for the answer; 0s not at all.")
    ] = "30s",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Ask now about an order, wait for the answer, and show what became of it."""
    patience_s = span_of(wait).total_seconds()
    with connected(as_json=as_json) as concord:
        name = name_of(concord, order)
        begun = {each.name: each for each in concord.probes.run(name).probes}
        with waiting(f"asking {', '.join(sorted({each.provider for each in begun.values()}))}"):
            probes = _await_answers(concord, begun, patience_s)
        found = concord.orders.get(name)
        if as_json:
            output.print_json(
                {
                    "probes": [output.as_dict(each) for each in probes],
                    "order": output.as_dict(found),
                }
            )
        else:
            output.print_all([_table(probes, config.now(), language)])
            typer.echo(f"{found.name} is {state_name(found.state, language)}.")
    for text in _remarks(begun, probes) if patience_s else ():
        output.note(text)
    if patience_s and not all(_is_answered(begun[each.name], each) for each in probes):
        raise typer.Exit(advice.REFUSED)


@app.command("list")
def list_probes(
    *,
    order: Annotated[str, typer.Option(help="Only of this order.")] = "",
    state: Annotated[str, typer.Option(help="Only ARMED, DISARMED or EXHAUSTED.")] = "",
    provider: Annotated[str, typer.Option(help="Only this provider's.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List probes, soonest due first."""
    with connected(as_json=as_json) as concord:
        where: dict[str, Any] = {
            "order": name_of(concord, order),
            "state": _state_number(state),
            "provider": provider,
            "page_size": min(limit, 500),
        }
        found = list(islice(concord.probes.list(**where), limit))
    if as_json:
        output.print_json({"probes": [output.as_dict(each) for each in found]})
        return
    output.print_all([_table(found, config.now(), language)])
    if not found:
        output.note("No probe matches.")


@app.command()
def show(
    probe: Annotated[str, typer.Argument(metavar="PROBE", help="`prb-…`.")],
    *,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Show one probe."""
    with connected(as_json=as_json) as concord:
        found = concord.probes.get(probe)
        if as_json:
            output.print_json(found)
        else:
            output.print_all(_details(found, config.now(), language))


def _await_answers(concord: Concord, begun: dict[str, Probe], patience_s: float) -> list[Probe]:
    """Look until every probe has its answer and the answer was weighed, or time is up."""
    ends_at = time.monotonic() + patience_s
    answered_at: dict[str, float] = {}
    while True:
        probes = [concord.probes.get(name) for name in begun]
        now = time.monotonic()
        for probe in probes:
            if _was_asked(begun[probe.name], probe):
                answered_at.setdefault(probe.name, now)
        open_ones = [
            probe
            for probe in probes
            if probe.state == Probe.STATE_ARMED and not _is_settled(probe, answered_at, now)
        ]
        if not open_ones or now >= ends_at:
            return probes
        time.sleep(LOOK_EVERY_S)


def _is_settled(probe: Probe, answered_at: dict[str, float], now: float) -> bool:
    if probe.name not in answered_at:
        return False
    # What brought no evidence is weighed by nobody.
    if probe.last_result != ReportProbeRequest.RESULT_ANSWERED:
        return True
    return now - answered_at[probe.name] >= WEIGHED_WITHIN_S


def _was_asked(before: Probe, after: Probe) -> bool:
    return (after.asked, after.missed) != (before.asked, before.missed) or (
        after.last_ask_time != before.last_ask_time
    )


def _is_answered(before: Probe, after: Probe) -> bool:
    if after.state == Probe.STATE_DISARMED:
        return True
    return _was_asked(before, after) and after.last_result in ANSWERS


def _remarks(begun: dict[str, Probe], probes: Iterable[Probe]) -> Iterator[str]:
    """Say what a person should know about those that are still armed."""
    armed = [each for each in probes if each.state != Probe.STATE_DISARMED]
    if any(not _was_asked(begun[each.name], each) for each in armed):
        yield "Nobody has asked yet. Do the connectors run? `concord status`."
    for result, remark in RESULTS.items():
        if any(_was_asked(begun[each.name], each) and each.last_result == result for each in armed):
            yield remark


def _table(probes: Sequence[Probe], now: datetime, language: Language | None) -> RenderableType:
    heads = ("Probe", "Order", "Kind", "Provider", "State", "Asked", "Missed", "Brought", "Next")
    rows = (
        (
            each.name,
            each.order,
            code_of(Probe.Kind, each.kind, "KIND_"),
            each.provider,
            _state(each, language),
            str(each.asked),
            str(each.missed or ""),
            _brought(each),
            _next(each, now),
        )
        for each in probes
    )
    return output.table(heads, rows, right=(5, 6))


def _details(probe: Probe, now: datetime, language: Language | None) -> Iterator[RenderableType]:
    yield output.pairs(
        [
            ("probe", probe.name),
            ("order", probe.order),
            ("kind", code_of(Probe.Kind, probe.kind, "KIND_")),
            ("state", _state(probe, language)),
            ("provider", probe.provider),
            ("account", probe.account or "the only one"),
            ("trade", probe.trade),
            ("handle", probe.handle),
            ("payment", probe.payment),
            ("refund", probe.refund),
            ("amount", formats.money(probe.amount)),
            ("of", formats.money(probe.total)),
            ("to be asked for", "the money back" if probe.submit else ""),
            ("asked", f"{probe.asked}×" if probe.asked else "not yet"),
            ("missed", f"{probe.missed}×" if probe.missed else ""),
            ("brought", _brought(probe)),
            ("waits since", formats.time(probe.arm_time)),
            ("last asked", formats.time(probe.last_ask_time)),
            ("next", _next(probe, now)),
            ("ends", formats.time(probe.give_up_time)),
        ]
    )


def _state(probe: Probe, language: Language | None) -> str:
    return named(code_of(Probe.State, probe.state, "STATE_"), language)


def _brought(probe: Probe) -> str:
    """Return what the last attempt brought, with the provider's own code."""
    result = code_of(ReportProbeRequest.Result, probe.last_result, "RESULT_")
    if result == "UNSPECIFIED":
        return ""
    return f"{result} ({probe.last_code})" if probe.last_code else result


def _next(probe: Probe, now: datetime) -> str:
    is_armed = probe.state == Probe.STATE_ARMED and probe.due_time.seconds
    return formats.until(probe.due_time, now) if is_armed else ""


def _state_number(text: str) -> Any:  # noqa: ANN401  # The generated value type.
    """Return the state's number, 0 without one; or refuse the option."""
    if not text:
        return 0
    try:
        return Probe.State.Value(f"STATE_{text.upper()}")
    except ValueError:
        raise typer.BadParameter(f"{text!r} is none of ARMED, DISARMED, EXHAUSTED") from None
