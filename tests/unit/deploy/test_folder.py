"""The data folder keeps secrets to its owner, and tells a running stack from a dead one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.folder import MARKER, DataFolder
from deploy.local.process import UnusableError


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    made = DataFolder(tmp_path / "data")
    made.open()
    yield made
    made.release()


def test_a_folder_has_one_stack_at_a_time(folder: DataFolder) -> None:
    second = DataFolder(folder.path)

    assert folder.acquire()
    assert folder.is_in_use()
    assert not second.acquire()

    folder.release()
    assert not folder.is_in_use()
    assert second.acquire()
    second.release()


def test_a_folder_is_free_when_its_holder_is_killed(folder: DataFolder) -> None:
    hold = (
        "import fcntl, os, signal, sys\n"
        "lock = open(sys.argv[1], 'w'); fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run(["python3", "-c", hold, str(folder.path / MARKER)], check=False)

    assert not folder.is_in_use()
    assert folder.acquire()


def test_a_folder_that_was_never_used_is_free(tmp_path: Path) -> None:
    assert not DataFolder(tmp_path / "missing").is_in_use()


def test_passwords_are_made_once_and_only_the_owner_may_read_them(folder: DataFolder) -> None:
    folder.acquire()

    first = folder.passwords(["postgres", "valkey"])
    again = folder.passwords(["postgres", "broker"])

    assert first["postgres"] == again["postgres"]
    assert len(set(again.values())) == 3
    assert (folder.path / "passwords.json").stat().st_mode & 0o777 == 0o600


def test_the_environment_can_be_read_by_a_shell(folder: DataFolder) -> None:
    folder.acquire()
    folder.write_environment({"CONCORD_REDIS_URL": "redis://:pass@127.0.0.1:1/0"})

    shell = ["sh", "-c", f'. "{folder.environment_file}"; echo "$CONCORD_REDIS_URL"']
    said = subprocess.run(shell, check=True, capture_output=True, text=True).stdout

    assert said == "redis://:pass@127.0.0.1:1/0\n"
    assert folder.environment_file.stat().st_mode & 0o777 == 0o600


def test_a_shorter_state_replaces_a_longer_one(folder: DataFolder) -> None:
    folder.acquire()
    folder.write_state({"phase": "starting", "notes": "x" * 1000})
    folder.write_state({"phase": "ready"})

    assert folder.read_state() == {"phase": "ready"}


def test_a_state_that_was_cut_short_counts_as_none(folder: DataFolder) -> None:
    folder.state_file.write_text('{"phase": "rea')

    assert folder.read_state() == {}


def test_a_folder_with_other_files_is_neither_used_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    folder = DataFolder(tmp_path)

    with pytest.raises(UnusableError):
        folder.open()
    with pytest.raises(UnusableError):
        folder.delete()

    assert (tmp_path / "thesis.txt").exists()


def test_a_folder_of_ours_is_deleted_whole(folder: DataFolder) -> None:
    folder.acquire()
    folder.passwords(["postgres"])
    folder.release()

    folder.delete()

    assert not folder.path.exists()
