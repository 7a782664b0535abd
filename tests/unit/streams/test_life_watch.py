"""A worker of an older life of the broker ends, whatever its agents see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.guard import EXIT_NEW_LIFE
from streams.life_watch import LifeWatch


def die(code: int) -> NoReturn:
    raise SystemExit(code)


def look(told: Sequence[int | Exception | None]) -> None:
    """Look as often as there is something to tell."""
    rest = list(told)

    async def read() -> int | None:
        each = rest.pop(0)
        if not rest:
            watching.stop()
        if isinstance(each, Exception):
            raise each
        return each

    watching = LifeWatch(epoch=2, read=read, die=die, every_s=0.001)
    watching.run()


def test_a_newer_life_ends_the_worker() -> None:
    with pytest.raises(SystemExit) as ended:
        look([2, 3, 3])

    assert ended.value.code == EXIT_NEW_LIFE


def test_its_own_life_and_an_older_one_do_not() -> None:
    look([2, 1, 2])


def test_a_broker_that_is_away_or_says_nothing_yet_does_not() -> None:
    look([KafkaConnectionError(), None, TimeoutError(), OSError(), 2])
