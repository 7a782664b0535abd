"""Settings: the environment, read once, into one frozen object for each process."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, TypeVar

from service import schedules
from service.catalogue.folders import SHIPPED
from service.domain.desk.batches import BatchTemplate
from service.domain.desk.catalogue import PLAIN, Catalogue
from service.domain.desk.messages import LANGUAGES, Messages
from service.domain.expectations import STAGE_LIMITS, Limits
from service.domain.lifecycle import State
from service.domain.schedules import Schedules
from service.domain.terms import Remedy, Route, Terms
from service.failpoints import NONE_ARMED, Failpoints, armed

T = TypeVar("T")

EXIT_CONFIGURATION: Final = 2


class ConfigurationError(Exception):
    """Something is missing or malformed; `problems` has one line for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Take every problem at once."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """What a service process needs to know. Addresses with passwords do not show in `repr`."""

    database_url: str = field(repr=False)
    service_address: str
    metrics_address: str
    redis_url: str = field(repr=False)
    kafka_bootstrap: str
    kafka_partitions: int
    otlp_endpoint: str | None
    trace_sample_ratio: float
    service_name: str
    log_level: str
    threads: int
    shares_port: bool
    watchers_max: int
    stage_limits: Limits
    paid_after_cancel: Remedy
    duplicate_charge: Remedy
    orphaned_after: timedelta
    channel_routes: Mapping[str, tuple[Route, ...]]
    schedules: Schedules
    catalogue: Catalogue = field(repr=False)
    messages: Messages = field(repr=False)
    batches: Mapping[str, BatchTemplate] = field(repr=False)
    batch_typed_above: int
    batch_two_people_above: int
    documents_url: str = field(repr=False)
    audit_share: float
    failpoints: Failpoints

    @property
    def terms(self) -> Terms:
        """On what terms orders are decided."""
        return Terms(
            limits=self.stage_limits,
            paid_after_cancel=self.paid_after_cancel,
            duplicate_charge=self.duplicate_charge,
            orphaned_after=self.orphaned_after,
            routes=self.channel_routes,
            schedules=self.schedules,
            catalogue=self.catalogue,
        )


class _Environment:
    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.problems: list[str] = []

    def read(self, name: str, parse: Callable[[str], T], default: str | None = None) -> T | None:
        text = self._variables.get(name, default)
        if not text:
            self.problems.append(f"{name} is not set")
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return None


def address(text: str) -> str:
    """Return `host:port`, or raise ValueError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        message = "must be HOST:PORT"
        raise ValueError(message)
    return text


def ratio(text: str) -> float:
    """Return a number from 0 to 1, or raise ValueError."""
    value = float(text)
    if not 0 <= value <= 1:
        message = "must be between 0 and 1"
        raise ValueError(message)
    return value


def positive(text: str) -> int:
    """Return a whole number above 0, or raise ValueError."""
    value = int(text)
    if value < 1:
        message = "must be 1 or more"
        raise ValueError(message)
    return value


UNITS: Final[Mapping[str, str]] = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def length(text: str) -> timedelta:
    """Return a length such as `90s`, `30m`, `2h` or `7d`, or raise ValueError."""
    count, unit = text[:-1], text[-1:]
    if unit not in UNITS or not count.isdigit() or int(count) < 1:
        message = f"{text!r} is no length such as 90s, 30m, 2h or 7d"
        raise ValueError(message)
    return timedelta(**{UNITS[unit]: int(count)})


def limits(text: str) -> Limits:
    """Return the stages' limits with those of `PAID=2h,SHIPPING=7d` in place; or ValueError."""
    changed = {}
    for part in text.split(","):
        name, _, text_of_length = part.strip().partition("=")
        if name not in {state.value for state in STAGE_LIMITS}:
            known = ", ".join(state.value for state in STAGE_LIMITS)
            message = f"{name!r} is no state that waits: use {known}"
            raise ValueError(message)
        changed[State(name)] = length(text_of_length)
    return {**STAGE_LIMITS, **changed}


def remedy(*choices: Remedy) -> Callable[[str], Remedy]:
    """Return what reads one of these remedies, or raises ValueError."""

    def read(text: str) -> Remedy:
        for each in choices:
            if text.lower() == each.value.lower():
                return each
        message = f"must be one of {', '.join(each.value.lower() for each in choices)}"
        raise ValueError(message)

    return read


def yes_or_no(text: str) -> bool:
    """Return what `yes` or `no` says, or raise ValueError."""
    if text not in {"yes", "no"}:
        message = "must be yes or no"
        raise ValueError(message)
    return text == "yes"


def routes(text: str) -> Mapping[str, tuple[Route, ...]]:
    """Return who takes each channel's money, from `mini=wechatpay:wx-main+alipay` or `none`."""
    found: dict[str, tuple[Route, ...]] = {}
    if text == "none":
        return found
    for part in filter(None, (each.strip() for each in text.split(","))):
        channel, _, providers = part.partition("=")
        named = [each.partition(":") for each in providers.split("+")]
        if not channel or not all(provider for provider, _, _ in named):
            message = f"{part!r} is no CHANNEL=PROVIDER[:ACCOUNT][+PROVIDER…]"
            raise ValueError(message)
        found[channel] = tuple(Route(provider, account) for provider, _, account in named)
    return found


def documents(text: str) -> str:
    """Return where files of cases are kept, empty for `none`; or raise ValueError."""
    if text == "none":
        return ""
    if not text.startswith(("file:///", "s3://")):
        message = "must be file:///FOLDER, s3://BUCKET/PREFIX or none"
        raise ValueError(message)
    return text


