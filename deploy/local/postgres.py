"""PostgreSQL: its own cluster, loopback only, every connection by password (SCRAM)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.local import placement, probes
from deploy.local.ports import HOST
from deploy.local.process import NotReadyError, Spec, UnusableError, tied

ADMIN: Final = "postgres"
OWNER: Final = "concord"
DATABASE: Final = "concord"

# Linux allows 107 bytes for the path of a Unix socket.
SOCKET_PATH_MAX: Final = 107

# An immediate shutdown ends its children with SIGKILL after 5 s; a little more for the disk.
OLD_SERVER_GONE_WITHIN_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Postgres:
    """One cluster, and how to reach it."""

    folder: Path
    port: int
    admin_password: str
    owner_password: str
    is_durable: bool = True
    """False for tests: what a crash of the machine would lose then may be lost."""

    @property
    def url(self) -> str:
        """The application's database, as its owner."""
        return f"postgresql://{OWNER}:{self.owner_password}@{HOST}:{self.port}/{DATABASE}"

    @property
    def admin_url(self) -> str:
        """The maintenance database, as the superuser."""
        return f"postgresql://{ADMIN}:{self.admin_password}@{HOST}:{self.port}/postgres"

    def spec(self) -> Spec:
        """How to run it."""
        place = placement.place(self.folder)
        options = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": _socket_folder(place.data, self.port),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "fsync": "on" if self.is_durable else "off",
            # Said by the server itself, or the service does not serve.
            "concord.unsafe_settings": "" if self.is_durable else "fsync",
            # Two cores: three more processes would only take turns with the rest.
            "io_method": "sync",
            # Times in the log and in `psql` are those of the documents.
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        settings = [f"-c{name}={value}" for name, value in options.items()]
        return Spec(
            name="postgres",
            argv=(str(place.binaries / "postgres"), "-D", str(place.data), *settings),
            env=_environment(),
            probe=probes.postgres(self.admin_url),
            address=f"{HOST}:{self.port}",
            # "Fast": ends the sessions and writes a checkpoint. SIGTERM would wait for clients.
            stop_signal=signal.SIGINT,
            stop_within_s=10,
            # "Immediate": the postmaster takes its children with it, whatever they are doing.
            death_signal=signal.SIGQUIT,
            user=place.user,
            view=place.view,
            prepare=lambda: self._prepare(place),
            complete=self._complete,
        )

    def _prepare(self, place: placement.Placement) -> None:
        _await_end_of_old_server(place.folder / "postmaster.pid")
        if not (place.folder / "PG_VERSION").exists():
            self._make_cluster(place)

    def _make_cluster(self, place: placement.Placement) -> None:
        user = place.user
        reader, writer = os.pipe()
        os.write(writer, f"{self.admin_password}\n".encode())
        os.close(writer)
        if user is not None:
            os.fchown(reader, user.uid, user.gid)
        command = [
            *(str(place.binaries / "initdb"), "-D", str(place.data), "--username", ADMIN),
            # By a descriptor: on the command line every account of the machine could read it.
            *("--auth=scram-sha-256", f"--pwfile=/dev/fd/{reader}"),
            # The same order of text on every machine, whatever its locale is.
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin"),
            *("--builtin-locale=C.UTF-8", "--data-checksums"),
        ]
        if not self.is_durable:
            # Tests connect thousands of times, and nobody guesses the passwords that they make.
            command += ["--no-sync", "--set=scram_iterations=1"]
        try:
            made = subprocess.run(
                tied(command, signal.SIGKILL, user, place.view),
                check=False,
                capture_output=True,
                text=True,
                env=_environment(),
                pass_fds=(reader,),
                stdin=subprocess.DEVNULL,
            )
        finally:
            os.close(reader)
        if made.returncode != 0:
            raise UnusableError(f"initdb: {made.stderr.strip() or made.stdout.strip()}")

    def _complete(self) -> None:
        """Make the application's role and database; nothing if they are there."""
        with self._administer() as cursor:
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (OWNER,))
            if not cursor.rowcount:
                # Not a superuser: what the application needs, it must be able to do in a hosted
                # database too.
                cursor.execute(
                    f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE PASSWORD %s",
                    (self.owner_password,),
                )
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
            if not cursor.rowcount:
                cursor.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make a further database of the same owner, and return its address."""
        # Copied as files it takes half the work, and a checkpoint, which is quick without fsync.
        how = "WAL_LOG" if self.is_durable else "FILE_COPY"
        with self._administer() as cursor:
            cursor.execute(
                f'CREATE DATABASE "{name}" OWNER {OWNER} TEMPLATE "{template}" STRATEGY {how}'
            )
        return self.url.removesuffix(DATABASE) + name

    def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions on it."""
        with self._administer() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @contextlib.contextmanager
    def _administer(self) -> Iterator[Any]:
        """Give a cursor of the superuser, outside any transaction."""
        import psycopg2  # noqa: PLC0415  # See `probes`.

        try:
            connection = psycopg2.connect(self.admin_url, connect_timeout=2)
        except psycopg2.OperationalError as error:
            raise NotReadyError(str(error).strip()) from error
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()


def _environment() -> dict[str, str]:
    # None of the caller's: PG* variables would change what initdb and postgres do.
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _socket_folder(data: Path, port: int) -> str:
    """Return where the Unix socket goes; nowhere if the path is too long for one."""
    socket = data / f".s.PGSQL.{port}"
    return str(data) if len(os.fsencode(socket)) <= SOCKET_PATH_MAX else ""


def _await_end_of_old_server(pid_file: Path) -> None:
    """Wait for the server of a killed stack to end; drop a pid file that nobody stands behind.

    The number in the file may belong to any process by then (after a restart of the machine it
    often does), and PostgreSQL would refuse to start.
    """
    deadline = time.monotonic() + OLD_SERVER_GONE_WITHIN_S
    while True:
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if not _is_postgres(pid):
            pid_file.unlink(missing_ok=True)
            return
        if time.monotonic() > deadline:
            raise UnusableError(f"another server (process {pid}) runs on {pid_file.parent}")
        time.sleep(0.05)


def _is_postgres(pid: int) -> bool:
    proc = Path("/proc")
    if (proc / "self").exists():
        with contextlib.suppress(OSError):
            return "postgres" in (proc / str(pid) / "comm").read_text()
        return False
    command = ["ps", "-o", "comm=", "-p", str(pid)]
    return "postgres" in subprocess.run(command, check=False, capture_output=True, text=True).stdout
