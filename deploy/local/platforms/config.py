"""What the process takes from its arguments and its environment."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from deploy.local.platforms.clock import Stamps

# Where a gateway listens in the embedded stack, when nobody says where.
GATEWAY: Final = "127.0.0.1:18080"


class SettingsError(Exception):
    """Settings are missing or malformed; the text names all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where to serve, whom to call, and how fast time passes."""

    address: str
    folder: Path
    public_url: str
    speed: float = 1.0
    stamps: Stamps = "wall"
    seed: str = "0"
    drop_share: float = 0.0
    ledger: Path | None = None
    """Where trades are kept over a restart; None: nowhere."""
    has_shops: bool = False
    """Whether the fake sales channels are served beside, under `/channels`."""

    @property
    def host(self) -> str:
        """The loopback address to listen on."""
        return self.address.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port to listen on."""
        return int(self.address.rpartition(":")[2])

    @property
    def api(self) -> str:
        """Where merchants ask."""
        return f"http://{self.address}"


def parse(arguments: list[str], environ: Mapping[str, str]) -> tuple[str, Settings]:
    """Return the command, `serve` or `keys`, and the settings.

    Raises:
        SettingsError: naming everything that is missing or malformed.
    """
    parser = argparse.ArgumentParser(prog="python -m deploy.local.platforms")
    parser.add_argument("command", nargs="?", choices=("serve", "keys"), default="serve")
    parser.add_argument("folder", nargs="?", help="of the keys and the accounts file")
    parser.add_argument("--address", help="host:port, loopback only")
    parser.add_argument("--public-url", help="of the gateway")
    parser.add_argument("--speed", type=float, default=1.0, help="provider seconds in a second")
    parser.add_argument("--stamps", choices=("wall", "provider"), default="wall")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--drop-share", type=float, default=0.0, help="of the notices, 0 to 1")
    parser.add_argument("--keep-trades", action="store_true", help="over a restart")
    parser.add_argument("--shops", action="store_true", help="serve the sales channels, too")
    given = parser.parse_args(arguments)
    address = given.address or environ.get("CONCORD_PLATFORMS_ADDRESS", "")
    data = environ.get("CONCORD_DATA_DIR", "")
    folder = given.folder or (f"{data}/platforms" if data else "")
    gateway = environ.get("CONCORD_GATEWAY_ADDRESS") or GATEWAY
    problems = []
    host, _, port = address.rpartition(":")
    if host not in ("127.0.0.1", "localhost", "[::1]") or not port.isdigit():
        problems.append(f"CONCORD_PLATFORMS_ADDRESS must be on loopback, and is {address!r}")
    if not folder:
        problems.append("a folder for the keys must be given, or CONCORD_DATA_DIR")
    if problems:
        raise SettingsError("; ".join(problems))
    settings = Settings(
        address=address,
        folder=Path(folder),
        public_url=given.public_url or f"http://{gateway}",
        speed=given.speed,
        stamps=cast(Stamps, given.stamps),
        seed=given.seed,
        drop_share=given.drop_share,
        ledger=Path(folder) / "trades.json" if given.keep_trades else None,
        has_shops=given.shops,
    )
    return given.command, settings
