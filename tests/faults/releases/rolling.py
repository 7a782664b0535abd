"""From the previous release to this one and back, process by process, under traffic.

1. The previous release alone; then on the schema of this one, which must not trouble it.
2. Both beside each other, then this one alone.
3. Both again, and the previous one alone: an upgrade can be taken back.
4. Both once more, and this one alone. Then the history is published again: what a worker of this
   release has counted and not yet told, which it may put off for a few seconds, one of the
   previous release did not know to tell when it took over.

In each part something is asked, decided, published and read before the next one begins.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.bugs.trees import Tree
from tests.faults.chaos import judging
from tests.faults.chaos.children import until
from tests.faults.chaos.figures import Figures, commit
from tests.faults.chaos.reader import Reader
from tests.faults.chaos.running import TRANSITIONS_SHARE_MIN, Run, logs_of
from tests.faults.chaos.sizes import Size
from tests.faults.chaos.world import PARTITIONS
from tests.faults.releases.world import Release, TwoReleases

# Nothing is killed: a call fails only where its service is just being let go.
ANSWERED_SHARE_MIN: Final = 0.95
PART_WITHIN_S: Final = 300.0
# Of each part of the run: receipts that were read, decided, and published again.
OUTCOMES_OF_A_PART: Final = 100
COMMANDS_OF_A_PART: Final = 30

SIZE: Final = Size(
    name="two releases",
    faults_s=0,
    blows={},
    least_faults=0,
    least_events=1_500,
    batch=20,
    lanes=1,
    clerks=1,
    ahead_max=200,
    rest_within_s=60.0,
)


class Rolling(Run):
    """A run whose only blows are upgrades."""

    has_desk = False

    world: TwoReleases

    def _break_things(self) -> None:
        world = self.world
        for each in (self.sender, *self.clerks):
            each.start()
        began = time.monotonic()
        self._let_pass("the previous release")
        world.migrate_to(Release.THIS)
        self._let_pass("the previous release on this one's schema")
        self._change(Release.PREVIOUS, Release.THIS)
        self._change(Release.THIS, Release.PREVIOUS)
        self._change(Release.PREVIOUS, Release.THIS)
        with world.client(Release.THIS.value) as client:
            client.outbox.republish_history()
        self._let_pass("a history that comes again")
        self.figures.faults_s = time.monotonic() - began
        self.injector.last_at = time.monotonic()

    def _change(self, old: Release, new: Release) -> None:
        self.world.bring(new)
        self._let_pass(f"both, from {old.name} to {new.name}")
        self.world.let_go(old)
        self._let_pass(f"{new.name} alone")

    def _let_pass(self, what: str) -> None:
        """Return when each part of the stack has done something."""
        self.callers.turn_back()
        outcomes, commands = len(self.reader.outcomes), len(self.ledger.commands)

        def is_done() -> bool:
            return bool(self._broken()) or (
                len(self.reader.outcomes) - outcomes >= OUTCOMES_OF_A_PART
                and len(self.ledger.commands) - commands >= COMMANDS_OF_A_PART
            )

        until(is_done, f"traffic, with {what}", PART_WITHIN_S)
        broken = self._broken()
        if broken:
            raise broken[0]

    def _hold_to_the_promise(self) -> None:
        figures, world = self.figures, self.world
        world.note_work()
        idle = sorted(child.name for child in world.children if not world.work[child.name])
        # A relay that came when another led, and was let go with it, has stood by all the time.
        idle = [name for name in idle if not name.startswith("relay") or name in world.ended]
        failed = {name: code for name, code in world.ended.items() if code != 0}
        # A worker that was late to say that it lives ends, and is started again.
        kept = [child for child in world.children if not child.name.startswith("worker")]
        again = [child.name for child in kept if child.starts > 1]
        unmoved = sorted(judging.TRANSITIONS - judging.transitions(world))
        share = self.ledger.answered_share
        checks = (
            (not idle, f"did nothing: {idle}"),
            (not failed, f"did not end well: {failed}"),
            (not again, f"ended by themselves: {again}"),
            (figures.events >= self.size.least_events, f"{figures.events} events"),
            (share >= ANSWERED_SHARE_MIN, f"{share:.0%} of the calls were answered"),
            (
                figures.transitions >= TRANSITIONS_SHARE_MIN * figures.transitions_declared,
                f"moves that did not happen: {unmoved}",
            ),
        )
        self.problems += [text for is_kept, text in checks if not is_kept]


def roll(seed: int, folder: Path, previous: Tree) -> Figures:
    """Let it all pass, and return the figures; fail with everything that is wrong."""
    figures, began = Figures(SIZE, seed, commit()), time.monotonic()
    with ExitStack() as stack:
        world = stack.enter_context(TwoReleases(folder, previous))
        reader = stack.enter_context(Reader(world.servers.kafka_bootstrap, PARTITIONS))
        running = Rolling(SIZE, seed, world, reader, figures)
        try:
            running.go()
        except BaseException as error:
            error.add_note(f"{figures.told()}\n{logs_of(world)}")
            raise
        logs = logs_of(world)
    figures.lasted_s = time.monotonic() - began
    print(f"\n{figures.told()}\n  work: {dict(world.work)}")  # noqa: T201  # A report is what a run is for.
    assert not running.problems, "\n".join((*running.problems, logs))
    return figures