def _desk(role: str) -> Callable[[str], Catalogue]:
    """Return what reads the catalogue: only who serves opens and handles cases."""
    if role != "serve":
        return lambda _: PLAIN
    from service.catalogue import load  # noqa: PLC0415  # others start sooner without it

    return load


def _messages(role: str) -> Callable[[str], Messages]:
    """Return what reads the templates of notices: only who serves composes any."""
    if role != "serve":
        return lambda _: Messages()
    from service.catalogue.message_files import load  # noqa: PLC0415  # as above

    return load


def _batches(role: str) -> Callable[[str], Mapping[str, BatchTemplate]]:
    """Return what reads the templates of batches: only who serves runs any."""
    if role != "serve":
        return lambda _: {}
    from service.catalogue.batch_files import load  # noqa: PLC0415  # as above

    return load


def language(text: str) -> str:
    """Return a language that notices are written in, or raise ValueError."""
    if text not in LANGUAGES:
        message = f"must be one of {', '.join(LANGUAGES)}"
        raise ValueError(message)
    return text


ADDRESSES: Final[tuple[tuple[str, str, Callable[[str], str]], ...]] = (
    ("service_address", "CONCORD_SERVICE_ADDRESS", address),
    ("metrics_address", "CONCORD_METRICS_ADDRESS", address),
    ("redis_url", "CONCORD_REDIS_URL", str),
    ("kafka_bootstrap", "CONCORD_KAFKA_BOOTSTRAP", str),
)

# Which addresses a process cannot do without; it never looks at the others.
NEEDED: Final[Mapping[str, frozenset[str]]] = {
    "check": frozenset(),
    "migrate": frozenset(),
    "relay": frozenset({"metrics_address", "kafka_bootstrap"}),
    "serve": frozenset({"service_address", "metrics_address", "redis_url"}),
}
UNUSED: Final = "unused:1"


def settings(role: str, variables: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of a process: `serve`, `relay`, `migrate` or `check`.

    Raises:
        ConfigurationError: with everything that is missing or malformed.
    """
    environment = _Environment(os.environ if variables is None else variables)
    read, needed = environment.read, NEEDED[role]
    values = {
        "database_url": read("CONCORD_DATABASE_URL", str),
        **{
            name: read(variable, parse, None if name in needed else UNUSED)
            for name, variable, parse in ADDRESSES
        },
        "kafka_partitions": read("CONCORD_KAFKA_PARTITIONS", positive, "12"),
        # A tenth of the traces in production; contradictions and errors are always kept.
        "trace_sample_ratio": read("CONCORD_TRACE_SAMPLE_RATIO", ratio, "0.1"),
        "service_name": read("OTEL_SERVICE_NAME", str, role),
        "log_level": read("CONCORD_LOG_LEVEL", str, "info"),
        # Each thread holds one connection while it works.
        "threads": read("CONCORD_SERVICE_THREADS", positive, "16"),
        # Two servers on one port would share its calls silently, unless that is meant.
        "shares_port": read("CONCORD_SERVICE_SHARES_PORT", yes_or_no, "no"),
        "watchers_max": read("CONCORD_WATCHERS_MAX", positive, "16"),
        "stage_limits": read("CONCORD_STAGE_LIMITS", limits, "PAID=2h"),
        "paid_after_cancel": read("CONCORD_PAID_AFTER_CANCEL", remedy(*Remedy), "case"),
        "duplicate_charge": read(
            "CONCORD_DUPLICATE_CHARGE", remedy(Remedy.CASE, Remedy.REFUND), "case"
        ),
        "orphaned_after": read("CONCORD_UNKNOWN_ORDER_GRACE", length, "15m"),
        "channel_routes": read("CONCORD_CHANNEL_ROUTES", routes, "none"),
        "schedules": read("CONCORD_PROBE_SCHEDULES", schedules.load, schedules.SHIPPED),
        "catalogue": read("CONCORD_CATALOGUE", _desk(role), SHIPPED),
        "messages": read("CONCORD_CATALOGUE", _messages(role), SHIPPED),
        "batches": read("CONCORD_CATALOGUE", _batches(role), SHIPPED),
        "batch_typed_above": read("CONCORD_BATCH_TYPED_ABOVE", positive, "100"),
        "batch_two_people_above": read("CONCORD_BATCH_TWO_PEOPLE_ABOVE", positive, "2000"),
        "language": read("CONCORD_NOTICE_LANGUAGE", language, LANGUAGES[0]),
        "documents_url": read("CONCORD_DOCUMENTS_URL", documents, "none"),
        # A hundred thousand orders take about two minutes of work: two hours at this share.
        "audit_share": read("CONCORD_AUDIT_SHARE", ratio, "0.02"),
        "failpoints": read("CONCORD_FAILPOINTS", armed, NONE_ARMED),
        "is_unsafe": read("CONCORD_FAILPOINTS_UNSAFE", yes_or_no, "no"),
    }
    spoken = values.pop("language")
    if isinstance(values["messages"], Messages) and isinstance(spoken, str):
        values["messages"] = replace(values["messages"], language=spoken)
    failpoints, is_unsafe = values["failpoints"], values.pop("is_unsafe")
    if isinstance(failpoints, Failpoints) and failpoints.is_armed and not is_unsafe:
        environment.problems.append(
            "CONCORD_FAILPOINTS makes a process fail on purpose: leave it out, or for a test"
            " set CONCORD_FAILPOINTS_UNSAFE=yes"
        )
    if environment.problems:
        raise ConfigurationError(tuple(environment.problems))
    known = os.environ if variables is None else variables
    return Settings(otlp_endpoint=known.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None, **values)  # type: ignore[arg-type]  # checked above
