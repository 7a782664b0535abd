"""Files on their way in: once each, every row right or kept, and nothing lost when killed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clients.files import fixing
from clients.files.folder import WatchedFolder
from clients.files.importing import FileImporter, Imported, Told
from clients.files.reading import Source
from clients.sdk import Concord
from clients.sdk.errors import (
    ImportNotFoundError,
    ImportNotInStateError,
    ImportRowNotFoundError,
)
from concord.channels.v1 import feed_pb2
from concord.imports.v1 import import_service_pb2 as api
from service.application.importing import LOOKED_AT_MOST, FileWatch
from service.application.ports import Unit
from service.domain.imports.expecting import ExpectedFile
from service.kafka.encoding import ProtobufEncoder
from tests.builders import NOON
from tests.fakes import FakeClock
from tests.integration.service.world import Service, Storing

HEADER = (
    "主订单编号,子订单编号,选购商品,商品数量,订单应付金额,运费,优惠总金额,订单提交时间,"
    "订单状态,售后状态"
)


def line(order: str, child: str = "1", paid: str = "28.90", state: str = "已完成") -> str:
    ids = f'"\t{order}","\t{order}{child}"'
    return f'{ids},"\t辣丝丝",1,{paid},0.00,0.00,2026-09-22 00:54:10,{state},-'


def numbers(count: int) -> list[str]:
    """Return order numbers that nobody else has."""
    start = 6_900_000_000_000_000_001 + uuid.uuid4().int % 10**16
    return [str(start + at) for at in range(count)]


@pytest.fixture
def concord(service: Service) -> Iterator[Concord]:
    with Concord(service.address) as client:
        yield client


def written(path: Path, *lines: str, encoding: str = "utf-8-sig") -> Path:
    path.write_text("\r\n".join((HEADER, *lines)) + "\r\n", encoding=encoding, newline="")
    return path


def imported(concord: Concord, path: Path, told: Told | None = None, day: str = "") -> Imported:
    importer = FileImporter(concord, path.parent / "work", lambda: NOON)
    return importer.run(Source.of(path, shop="flagship", day=day), told)


def bodies(concord: Concord, engine: sa.Engine, orders: list[str]) -> list[dict[str, object]]:
    wanted = sa.text(
        "SELECT receipt_id FROM receipts WHERE order_hint = ANY(:orders) ORDER BY order_hint"
    )
    with engine.connect() as connection:
        names = list(connection.execute(wanted, {"orders": orders}).scalars())
    found = [concord.intake.get(name) for name in names]
    assert {(each.channel, each.account) for each in found} <= {("douyin", "flagship")}
    return [json.loads(each.body) for each in found]


def test_rows_of_one_order_that_lie_apart_are_one_receipt(
    concord: Concord, tmp_path: Path, engine: sa.Engine
) -> None:
    first, second = numbers(2)
    file = written(tmp_path / "a.csv", line(first, "1"), line(second), line(first, "2"))

    done = imported(concord, file, day="2026-09-22").kept

    assert done.state == api.Import.STATE_DONE
    assert (done.counts.rows, done.counts.orders, done.counts.stored) == (3, 2, 2)
    found = bodies(concord, engine, [first, second])
    assert [len(each["rows"]) for each in found] == [2, 1]  # type: ignore[arg-type]
    assert found[0]["day"] == "2026-09-22"
    assert found[0]["rows"][1]["子订单编号"] == f"{first}2"  # type: ignore[index]


def test_the_same_file_ten_times_changes_nothing(
    concord: Concord, tmp_path: Path, engine: sa.Engine
) -> None:
    orders = numbers(3)
    file = written(tmp_path / "a.csv", *map(line, orders))

    done = [imported(concord, file) for _ in range(10)]

    assert [each.was_known for each in done] == [False] + [True] * 9
    assert done[-1].kept.arrivals == 10
    assert done[-1].kept.counts == done[0].kept.counts
    assert len(bodies(concord, engine, orders)) == 3


def test_three_bad_rows_are_kept_and_named_corrected_and_run_alone(
    concord: Concord, tmp_path: Path, engine: sa.Engine
) -> None:
    good, cents, short = numbers(3)
    file = written(
        tmp_path / "a.csv",
        line(good),
        line(cents, paid="28,9元"),
        line("6.91793E+18"),
        f'"\t{short}",1',
        line(short, "2"),
    )

    done = imported(concord, file).kept

    kept = list(concord.imports.list_rows(done.name))
    assert [(each.number, api.ImportRow.Reason.Name(each.reason)) for each in kept] == [
        (3, "REASON_COLUMNS"),
        (4, "REASON_NUMBER_ROUNDED"),
        (5, "REASON_COLUMNS"),
        (6, "REASON_ORDER_INCOMPLETE"),
    ]
    assert bodies(concord, engine, [good, cents, short]) != []
    assert done.counts.stored == 1

    sheet = tmp_path / "bad.csv"
    fixing.export(done, kept, sheet)
    assert set(fixing.corrected(sheet)) == {3, 4, 5, 6}
    whole = line(short).replace('"', "").split(",")
    changed = {
        3: line(cents).replace('"', "").split(","),
        5: whole,
    }
    fixed = fixing.run_again(concord, done, kept, changed, at=NOON)

    assert fixed.sent == (3, 5, 6)
    assert [each.number for each in fixed.wrong] == [4]
    after = concord.imports.get(done.name)
    assert (after.counts.open, after.counts.fixed) == (1, 3)
    assert len(bodies(concord, engine, [cents, short])) == 2


def test_whoever_is_stopped_goes_on_without_a_doubled_or_lost_row(
    concord: Concord, tmp_path: Path, engine: sa.Engine
) -> None:
    orders = numbers(4_500)
    file = written(tmp_path / "a.csv", *map(line, orders))

    class Killed(BaseException):
        pass

    def die(_: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        imported(concord, file, Told(on_orders=die))
    done = imported(concord, file).kept

    assert done.state == api.Import.STATE_DONE
    assert done.counts.orders == 4_500
    with engine.connect() as connection:
        wanted = sa.text("SELECT count(*), count(DISTINCT order_hint) FROM receipts"
                         " WHERE order_hint = ANY(:orders)")  # fmt: skip
        assert tuple(connection.execute(wanted, {"orders": orders}).one()) == (4_500, 4_500)


def test_a_discount_above_eighty_percent_is_sent_and_noted(
    concord: Concord, tmp_path: Path
) -> None:
    (order,) = numbers(1)
    cheap = line(order, paid="10.00").replace("10.00,0.00,0.00", "10.00,0.00,90.00")

    done = imported(concord, written(tmp_path / "a.csv", cheap)).kept

    assert (done.counts.stored, done.counts.noted, done.counts.open) == (1, 1, 0)
    (row,) = concord.imports.list_rows(done.name)
    assert row.reason == api.ImportRow.REASON_DISCOUNT


def test_what_the_register_cannot_do_is_refused(concord: Concord, tmp_path: Path) -> None:
    done = imported(concord, written(tmp_path / "a.csv", line(numbers(1)[0]))).kept

    with pytest.raises(ImportNotFoundError):
        concord.imports.get("imports/imp-missing")
    with pytest.raises(ImportRowNotFoundError):
        concord.imports.settle_rows(done.name, [2])
    row = api.ImportRow(number=2, reason=api.ImportRow.REASON_CUT, text=b"[]")
    with pytest.raises(ImportNotInStateError):
        concord.imports.keep_rows(done.name, [row])


def test_a_file_that_is_not_here_is_told_of_once_and_counts_when_it_comes(
    concord: Concord, storing: Storing, tmp_path: Path
) -> None:
    feed_id = f"douyin-{uuid.uuid4().hex[:8]}"
    feed = feed_pb2.Feed(
        name=f"feeds/{feed_id}",
        channel="douyin",
        shop="flagship",
        mode=feed_pb2.Feed.MODE_FILE,
        template="douyin.orders.file",
        zone="Asia/Shanghai",
        owner="operations",
    )
    feed.begin_time.FromDatetime(datetime(2026, 9, 25, 4, tzinfo=UTC))
    concord.channels.create(feed)
    # 02:00 on the 26th in Shanghai.
    clock = FakeClock(datetime(2026, 9, 25, 18, tzinfo=UTC))

    def look() -> int:
        return FileWatch(storing.storage, ProtobufEncoder(), clock).look()

    assert look() == 0
    clock.pass_time(timedelta(minutes=31))
    assert look() == 1
    assert look() == 0
    (missing,) = concord.imports.list_expected(feed=feed.name).files
    assert (missing.day, missing.state) == ("2026-09-25", api.ExpectedFile.STATE_MISSING)
    (notice,) = concord.notices.list(recipient="role:operations", template="file_missing")
    assert notice.case

    imported(concord, written(tmp_path / "a.csv", line(numbers(1)[0])), day="2026-09-25")
    look()

    (came,) = concord.imports.list_expected(feed=feed.name).files
    assert came.state == api.ExpectedFile.STATE_CAME


def test_files_that_never_come_do_not_hide_one_that_is_due(storing: Storing) -> None:
    feed_id, first = f"closed-{uuid.uuid4().hex[:8]}", datetime(2020, 1, 1, 18, tzinfo=UTC)
    old = [
        ExpectedFile(
            feed_id=feed_id,
            day=(due_at := first + timedelta(days=day)).date(),
            channel="douyin",
            shop="closed",
            template="douyin.orders.file",
            owner="operations",
            due_at=due_at,
        )
        for day in range(LOOKED_AT_MOST)
    ]
    due = replace(old[0], day=date(2026, 11, 1), due_at=datetime(2026, 11, 1, 18, tzinfo=UTC))

    def work(unit: Unit) -> list[ExpectedFile]:
        unit.save_expected([each.missed(at=NOON) for each in old])
        unit.expect_files([due])
        return unit.expected_files(most=LOOKED_AT_MOST)

    assert due in storing.storage.transact(work)


def test_what_is_put_into_a_feeds_folder_is_imported_when_it_rests(
    concord: Concord, tmp_path: Path
) -> None:
    feed = feed_pb2.Feed(
        name="feeds/put-here", shop="put", template="douyin.orders.file", zone="Asia/Shanghai"
    )
    importer = FileImporter(concord, tmp_path / "work", lambda: NOON)
    watched = WatchedFolder(tmp_path / "in", importer, lambda: NOON)
    (tmp_path / "in" / "put-here").mkdir(parents=True)
    written(tmp_path / "in" / "put-here" / "2026-09-22.csv", line(numbers(1)[0]))
    (tmp_path / "in" / "put-here" / "wrong.csv").write_text("name,age\nli,3\n")

    assert not list(watched.look(iter([feed])))
    first, second = watched.look(iter([feed]))
    assert not list(watched.look(iter([feed])))

    assert first.imported is not None
    assert (first.imported.kept.shop, first.imported.kept.day) == ("put", "2026-09-22")
    assert second.refusal is not None
