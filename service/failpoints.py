"""Named places in the code where a test may crash, stop or look at a process.

    failpoints.reach("relay:after_send")

Nothing happens there unless whoever built the process armed the name.
"""

from collections.abc import Callable, Mapping


class Failpoints:
    """Places by name. Production builds it with none armed."""

    def __init__(self, armed: Mapping[str, Callable[[], None]] | None = None) -> None:
        self._armed = dict(armed or {})

    def reach(self, name: str) -> None:
        """Do what was armed under this name, if anything was."""
        if act := self._armed.get(name):
            act()
