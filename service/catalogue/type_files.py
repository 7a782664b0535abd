"""Reads kinds of cases, and `desk.yaml`: roles, documents, coupons, load caps, the promise."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from yaml.nodes import Node

from service.catalogue.marked import UPPER, Reading
from service.domain.desk.catalogue import CouponKind, Promise
from service.domain.desk.documents import DocumentForm, DocumentKind
from service.domain.desk.taxonomy import CaseType, CutOff, Moment, Severity, Side, Words
from service.domain.desk.workflows import Step, Workflow

# What opens a case by itself.
OPENERS: Final = (
    "discrepancy",
    "deadline",
    "stock",
    "probe",
    "batch",
    "feed",
    "case",
    "reconciliation",
)
OPEN: Final = "open"
_UNTIL: Final = re.compile(r"([1-9]\d{0,4})([mhd]) (before|after) ([A-Z_]+)")
_MINUTES: Final = MappingProxyType({"m": 1, "h": 60, "d": 24 * 60})
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(slots=True)
class Desk:
    """What `desk.yaml` says."""

    roles: dict[str, Words] = field(default_factory=dict)
    documents: dict[str, DocumentKind] = field(default_factory=dict)
    coupons: dict[str, CouponKind] = field(default_factory=dict)
    load_caps: dict[str, int] = field(default_factory=dict)
    promise: Promise | None = None


def desk(reading: Reading, node: Node, into: Desk, calendars: Collection[str]) -> None:
    """Add what a document says."""
    parts = ("roles", "documents", "coupons", "load_caps", "promise")
    fields = reading.fields(node, (), parts, noun="file")
    for key, body in reading.pairs(fields["roles"]) if "roles" in fields else ():
        into.roles[reading.name(key)] = reading.words(body)
    for key, body in reading.pairs(fields["documents"]) if "documents" in fields else ():
        document = _document(reading, key, body)
        into.documents[document.name] = document
    for key, body in reading.pairs(fields["coupons"]) if "coupons" in fields else ():
        coupon = _coupon(reading, key, body)
        into.coupons[coupon.name] = coupon
    for key, body in reading.pairs(fields["load_caps"]) if "load_caps" in fields else ():
        into.load_caps[reading.one_of(key, into.roles, "role")] = reading.whole(body, most=1_000)
    if "promise" in fields:
        into.promise = _promise(reading, fields["promise"], calendars)


def _document(reading: Reading, key: Node, body: Node) -> DocumentKind:
    fields = reading.fields(body, ("title", "form"), ("pattern",), noun="kind of document")
    form = reading.one_of(fields["form"], [each.value for each in DocumentForm], "form")
    pattern = reading.text(fields["pattern"], "pattern") if "pattern" in fields else ""
    try:
        re.compile(pattern)
    except re.error as error:
        advice = "write a regular expression such as `[A-Z0-9-]{4,40}`"
        reading.wrong(fields["pattern"], f"`{pattern}` is no pattern: {error}", advice)
    return DocumentKind(
        reading.name(key), reading.words(fields["title"]), DocumentForm(form or "text"), pattern
    )


def _coupon(reading: Reading, key: Node, body: Node) -> CouponKind:
    fields = reading.fields(
        body, ("title", "amount_minor", "currency", "valid_days"), noun="kind of coupon"
    )
    currency = reading.text(fields["currency"], "currency")
    if currency and not re.fullmatch(r"[A-Z]{3}", currency):
        reading.wrong(fields["currency"], f"`{currency}` is no currency", "write one such as CNY")
    return CouponKind(
        reading.name(key),
        reading.words(fields["title"]),
        reading.whole(fields["amount_minor"]),
        currency,
        reading.whole(fields["valid_days"], most=3_660),
    )


def _promise(reading: Reading, node: Node, calendars: Collection[str]) -> Promise:
    fields = reading.fields(node, ("calendar", "paid_before", "leaves_at"), noun="promise")
    times = []
    for name in ("paid_before", "leaves_at"):
        text = reading.text(fields[name], "time of day")
        if text and not _CLOCK.fullmatch(text):
            reading.wrong(fields[name], f"`{text}` is no time of day", "write one such as 16:00")
        times.append(text)
    calendar = reading.one_of(fields["calendar"], calendars, "calendar")
    return Promise(calendar, times[0], times[1])


@dataclass(frozen=True, slots=True)
class World:
    """What types may name. `workflows` by name, the newest of each."""

    roles: Collection[str]
    calendars: Collection[str]
    workflows: Mapping[str, Workflow]
    # Workflows that could not be read: who names one is not wrong.
    broken: Collection[str] = ()


def case_types(reading: Reading, node: Node, world: World) -> Mapping[str, CaseType]:
    """Return the kinds of cases of a document, by name."""
    found = {}
    fields = reading.fields(node, ("types",), noun="file")
    for key, body in reading.pairs(fields["types"], "list of types"):
        if name := reading.name(key, UPPER):
            found[name] = _type(reading, name, body, world)
    return found


def _type(reading: Reading, name: str, body: Node, world: World) -> CaseType:
    needed = ("title", "side", "severity", "owner", "respond", "resolve", "warn", "calendar")
    others = ("workflow", "may_open", "opened_by", "escalates_to", "cut_offs")
    fields = reading.fields(body, needed, others, noun=f"type `{name}`")

    def several(part: str, known: Collection[str], noun: str) -> tuple[str, ...]:
        return reading.several(fields[part], known, noun) if part in fields else ()

    workflow = ""
    if "workflow" in fields:
        workflow = reading.one_of(fields["workflow"], {*world.workflows, *world.broken}, "workflow")
    may_open = several("may_open", world.roles, "role")
    opened_by = several("opened_by", OPENERS, "opener")
    if not may_open and not opened_by:
        advice = f"add `may_open: [ROLE]`, or `opened_by:` with one of {', '.join(OPENERS)}"
        reading.wrong(body, f"nobody and nothing opens `{name}`", advice)
    respond, resolve, warn = (
        reading.minutes(fields[each]) for each in ("respond", "resolve", "warn")
    )
    if respond > resolve > 0:
        what = "it is to be resolved before somebody responds"
        reading.wrong(fields["respond"], what, "write a shorter `respond`, or a longer `resolve`")
    if warn >= resolve > 0:
        what = "it warns before the case is open"
        reading.wrong(fields["warn"], what, "write a `warn` that is shorter than `resolve`")
    return CaseType(
        name=name,
        title=reading.words(fields["title"]),
        side=Side(
            reading.one_of(fields["side"], [each.value for each in Side], "side") or "SYSTEM"
        ),
        severity=Severity(
            reading.one_of(fields["severity"], [each.value for each in Severity], "severity")
            or "NORMAL"
        ),
        owner_role=reading.one_of(fields["owner"], world.roles, "role"),
        respond_minutes=respond,
        resolve_minutes=resolve,
        warn_minutes=warn,
        calendar=reading.one_of(fields["calendar"], world.calendars, "calendar"),
        workflow=workflow,
        opened_by_roles=frozenset(may_open),
        opened_by=opened_by,
        escalates_to=several("escalates_to", world.roles, "role"),
        cut_offs=()
        if workflow in world.broken
        else _cut_offs(reading, fields.get("cut_offs"), world.workflows.get(workflow)),
    )


def _cut_offs(reading: Reading, node: Node | None, workflow: Workflow | None) -> tuple[CutOff, ...]:
    found = []
    acts = [f"{step.name}.{act.name}" for step in _steps(workflow) for act in step.acts]
    for each in reading.items(node, "list of cut-offs") if node else ():
        fields = reading.fields(each, ("name", "guards", "until", "reason"), noun="cut-off")
        moment, minutes = _until(reading, fields["until"])
        guards = reading.several(fields["guards"], [OPEN, *acts], "act")
        reason = reading.words(fields["reason"])
        found.append(CutOff(reading.name(fields["name"]), guards, moment, minutes, reason))
    return tuple(found)


def _steps(workflow: Workflow | None) -> Collection[Step]:
    return workflow.steps.values() if workflow else ()


def _until(reading: Reading, node: Node) -> tuple[Moment, int]:
    text = reading.text(node, "moment")
    found = _UNTIL.fullmatch(text)
    moments = {each.value: each for each in Moment}
    if not found or found[4] not in moments:
        if text:
            known = ", ".join(sorted(moments))
            advice = f"write one such as `2h before PLANNED_SHIPPING`; moments are {known}"
            reading.wrong(node, f"`{text}` is no moment", advice)
        return Moment.CASE_OPENED, 0
    minutes = int(found[1]) * _MINUTES[found[2]]
    return moments[found[4]], -minutes if found[3] == "before" else minutes
