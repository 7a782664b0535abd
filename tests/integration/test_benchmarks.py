"""The table of measurements has its shape; what the figures are is for no test to say."""

from __future__ import annotations

import pytest

from benchmarks import __main__ as bench
from benchmarks.__main__ import MeasurementError
from benchmarks.ratios import COLUMNS, Ratio, Size

SOME = Ratio("one", "another", 2.0, 4.0, aim=0.4, ours_cpu_us=10.0, theirs_cpu_us=5.0)


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_relay_is_measured_beside_a_bare_producer() -> None:
    (line,) = bench.run("relay", Size.SMALL)

    assert line.ours > 0
    assert line.theirs > 0
    assert line.ours_cpu_us
    assert "5,000 rows" in line.note


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", bench.names())
def test_every_measurement_gives_its_lines(name: str) -> None:
    lines = bench.run(name, Size.SMALL)

    assert lines
    assert all(line.ours > 0 and line.theirs > 0 for line in lines)


def test_a_measurement_that_fails_says_why_and_spares_the_others() -> None:
    with pytest.raises(MeasurementError, match=r"No module named 'benchmarks\.nothing'"):
        bench.run("nothing", Size.SMALL)

    header, _, first, failed = bench.whole([SOME], {"nothing": "no | word"}).splitlines()
    assert cells(header) == list(COLUMNS)
    assert cells(first)[:6] == ["one", "another", "2", "4", "0.50", "≥ 0.4"]
    assert cells(failed) == ["nothing", *[""] * 7, "failed: no / word"]


def test_one_failure_ends_the_whole_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(name: str, size: Size) -> list[Ratio]:
        assert size is Size.SMALL
        if name == "relay":
            raise MeasurementError("no broker")
        return [SOME]

    monkeypatch.setattr(bench, "run", run)

    code = bench.main(["--only", "stages", "relay", "--size", "small"])

    printed = capsys.readouterr().out
    assert code == 1
    assert "- machine: " in printed
    assert "- PostgreSQL: " in printed
    assert "| one | another |" in printed
    assert "failed: no broker" in printed


def test_every_measurement_is_found_by_its_name() -> None:
    assert set(bench.names()) == {
        *("batches", "callback_burst", "end_to_end", "footprint", "growth", "importing"),
        *("modes", "relay", "stages", "tracing", "unary", "workers"),
    }
