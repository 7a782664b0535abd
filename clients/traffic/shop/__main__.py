"""`python -m clients.traffic.shop`: sells until SIGTERM or Ctrl-C."""

from __future__ import annotations

import itertools
import signal
import sys
import threading
from contextlib import closing as closing_of
from typing import Final

from clients.sdk import Concord, ConfigError, Identity
from clients.traffic.shop.config import Settings, now_us
from clients.traffic.shop.selling import CHANNEL, Shop
from clients.traffic.shop.stalls import TEMPLATES, Stalls
from clients.traffic.shop.till import FakeTill
from clients.traffic.shop.warehouse import Warehouse

EXIT_USAGE: Final = 2


def main() -> int:
    """Run a shop, and return its exit code."""
    try:
        settings = Settings.from_env()
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201  # There is no log to write it to.
        return EXIT_USAGE
    closing = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: closing.set())
    identity = Identity("shop", "system", CHANNEL)
    with (
        Concord(settings.service_address, identity=identity) as concord,
        FakeTill(settings.platforms_address) as till,
        closing_of(Stalls(settings.platforms_address, now_us, settings.run)) as stalls,
    ):
        shop = Shop(till, concord.intake, now_us, closing.wait, settings.run)
        warehouse = Warehouse(concord)
        stalls.open(concord.channels)
        rounds = itertools.count()
        while not closing.wait(1 / settings.rate):
            # Round robin: one order in the mini program, then one at each stall.
            if stalls.is_open and next(rounds) % (1 + len(TEMPLATES)):
                stalls.sell()
            else:
                shop.sell()
            warehouse.work()
    told = (
        f"Sold {shop.sold} orders, and {stalls.sold} on other channels, "
        f"sent {warehouse.sent}; {shop.outages} calls went unanswered."
    )
    print(told)  # noqa: T201  # As above.
    return 0


if __name__ == "__main__":
    sys.exit(main())
