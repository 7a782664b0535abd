"""A log is bounded on disk and in memory, whatever a process writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local import logs
from deploy.local.logs import Log


def test_only_the_last_lines_stay_in_memory(tmp_path: Path) -> None:
    log = Log(tmp_path / "a.log")

    log.write(b"".join(b"%d\n" % number for number in range(logs.TAIL_LINES + 5)))
    log.close()

    assert log.tail[0] == "5"
    assert len(log.tail) == logs.TAIL_LINES


def test_a_line_arrives_whole_however_it_was_cut(tmp_path: Path) -> None:
    lines: list[str] = []
    log = Log(tmp_path / "a.log", lines.append)
    text = "待支付 → 支付中\n".encode()

    for position in range(len(text)):
        log.write(text[position : position + 1])
    log.close()

    assert lines == ["待支付 → 支付中"]


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    log = Log(tmp_path / "a.log")

    log.write(b"\xff\xfe\n")
    log.close()

    assert list(log.tail) == ["\ufffd\ufffd"]


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    lines: list[str] = []
    log = Log(tmp_path / "a.log", lines.append)

    log.write(b"x" * (logs.LINE_BYTES_MAX + 1))
    log.close()

    assert [len(line) for line in lines] == [logs.LINE_BYTES_MAX + 1]


def test_a_file_that_grew_too_long_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LOG_BYTES_MAX", 10)
    log = Log(tmp_path / "a.log")

    for line in (b"the first line\n", b"the second line\n", b"3\n"):
        log.write(line)
    log.close()

    assert (tmp_path / "a.log").read_bytes() == b"3\n"
    assert (tmp_path / "a.log.1").read_bytes() == b"the second line\n"
