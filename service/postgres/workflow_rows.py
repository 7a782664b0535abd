"""Every version of a workflow that this installation ever had, by its text.

A case that runs keeps the version that it began with, also when its file is gone or another
server of the same installation has a newer one.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from threading import Lock

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.domain.desk.workflows import Workflow
from service.postgres.translating import translated
from service.postgres.workflow_tables import workflow_versions


class VersionChangedError(Exception):
    """A version has another text than it had before."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        """Take every version that changed."""
        super().__init__(
            f"{', '.join(keys)}: another text than before; give the workflow a higher version,"
            " so that cases that run keep theirs"
        )


class WorkflowVersions(Mapping[str, Workflow]):
    """The workflows of the files; by key also those that only the database has any more."""

    def __init__(
        self,
        engine: sa.Engine,
        present: Mapping[str, Workflow],
        read: Callable[[str, str], Workflow],
    ) -> None:
        """Take what the files say, and what reads the text of a version."""
        self._engine = engine
        self._present = present
        self._read = read
        self._past: dict[str, Workflow] = {}
        self._is_kept = False
        self._lock = Lock()

    def keep(self, at: datetime) -> None:
        """Write down what is not yet; once, until it succeeded.

        Raises:
            VersionChangedError: a version is there with another text.
        """
        with self._lock:
            if self._is_kept or not self._present:
                return
            self._keep(at)
            self._is_kept = True

    def _keep(self, at: datetime) -> None:
        rows = [
            {"key": key, "digest": each.digest, "body": each.body, "first_seen_at": at}
            for key, each in sorted(self._present.items())
        ]
        table = workflow_versions
        with translated(), self._engine.begin() as connection:
            connection.execute(insert(table).on_conflict_do_nothing(), rows)
            known = connection.execute(
                sa.select(table.c.key, table.c.digest).where(table.c.key.in_(self._present))
            ).all()
            changed = tuple(
                sorted(row.key for row in known if row.digest != self._present[row.key].digest)
            )
            if changed:
                raise VersionChangedError(changed)

    def __getitem__(self, key: str) -> Workflow:
        """Return a version, or raise KeyError; `OutageError` where only the database could tell."""
        found = self._present.get(key) or self._past.get(key)
        if found is None:
            found = self._past[key] = self._fetched(key)
        return found

    def _fetched(self, key: str) -> Workflow:
        table = workflow_versions
        with translated(), self._engine.connect() as connection:
            body = connection.scalar(sa.select(table.c.body).where(table.c.key == key))
        if body is None:
            raise KeyError(key)
        return self._read(body, key)

    def __iter__(self) -> Iterator[str]:
        """Iterate over what new cases can begin with."""
        return iter(self._present)

    def __len__(self) -> int:
        """Count what new cases can begin with."""
        return len(self._present)
