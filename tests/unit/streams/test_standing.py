"""A worker that stands still says where its threads and tasks stand."""

from __future__ import annotations

import asyncio
import threading

from streams.standing import Stand, stands


async def wait_for(event: asyncio.Event) -> None:
    await event.wait()


async def outer(event: asyncio.Event) -> None:
    await wait_for(event)


def block(there: threading.Event, until: threading.Event) -> None:
    there.set()
    until.wait(20)


def found(kind: str, innermost: str, all_of_them: list[Stand]) -> list[Stand]:
    return [
        each
        for each in all_of_them
        if each.kind == kind and any(innermost in place for place in each.places)
    ]


async def test_tasks_at_one_place_are_told_once_with_all_that_awaits() -> None:
    event = asyncio.Event()
    tasks = [asyncio.create_task(outer(event)) for _ in range(3)]
    await asyncio.sleep(0)

    [told] = found("task", "wait_for", list(stands([asyncio.get_running_loop()])))

    assert told.count == 3
    assert [place.split()[-1] for place in told.places] == ["outer", "wait_for", "wait"]
    assert told.places[0].startswith("unit/streams/test_standing.py:")
    event.set()
    await asyncio.gather(*tasks)


def test_a_thread_is_told_with_where_it_came_through() -> None:
    there, until = threading.Event(), threading.Event()
    thread = threading.Thread(target=block, args=(there, until))
    thread.start()
    assert there.wait(20)

    told = found("thread", "test_standing.py", list(stands([])))
    until.set()
    thread.join()

    assert len(told) == 1
    names = [place.split()[-1] for place in told[0].places]
    assert names.index("run") < names.index("block")
