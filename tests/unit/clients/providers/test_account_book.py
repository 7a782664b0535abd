"""Keys roll without a restart, and a change that cannot be used leaves the last good ones."""

import os
import threading
from pathlib import Path

import pytest

from clients.providers.accounts import AccountBook, AccountsError, WechatPayAccount
from tests.unit.clients.providers import account_files as files


class FakeMonotonic:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> FakeMonotonic:
    return FakeMonotonic()


def rewrite(path: Path, content: bytes) -> None:
    """Put a new file in the place of the old one, as deployments do."""
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(content)
    os.replace(fresh, path)


def api_v3_key(book: AccountBook) -> bytes:
    account = book.current().find("wechatpay", "wechat-main")
    assert isinstance(account, WechatPayAccount)
    return account.api_v3_key


def test_a_key_file_that_changes_is_read_again(tmp_path: Path, clock: FakeMonotonic) -> None:
    book = AccountBook(files.write(tmp_path), files.ENVIRON, clock)
    rewrite(tmp_path / "v3.key", b"f" * 32)

    assert api_v3_key(book) != b"f" * 32
    clock.now_s += 1

    assert api_v3_key(book) == b"f" * 32


def test_an_account_that_is_added_is_there_a_second_later(
    tmp_path: Path, clock: FakeMonotonic
) -> None:
    path = files.write(tmp_path)
    book = AccountBook(path, files.ENVIRON, clock)
    told = files.content()
    told["accounts"].append({**files.ACCOUNTS[-1], "name": "douyin-second"})
    files.write(tmp_path, told)

    clock.now_s += 1

    assert book.current().find("douyin_pay", "douyin-second")


def test_a_change_that_cannot_be_used_keeps_the_last_good_accounts(
    tmp_path: Path, clock: FakeMonotonic
) -> None:
    path = files.write(tmp_path)
    book = AccountBook(path, files.ENVIRON, clock)
    good = book.current()

    (tmp_path / "v3.key").unlink()
    clock.now_s += 1
    assert book.current() is good
    assert book.problems == (
        "accounts[0].api_v3_key.file v3.key cannot be read: No such file or directory",
    )

    clock.now_s += 1
    assert book.current() is good
    assert book.problems

    rewrite(tmp_path / "v3.key", b"f" * 32)
    clock.now_s += 1
    assert api_v3_key(book) == b"f" * 32
    assert book.problems == ()


def test_nothing_is_read_while_nothing_changes(tmp_path: Path, clock: FakeMonotonic) -> None:
    book = AccountBook(files.write(tmp_path), files.ENVIRON, clock)
    first = book.current()

    clock.now_s += 3600

    assert book.current() is first


def test_there_must_be_accounts_to_begin_with(tmp_path: Path, clock: FakeMonotonic) -> None:
    with pytest.raises(AccountsError):
        AccountBook(tmp_path / "accounts.yaml", {}, clock)


def test_threads_may_share_a_book(tmp_path: Path, clock: FakeMonotonic) -> None:
    book = AccountBook(files.write(tmp_path), files.ENVIRON, clock)
    rewrite(tmp_path / "v3.key", b"f" * 32)
    clock.now_s += 1
    keys: list[bytes] = []

    threads = [threading.Thread(target=lambda: keys.append(api_v3_key(book))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(keys) == 8
    assert api_v3_key(book) == b"f" * 32
