"""Keeps which files are expected, and finds what brought them."""

from collections.abc import Sequence
from datetime import time
from typing import Any, Final

import sqlalchemy as sa

from service.domain.imports.expecting import ExpectedFile, ExpectedState, FileFeed
from service.postgres import bulk, driver
from service.postgres import import_tables as tables
from service.postgres.feed_documents import feed_from

_PLAIN: Final = (
    "feed_id",
    "day",
    "channel",
    "shop",
    "template",
    "owner",
    "due_at",
    "import_id",
    "missed_at",
)
_FEEDS: Final = "SELECT * FROM feeds WHERE mode = 'FILE' AND state = 'ACTIVE' ORDER BY feed_id"
# What never comes stays open for good: the newest first, or it would hide all that is due.
_OPEN: Final = (
    "SELECT * FROM expected_files WHERE state <> 'CAME' ORDER BY due_at DESC, feed_id"
    " LIMIT %(most)s FOR UPDATE SKIP LOCKED"
)
# Of several files for a day, the first that was read to its end.
_BROUGHT: Final = (
    "SELECT DISTINCT ON (e.feed_id, e.day) e.feed_id, e.day, i.import_id"
    " FROM expected_files AS e JOIN imports AS i ON i.channel = e.channel AND i.shop = e.shop"
    " AND i.template = e.template AND i.day = to_char(e.day, 'YYYY-MM-DD') AND i.state = 'DONE'"
    " WHERE e.state <> 'CAME' AND e.due_at >= %(since)s ORDER BY e.feed_id, e.day, i.ended_at"
)


class ExpectedRows:
    """The part of a transaction that knows which files are expected."""

    _connection: sa.Connection

    def file_feeds(self) -> list[FileFeed]:
        """Return the active feeds that bring a file for each day."""
        return [_feed(row) for row in driver.named(self._connection, _FEEDS)]

    def expect_files(self, files: Sequence[ExpectedFile]) -> None:
        """Write down what is expected, each file once."""
        rows = [_columns(each) for each in sorted(files, key=lambda each: each.key)]
        then = "ON CONFLICT (feed_id, day) DO NOTHING"
        bulk.insert(self._connection, tables.expected_files, rows, then=then)

    def expected_files(self, *, most: int) -> list[ExpectedFile]:
        """Lock and return files that did not come, newest first; passes over locked ones."""
        return [expected_from(row) for row in driver.named(self._connection, _OPEN, {"most": most})]

    def imports_for(self, files: Sequence[ExpectedFile]) -> dict[str, str]:
        """Return the import that brought each of these files, by their keys."""
        if not files:
            return {}
        wanted = {each.key for each in files}
        since = min(each.due_at for each in files)
        found = driver.rows(self._connection, _BROUGHT, {"since": since})
        brought = {f"{feed_id}/{day.isoformat()}": name for feed_id, day, name in found}
        return {key: name for key, name in brought.items() if key in wanted}

    def save_expected(self, files: Sequence[ExpectedFile]) -> None:
        """Store what became of (locked) files."""
        bulk.upsert(self._connection, tables.expected_files, [_columns(each) for each in files])


def _feed(row: Any) -> FileFeed:  # noqa: ANN401  # a row mapping
    feed = feed_from(row)
    return FileFeed(
        feed_id=feed.feed_id,
        channel=feed.channel,
        shop=feed.shop,
        template=feed.template,
        zone=feed.zone,
        owner=feed.owner,
        due=time.fromisoformat(feed.schedule.file_due),
        days_after=feed.schedule.file_days_after,
        begins_at=feed.begin_at,
    )


def expected_from(row: Any) -> ExpectedFile:  # noqa: ANN401  # a row mapping
    """Return columns as an expected file."""
    return ExpectedFile(**{name: row[name] for name in _PLAIN}, state=ExpectedState(row["state"]))


def _columns(file: ExpectedFile) -> dict[str, Any]:
    return {**{name: getattr(file, name) for name in _PLAIN}, "state": file.state.value}
