"""Nothing personal leaves a process in a span or a log line."""

import json
import logging
from collections.abc import Iterator
from types import ModuleType

import pytest
import structlog
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status, StatusCode

from service.telemetry import exporting, logs
from streams.telemetry import exporting as streams_exporting
from streams.telemetry import logs as streams_logs

PHONE = "13800138000"


def a_span(**attributes: str) -> ReadableSpan:
    return ReadableSpan(
        name="INSERT",
        attributes=attributes,
        events=[
            Event("exception", {"exception.type": "UniqueViolation", "exception.message": PHONE})
        ],
        status=Status(StatusCode.ERROR, f"Key (phone)=({PHONE}) exists"),
    )


def test_only_listed_attributes_are_exported() -> None:
    span = exporting.cleaned(
        a_span(**{"order.id": "ord-1", "phone": PHONE, "db.statement.parameters": PHONE})
    )

    assert span.attributes == {"order.id": "ord-1"}


@pytest.mark.parametrize("key", ["order.id", "messaging.kafka.message.key"])
@pytest.mark.parametrize("module", [exporting, streams_exporting])
def test_what_should_be_an_order_and_is_not_is_not_exported(module: ModuleType, key: str) -> None:
    assert module.cleaned(a_span(**{key: PHONE})).attributes == {}
    assert module.cleaned(a_span(**{key: "ord-1"})).attributes == {key: "ord-1"}


def test_an_errors_text_is_not_exported() -> None:
    span = exporting.cleaned(a_span())

    assert span.status.description is None
    assert span.status.status_code is StatusCode.ERROR
    assert [event.attributes for event in span.events] == [{"exception.type": "UniqueViolation"}]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT state FROM orders WHERE id = %(id_1)s", None),
        ("INSERT INTO t VALUES ('张三', 'it''s', 13800138000)", "INSERT INTO t VALUES (?, ?, ?)"),
        ("SELECT $q$secret$q$, $1, n1, t2.a", "SELECT ?, $1, n1, t2.a"),
        ("INSERT INTO t VALUES ('cut in the mid", "INSERT INTO t VALUES ("),
    ],
)
def test_sql_is_exported_without_values(sql: str, expected: str | None) -> None:
    assert exporting.statement(sql) == (expected or sql)


def test_a_megabyte_of_sql_is_cut() -> None:
    sql = "INSERT INTO t VALUES " + "('a name')," * 100_000

    assert len(exporting.statement(sql)) <= exporting.MAX_STATEMENT
    assert "name" not in exporting.statement(sql)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = [(logging.getLogger(name), logging.getLogger(name).level) for name in logs.SILENT]
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    for logger, was in before:
        logger.setLevel(was)
    structlog.reset_defaults()


def logged(text: str) -> dict[str, object]:
    (line,) = text.splitlines()
    return dict(json.loads(line))


@pytest.mark.parametrize("module", [logs, streams_logs])
def test_an_unlisted_field_is_dropped_and_named(
    module: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    module.configure_logs("info")

    structlog.get_logger().info("order_transition", order="o-1", phone=PHONE)

    text = capsys.readouterr().err
    line = logged(text)
    assert line["order"] == "o-1"
    assert line["dropped"] == ["phone"]
    assert PHONE not in text


@pytest.mark.parametrize("module", [logs, streams_logs])
def test_an_error_is_logged_by_type_and_place(
    module: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    module.configure_logs("info")

    try:
        try:
            int(PHONE + "x")
        except ValueError as error:
            raise LookupError(PHONE) from error
    except LookupError:
        structlog.get_logger().exception("call_failed")

    text = capsys.readouterr().err
    line = logged(text)
    assert line["error"] == "LookupError from ValueError"
    assert "test_an_error_is_logged_by_type_and_place" in str(line["error_at"])
    assert PHONE not in text


@pytest.mark.parametrize("module", [logs, streams_logs])
def test_a_librarys_warning_is_logged_by_place_and_a_collector_that_is_down_not_at_all(
    module: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    module.configure_logs("info")

    logging.getLogger("sqlalchemy.pool").warning("parameters were %s", PHONE)
    logging.getLogger("opentelemetry.exporter.otlp").error("Failed to export traces")

    text = capsys.readouterr().err
    line = logged(text)
    assert line["event"] == "library_message"
    assert str(line["logger"]).startswith("sqlalchemy.pool:")
    assert PHONE not in text
