"""The scan finds what it looks for: a scan that never finds anything proves nothing."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.canaries import ADDRESS, CANARIES, NAME, PHONE, PIECE, check_absent, in_bytes, in_file


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("before", ["", "x", "xy"])
def test_a_canary_is_found_however_it_is_spelled(canary: str, before: str) -> None:
    text = f"{before}{canary} and more"
    spelled = [
        text.encode(),
        text.encode("gbk"),
        json.dumps(text).encode(),
        repr(text.encode()).encode(),
        quote(text).encode(),
        base64.b64encode(text.encode()),
        text.encode().hex().encode(),
    ]

    for content in spelled:
        assert {one.canary for one in in_bytes(content, "log")} == {canary}, content


def test_a_canary_across_two_pieces_of_a_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b" " * (PIECE - 5) + PHONE.encode())

    assert [one.canary for one in in_file(path)] == [PHONE]


def test_what_is_no_canary_is_not_found() -> None:
    assert list(in_bytes(f"{PHONE[:-1]} {NAME[:-1]} {ADDRESS[1:]}".encode(), "log")) == []


def test_an_empty_place_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no spans"):
        check_absent(span_store=tmp_path, logs=[], metrics=[])
