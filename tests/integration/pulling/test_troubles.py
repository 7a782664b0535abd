"""What goes wrong with a platform, a token, a clock or our own process costs no order.

Each platform has its bad days: polls in which anything may happen at any call, by a seed. What
came is then held against what an untroubled reader of the whole time finds. The everyday slice
is a day for each platform; `long` has many, and each trouble by itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from clients.connectors.pulling.puller import Puller
from clients.connectors.pulling.register import Tally, Told
from concord.channels.v1.feed_pb2 import Feed
from concord.channels.v1.run_pb2 import ReportRunRequest, Run
from deploy.local.channels.faults import Fault
from tests.integration.pulling.world import EVERY, FakeRegister, World

PLATFORMS = tuple(EVERY)
# Their tokens are got by asking; those of the others are rolled by people, in files.
LOGGED_IN = ("wechat_channels", "mini", "amazon")
TROUBLES = tuple(each for each in Fault if each not in (Fault.TIMEOUT, Fault.EMPTY))
STEP = timedelta(minutes=5)
CLOCKS_S = (0, 0, -900, 900)
PLACES = ("before a page is asked", "before submitting", "after submitting", "after reporting")


class KilledError(BaseException):
    """The process is no more: nothing of it catches this."""


@dataclass
class Mortal:
    """A register, and a platform, whose puller dies at the n-th passing of a place."""

    inner: Any
    place: str
    countdown: int

    def pass_by(self, place: str) -> None:
        if place == self.place:
            self.countdown -= 1
            if not self.countdown:
                raise KilledError

    async def page(self, account: Any, query: Any) -> Any:  # noqa: ANN401  # Whatever it is.
        self.pass_by(PLACES[0])
        return await self.inner.page(account, query)

    async def submit(self, feed: Feed, account: str, messages: Any, at: Any) -> list[bool]:  # noqa: ANN401  # As above.
        self.pass_by(PLACES[1])
        were_known: list[bool] = await self.inner.submit(feed, account, messages, at)
        self.pass_by(PLACES[2])
        return were_known

    async def report(self, run: Run, told: Told, tally: Tally) -> Run:
        after: Run = await self.inner.report(run, told, tally)
        self.pass_by(PLACES[3])
        return after

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # As above.
        return getattr(self.inner, name)


async def killed(world: World, platform: str, place: str, nth: int) -> bool:
    """Poll with a puller that dies there; return whether it got so far."""
    puller = world.pullers.pop(platform, None) or world.puller(platform)
    mortal = Mortal(puller.platform, place, nth), Mortal(puller.register, place, nth)
    world.pullers[platform] = Puller(
        platform=mortal[0],
        caller=puller.caller,
        register=mortal[1],  # type: ignore[arg-type]  # As the fake that it wraps.
        book=puller.book,
        metrics=puller.metrics,
        clock=puller.clock,
        monotonic=puller.monotonic,
    )
    try:
        await world.poll(platform)
    except KilledError:
        return True
    finally:
        # Another process begins, and knows nothing: neither tokens nor the platform's clock.
        del world.pullers[platform]
    return False


async def until_all_came(world: World, platform: str, numbers: list[str], polls: int = 12) -> None:
    """Poll until every order came."""
    for _ in range(polls):
        report = await world.poll(platform)
        is_complete = report.result == ReportRunRequest.RESULT_COMPLETED
        if is_complete and set(world.register.orders()) >= set(numbers):
            return
        world.time.go_on(minutes=5)
    raise AssertionError(f"missing: {sorted(set(numbers) - set(world.register.orders()))}")


async def hold_against_an_untroubled_reader(world: World, platform: str) -> None:
    """Hold that each content that stands there came, and nothing that never stood there."""
    known = world.register.receipts
    world.register, world.pullers = FakeRegister(), {}
    report = await world.pull(platform, world.feeds["began"], world.time.at - timedelta(minutes=4))
    assert report.result == ReportRunRequest.RESULT_COMPLETED, (report.result, report.code)
    assert set(world.register.receipts) <= set(known)


def open_for_business(world: World, platform: str, *, theirs_s: int = 0, ours_s: int = 0) -> None:
    """Let the feed begin, with clocks that are so far off."""
    world.page_size = 4
    booth = world.booth(platform)
    booth.skew, world.time.skew = timedelta(seconds=theirs_s), timedelta(seconds=ours_s)
    booth.faults.timeout_s = 0.3
    world.feeds["began"] = world.feeds[EVERY[platform]] = booth.now() - timedelta(minutes=10)


async def a_bad_day(world: World, platform: str, seed: int, polls: int) -> None:
    """Sell, change, fail, be throttled, be killed; then let everything be well again."""
    dice = Random(f"{platform} {seed}")  # noqa: S311  # Misfortune need not be secret.
    open_for_business(world, platform, theirs_s=dice.choice(CLOCKS_S), ours_s=dice.choice(CLOCKS_S))
    booth, shop = world.booth(platform), world.shop(platform)
    changes: Counter[str] = Counter()

    def touch() -> None:
        if platform != "mini" and changes:
            number = dice.choice(sorted(changes))
            shop.touch(number, at=booth.now())
            changes[number] += 1

    for poll in range(polls):
        for _ in range(dice.randrange(7)):
            changes[shop.sell(at=booth.now()).number] += 1
            world.time.go_on(seconds=dice.randrange(40))
        touch()
        for _ in range(dice.randrange(3)):
            booth.faults.plan(
                dice.choice(TROUBLES), times=dice.choice((1, 1, 2, 9)), after=dice.randrange(6)
            )
        booth.faults.meanwhile(touch, after=dice.randrange(1, 6))
        is_rolled = poll % 5 == 3
        if is_rolled:
            world.channels.roll_token(platform, is_told=platform in LOGGED_IN)
        if dice.random() < 0.5:
            await killed(world, platform, dice.choice(PLACES), dice.randrange(1, 4))
        else:
            await world.poll(platform)
        if is_rolled:
            world.channels.tell_token(platform)
        world.time.go_on(seconds=STEP.total_seconds())

    booth.faults.clear()
    world.time.go_on(minutes=60)
    await until_all_came(world, platform, list(changes))
    came = Counter(world.register.orders())
    assert set(came) == set(changes)
    assert all(came[number] <= changes[number] for number in changes), "one content came twice"
    await hold_against_an_untroubled_reader(world, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_bad_day_costs_no_order_and_doubles_none(world: World, platform: str) -> None:
    await a_bad_day(world, platform, seed=0, polls=8)


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("seed", range(1, 26))
async def test_many_bad_days_cost_no_order_and_double_none(
    world: World, platform: str, seed: int
) -> None:
    await a_bad_day(world, platform, seed, polls=24)


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("fault", TROUBLES)
@pytest.mark.parametrize("times", [1, 9])
async def test_each_trouble_by_itself_costs_no_order(
    world: World, platform: str, fault: Fault, times: int
) -> None:
    open_for_business(world, platform)
    numbers = [world.shop(platform).sell(at=world.time.at).number for _ in range(7)]
    world.booth(platform).faults.plan(fault, times=times, after=1)
    world.time.go_on(minutes=5)

    await until_all_came(world, platform, numbers)

    assert sorted(world.register.orders()) == sorted(numbers)


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("place", PLACES)
async def test_a_puller_that_is_killed_anywhere_costs_no_order(
    world: World, platform: str, place: str
) -> None:
    open_for_business(world, platform)
    numbers = [world.shop(platform).sell(at=world.time.at).number for _ in range(14)]
    world.time.go_on(minutes=5)

    # At its first passing of the place, at its second … until it comes through.
    nth = 1
    while await killed(world, platform, place, nth):
        nth += 1
    await until_all_came(world, platform, numbers)

    assert nth > 1
    assert sorted(world.register.orders()) == sorted(numbers)


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_silence_is_given_up_and_costs_no_order(world: World, platform: str) -> None:
    open_for_business(world, platform)
    numbers = [world.shop(platform).sell(at=world.time.at).number]
    world.booth(platform).faults.plan(Fault.TIMEOUT)
    world.time.go_on(minutes=5)

    await until_all_came(world, platform, numbers)

    assert world.register.orders() == numbers


@pytest.mark.parametrize("platform", [each for each in PLATFORMS if each not in LOGGED_IN])
async def test_an_old_token_is_refused_until_the_file_has_the_next(
    world: World, platform: str
) -> None:
    open_for_business(world, platform)
    numbers = [world.shop(platform).sell(at=world.time.at).number]
    world.time.go_on(minutes=5)
    world.channels.roll_token(platform, is_told=False)

    refused = await world.poll(platform)
    world.channels.tell_token(platform)
    world.time.go_on(minutes=5)

    assert (refused.result, refused.code) == (ReportRunRequest.RESULT_REFUSED, "TOKEN_EXPIRED")
    await until_all_came(world, platform, numbers)
    assert world.register.orders() == numbers


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("theirs_s", [0, -900, 900])
@pytest.mark.parametrize("ours_s", [0, -1200, 1200])
async def test_clocks_that_are_off_cost_no_order(
    world: World, platform: str, theirs_s: int, ours_s: int
) -> None:
    open_for_business(world, platform, theirs_s=theirs_s, ours_s=ours_s)
    booth, numbers = world.booth(platform), []

    # The platform stamps what it sells by its own clock.
    for _ in range(12):
        numbers.append(world.shop(platform).sell(at=booth.now()).number)
        world.time.go_on(minutes=5)
        await world.poll(platform)
    world.time.go_on(minutes=60)
    await until_all_came(world, platform, numbers)

    assert sorted(world.register.orders()) == sorted(numbers)
