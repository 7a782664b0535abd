"""The embedded stack as a user meets it: a command, its output, its files, and what it leaves.

Most of it runs the servers alone, which is quick; the whole stack is started at the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
import redis

from deploy.local import ports
from deploy.local.stack import EmbeddedServers

SERVERS_ONLY = ("--servers-only",)

# The acceptance criterion is 20 s on two idle cores; the other test worker takes one of them.
READY_WITHIN_S = 60.0


class Running:
    """`python -m deploy.local up` in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.folder = folder / "data"
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "CONCORD_DATA_DIR": str(self.folder),
            **variables,
        }
        self.lines: list[str] = []
        self.process = self._popen("up", *arguments)
        threading.Thread(target=self._read, daemon=True).start()

    def _popen(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.local", *arguments],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            self.lines.extend(line.rstrip("\n") for line in self.process.stdout)

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def until_ready(self) -> None:
        until(lambda: "\nready in" in self.output or self.process.poll() is not None)
        assert self.process.poll() is None, self.output

    def until_ended(self) -> int:
        return self.process.wait(READY_WITHIN_S)

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        asking = self._popen(*arguments)
        output, _ = asking.communicate(timeout=READY_WITHIN_S)
        return subprocess.CompletedProcess(arguments, asking.returncode, output)

    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state.json").read_text())

    def variables(self) -> dict[str, str]:
        text = (self.folder / "environment").read_text()
        return dict(re.findall(r"export (\w+)='(.*)'", text))

    def family(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(READY_WITHIN_S)


def until(condition: Callable[[], bool], within_s: float = READY_WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        pause.wait(0.05)


def hosts_listened_on(family: list[psutil.Process]) -> list[str]:
    return [
        # gRPC listens with IPv6 sockets, on the mapped address.
        connection.laddr.ip.removeprefix("::ffff:")
        for process in family
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM
    ]


def is_gone(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start_one(*arguments: str, **variables: str) -> Running:
        started.append(Running(tmp_path, *arguments, **variables))
        return started[-1]

    yield start_one
    for running in started:
        running.end()


@pytest.fixture
def servers_only(start: Callable[..., Running]) -> Running:
    """A stack of this test's own, to be ended or broken."""
    running = start(*SERVERS_ONLY)
    running.until_ready()
    return running


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A stack that the tests only look at."""
    running = Running(tmp_path_factory.mktemp("stack"), *SERVERS_ONLY)
    running.until_ready()
    yield running
    running.end()


def test_it_tells_what_is_ready_where_and_what_to_try(untouched: Running) -> None:
    for name in ("postgres", "valkey", "broker"):
        assert re.search(rf"{name} +✓ +\d+\.\d s +127\.0\.0\.1:\d+", untouched.output)
    assert "\033" not in untouched.output, "colours are for terminals"


def test_nothing_listens_beyond_loopback(untouched: Running) -> None:
    listening = hosts_listened_on(untouched.family())

    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}


def test_the_database_wants_its_password(untouched: Running) -> None:
    url = untouched.variables()["CONCORD_DATABASE_URL"]
    address = url.rpartition("@")[2]

    psycopg2.connect(url).close()
    for intruder in ("concord:wrong@", "concord@", "postgres@"):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(f"postgresql://{intruder}{address}", passfile="/dev/null")


def test_the_database_wants_its_password_over_the_socket_too(untouched: Running) -> None:
    port = untouched.variables()["CONCORD_DATABASE_URL"].rpartition(":")[2].partition("/")[0]
    sockets = list((untouched.folder / "postgres").glob(f".s.PGSQL.{port}"))

    for path in sockets:
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(
                host=str(path.parent), port=port, user="postgres", passfile="/dev/null"
            )


def test_valkey_wants_its_password(untouched: Running) -> None:
    url = untouched.variables()["CONCORD_REDIS_URL"]
    address = url.rpartition("@")[2]

    with redis.Redis.from_url(url) as client:
        assert client.ping()
    with (
        redis.Redis.from_url(f"redis://{address}") as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    with (
        redis.Redis.from_url(f"redis://:wrong@{address}") as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_passwords_are_in_private_files_and_nowhere_else(untouched: Running) -> None:
    passwords = json.loads((untouched.folder / "passwords.json").read_text()).values()

    shown = [untouched.output, untouched.ask("status").stdout]
    shown += [" ".join(process.cmdline()) for process in untouched.family()]
    shown += [path.read_text() for path in untouched.folder.glob("logs/*")]
    assert not [text for text in shown for password in passwords if password in text]

    for path in untouched.folder.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"


@pytest.fixture(autouse=True, scope="module")
def hearing_a_hang_up() -> Iterator[None]:
    """Let processes hear SIGHUP, also where the tests themselves run under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_ends_everything(servers_only: Running, number: signal.Signals) -> None:
    family = servers_only.family()

    servers_only.process.send_signal(number)

    assert servers_only.until_ended() == 0
    assert all(is_gone(process) for process in family)
    assert not (servers_only.folder / "state.json").exists()


def test_nothing_survives_the_death_of_the_supervisor(servers_only: Running) -> None:
    connection = psycopg2.connect(servers_only.variables()["CONCORD_DATABASE_URL"])
    busy = threading.Thread(target=keep_a_backend_busy, args=[connection])
    busy.start()
    until(lambda: any("SELECT" in " ".join(process.cmdline()) for process in servers_only.family()))
    family = servers_only.family()

    servers_only.process.kill()

    assert servers_only.until_ended() == -signal.SIGKILL
    until(lambda: all(is_gone(process) for process in family), within_s=10)
    busy.join(10)
    connection.close()
    assert servers_only.ask("status").returncode == 3
    assert not [port for port in ports_of(servers_only) if not ports.is_free(port)]


def keep_a_backend_busy(connection: psycopg2.extensions.connection) -> None:
    with contextlib.suppress(psycopg2.OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM generate_series(1, 10000000000)")


def ports_of(running: Running) -> list[int]:
    addresses = running.state()["addresses"]
    return [int(re.findall(r":(\d+)", addresses[name])[0]) for name in addresses]


def test_a_killed_server_comes_back(servers_only: Running) -> None:
    for name in ("postgres", "valkey", "broker"):
        pid = servers_only.state()["processes"][name]["pid"]
        os.kill(pid, signal.SIGKILL)

    until(
        lambda: all(
            process["restarts"] >= 1 and process["state"] == "ready"
            for process in servers_only.state()["processes"].values()
        )
    )
    psycopg2.connect(servers_only.variables()["CONCORD_DATABASE_URL"]).close()


def test_a_second_one_finds_the_first(untouched: Running) -> None:
    second = untouched.ask("up", *SERVERS_ONLY)

    assert second.returncode == 0
    assert f"up already (process {untouched.process.pid})" in second.stdout
    assert untouched.state()["addresses"]["postgres"] in second.stdout
    assert untouched.process.poll() is None


def test_a_program_is_told_in_json(untouched: Running) -> None:
    for question in ("up", "status"):
        answer = json.loads(untouched.ask(question, "--json").stdout.splitlines()[-1])

        assert answer["phase"] == "ready"
        assert answer["addresses"] == untouched.state()["addresses"]


def test_down_ends_it_and_is_content_when_nothing_runs(servers_only: Running) -> None:
    first = servers_only.ask("down", "--json")
    servers_only.until_ended()
    second = servers_only.ask("down", "--json")

    assert (first.returncode, json.loads(first.stdout)) == (0, {"was_running": True})
    assert (second.returncode, json.loads(second.stdout)) == (0, {"was_running": False})


def test_data_survives_a_restart_and_ends_with_clean(start: Callable[..., Running]) -> None:
    for expected in (1, 2):
        running = start(*SERVERS_ONLY)
        running.until_ready()
        url = running.variables()["CONCORD_DATABASE_URL"]
        with (
            contextlib.closing(psycopg2.connect(url)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("CREATE TABLE IF NOT EXISTS visits (at timestamptz)")
            cursor.execute("INSERT INTO visits VALUES (now())")
            cursor.execute("SELECT count(*) FROM visits")
            assert cursor.fetchone() == (expected,)
        if expected == 1:
            running.end()

    assert running.ask("clean").returncode == 0
    assert running.until_ended() == 0
    assert not running.folder.exists()


def test_a_taken_port_is_replaced_and_reported(start: Callable[..., Running]) -> None:
    preferred = ports.PREFERRED["broker"]
    with contextlib.ExitStack() as stack:
        if ports.is_free(preferred):
            stack.enter_context(socket.create_server((ports.HOST, preferred)))
        running = start(*SERVERS_ONLY)
        running.until_ready()

    assert f"port {preferred} is taken, so broker has" in running.output
    assert running.state()["addresses"]["broker"] != f"{ports.HOST}:{preferred}"


def test_an_own_server_is_used_and_not_started(
    start: Callable[..., Running], servers: EmbeddedServers
) -> None:
    running = start(*SERVERS_ONLY, CONCORD_DATABASE_URL=servers.database_url)
    running.until_ready()

    assert "postgres" not in running.state()["processes"]
    assert "postgres   your own" in running.output


def test_an_own_server_that_does_not_answer_is_named(start: Callable[..., Running]) -> None:
    # The port of tcpmux, which nobody has had for decades.
    running = start(*SERVERS_ONLY, CONCORD_KAFKA_BOOTSTRAP="127.0.0.1:1")

    assert running.until_ended() == 1
    until(lambda: "your own broker does not answer" in running.output)


def test_all_it_writes_is_in_its_data_folder(untouched: Running) -> None:
    assert list(untouched.home.rglob("*")) == []


def test_a_folder_with_other_files_is_refused(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").touch()

    running = start(*SERVERS_ONLY)

    assert running.until_ended() == 1
    assert list((tmp_path / "data").iterdir()) == [tmp_path / "data" / "thesis.txt"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_whole_stack_gets_ready_and_leaves_nothing(start: Callable[..., Running]) -> None:
    running = start()
    until(lambda: "\nready in" in running.output or running.process.poll() is not None, 200)
    family = running.family()

    assert running.process.poll() is None, running.output
    for name in ("migrate", "service", "relay", "streams", "traffic"):
        assert re.search(rf"{name} +✓", running.output)
    assert re.search(r"concord order explain ord-", running.output)
    assert set(hosts_listened_on(family)) == {"127.0.0.1"}

    running.process.send_signal(signal.SIGINT)

    assert running.until_ended() == 0
    assert all(is_gone(process) for process in family)
    assert list(running.home.rglob("*")) == []
