"""How badly a platform behaves: shares of what goes wrong, drawn from a seed.

What becomes of a notice is drawn from the seed and the notice's own name, not from the order in
which notices come about: two runs with the same orders lose the same ones, however they race.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from deploy.local.platforms.trades import RefundState


class Fault(enum.StrEnum):
    """How a question is answered when it is not answered."""

    TOO_MANY = "too_many"
    """429, or what the platform has for it."""
    SERVER_ERROR = "server_error"
    """5xx."""
    TIMEOUT = "timeout"
    """No answer for `timeout_s`, then a closed connection."""
    HTML = "html"
    """A proxy's page where JSON should be."""
    ERROR_200 = "error_200"
    """HTTP 200 around a failure; a 5xx where a platform has no such thing."""
    WRONG_SIGNATURE = "wrong_signature"
    """The right answer under another's signature; a 5xx where answers are not signed."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What goes wrong, and how often: shares from 0 to 1, seconds of provider time."""

    drop_share: float = 0.0
    """Notices of which the first `drop_attempts` attempts are lost on the way."""
    drop_attempts: int | None = None
    """None: all of them."""
    double_share: float = 0.0
    """Notices that are sent twice, the second within `double_within_s`."""
    double_within_s: float = 5.0
    late_share: float = 0.0
    """Notices that are sent up to `late_within_s` late."""
    late_within_s: float = 86_400.0
    delay_s: float = 0.0
    """How late every notice is."""
    disorder_s: float = 0.0
    """Each notice waits up to so long, so that they overtake each other."""
    forge_share: float = 0.0
    """Trades about which someone else sends a notice, too, that they are paid."""
    forgeries: tuple[str, ...] = ()
    """Which kinds of forgery; empty: every kind that the platform has."""
    query_faults: Mapping[Fault, float] = field(default_factory=dict)
    """Shares of questions that are answered so."""
    refund_faults: Mapping[Fault, float] = field(default_factory=dict)
    """Shares of requests for a refund that are answered so; every other one was carried out."""
    timeout_s: float = 30.0
    """Real seconds."""
    refund_takes_s: float = 3.0
    refund_ends: RefundState = RefundState.SUCCEEDED

    def changed(self, knobs: Mapping[str, Any]) -> Behaviour:
        """Return a copy with these knobs as JSON gives them.

        Raises:
            ValueError: there is no such knob, or it cannot be set so.
        """
        knobs = dict(knobs)
        unknown = knobs.keys() - {each.name for each in fields(self)}
        if unknown:
            raise ValueError(f"no such knobs: {', '.join(sorted(unknown))}")
        for name in ("query_faults", "refund_faults"):
            if name in knobs:
                knobs[name] = {Fault(key): float(share) for key, share in knobs[name].items()}
        if "refund_ends" in knobs:
            knobs["refund_ends"] = RefundState(knobs["refund_ends"])
        if "forgeries" in knobs:
            knobs["forgeries"] = tuple(knobs["forgeries"])
        return replace(self, **knobs)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one notice."""

    delays_s: tuple[float, ...]
    """When each copy is first sent."""
    lost_attempts: int | None
    """How many attempts of each copy get lost; None: all."""


def fate_of(behaviour: Behaviour, seed: str, *name: str) -> Fate:
    """Draw what becomes of the notice of that name."""
    dice = random.Random("\x1f".join((seed, *name)))  # noqa: S311  # Nothing secret is drawn.
    # Each is drawn whether or not it is used, so that one knob does not turn another's dice.
    dropped, late, doubled = (dice.random() for _ in range(3))
    by_s, jitter_s, again_s = (dice.random() for _ in range(3))
    delay_s = behaviour.delay_s + jitter_s * behaviour.disorder_s
    if late < behaviour.late_share:
        delay_s += by_s * behaviour.late_within_s
    delays = [delay_s]
    if doubled < behaviour.double_share:
        delays.append(delay_s + again_s * behaviour.double_within_s)
    lost = behaviour.drop_attempts if dropped < behaviour.drop_share else 0
    return Fate(tuple(delays), lost)


def forgery_of(behaviour: Behaviour, kinds: tuple[str, ...], seed: str, *name: str) -> str | None:
    """Draw whether someone forges a notice about the trade of that name, and how."""
    dice = random.Random("\x1f".join((seed, "forgery", *name)))  # noqa: S311  # As above.
    forged, which = dice.random(), dice.random()
    chosen = behaviour.forgeries or kinds
    if forged >= behaviour.forge_share or not chosen:
        return None
    return chosen[int(which * len(chosen))]


class Faults:
    """Draws, one after the other, which questions to a platform are not answered."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._dice: dict[str, random.Random] = {}

    def draw(self, provider: str, shares: Mapping[Fault, float]) -> tuple[Fault | None, bool]:
        """Return how the next question goes wrong, if it does, and whether it was carried out."""
        dice = self._dice.setdefault(
            provider,
            random.Random(f"{self._seed}\x1f{provider}"),  # noqa: S311  # As above.
        )
        drawn, was_done = dice.random(), dice.random() < 0.5  # noqa: PLR2004  # Every other one.
        for fault, share in shares.items():
            drawn -= share
            if drawn < 0:
                return fault, was_done
        return None, True


class Behaviours:
    """The behaviour of each platform, and of single trades."""

    def __init__(self, initial: Behaviour | None = None) -> None:
        self._all = initial or Behaviour()
        self._of_provider: dict[str, Behaviour] = {}
        self._of_trade: dict[tuple[str, str], Behaviour] = {}

    def of(self, provider: str, number: str = "") -> Behaviour:
        """Return how the platform behaves towards that trade."""
        return self._of_trade.get((provider, number), self._of_provider.get(provider, self._all))

    def change(self, provider: str, number: str, knobs: Mapping[str, Any]) -> Behaviour:
        """Turn knobs of one trade, of one platform, or of all platforms and trades.

        Raises:
            ValueError: there is no such knob, or it cannot be set so.
        """
        changed = self.of(provider, number).changed(knobs)
        if provider and number:
            self._of_trade[provider, number] = changed
        elif provider:
            self._of_provider[provider] = changed
        else:
            self._all = changed
            self._of_provider.clear()
            self._of_trade.clear()
        return changed

    def reset(self) -> None:
        """Let every platform behave again."""
        self._all = Behaviour()
        self._of_provider.clear()
        self._of_trade.clear()
