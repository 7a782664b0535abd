"""The framing of PostgreSQL's protocol, version 3: a stream of bytes cut into whole messages.

What it refuses to do: understand their contents. A name and a length are enough to stand between
two messages.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

# A length counts itself and what follows, not the byte that names the message.
LENGTH: Final = struct.Struct("!I")
STARTUP: Final = struct.Struct("!II")

# What a client may send where its first message stands; none of them has a name of its own.
PROTOCOL_3: Final = 196_608
CANCEL: Final = 80_877_102
ASKS_FOR_ENCRYPTION: Final = {80_877_103: "SSLRequest", 80_877_104: "GSSENCRequest"}
UNNAMED: Final = {PROTOCOL_3: "StartupMessage", CANCEL: "CancelRequest", **ASKS_FOR_ENCRYPTION}

# The names that a report needs; others are told by their letter.
FRONTEND: Final = {
    "Q": "Query", "P": "Parse", "B": "Bind", "E": "Execute", "D": "Describe", "S": "Sync",
    "C": "Close", "p": "password", "X": "Terminate", "d": "CopyData", "c": "CopyDone",
}  # fmt: skip
BACKEND: Final = {
    "R": "Authentication", "S": "ParameterStatus", "K": "BackendKeyData", "Z": "ReadyForQuery",
    "T": "RowDescription", "D": "DataRow", "C": "CommandComplete", "E": "ErrorResponse",
    "N": "NoticeResponse", "1": "ParseComplete", "2": "BindComplete", "3": "CloseComplete",
    "n": "NoData", "I": "EmptyQueryResponse", "t": "ParameterDescription", "G": "CopyInResponse",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """One whole message, as it was on the wire."""

    name: str
    raw: bytes

    @property
    def text(self) -> str:
        """The statement of a query, for reading in a report; nothing of any other."""
        if self.name not in {"Query", "Parse"}:
            return ""
        return self.raw[5:].rstrip(b"\0").decode(errors="replace").strip()


class Framing:
    """Cuts one direction of one connection into messages."""

    def __init__(self, *, is_frontend: bool) -> None:
        self._names = FRONTEND if is_frontend else BACKEND
        # A client's first message has no letter before its length.
        self._begins = is_frontend
        self._left = b""

    def feed(self, chunk: bytes) -> list[Message]:
        """Return the messages that are whole by now; what is left waits for more."""
        self._left += chunk
        found = []
        while (message := self._next()) is not None:
            found.append(message)
        return found

    def _next(self) -> Message | None:
        named = 0 if self._begins else 1
        if len(self._left) < named + LENGTH.size:
            return None
        size = named + LENGTH.unpack_from(self._left, named)[0]
        if len(self._left) < size:
            return None
        raw, self._left = self._left[:size], self._left[size:]
        if not self._begins:
            letter = chr(raw[0])
            return Message(self._names.get(letter, letter), raw)
        code = STARTUP.unpack_from(raw)[1]
        # After a request for encryption the client begins again.
        self._begins = code in ASKS_FOR_ENCRYPTION
        return Message(UNNAMED.get(code, str(code)), raw)
