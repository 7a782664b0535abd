"""Mail through one SMTP server. Up to the end of the text nothing is sent; after it, who knows."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final

from clients.notifier.allowing import Allowed, Lookup, look_up, place_of
from clients.notifier.outcome import SENT, NotReachableError, Outcome, Outgoing, Result
from clients.notifier.times import Clock

TLS: Final = "tls"
STARTTLS: Final = "starttls"
PLAIN: Final = "plain"
# SMTP's replies: 4xx is "later", 5xx is "never".
LATER: Final = 400
NEVER: Final = 500


@dataclass(frozen=True, slots=True)
class Relay:
    """The SMTP server that takes our mail."""

    host: str
    port: int
    security: str
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)


class MailSender:
    """Sends each notice as a mail of its own."""

    def __init__(
        self,
        relay: Relay,
        allowed: Allowed,
        clock: Clock,
        *,
        timeout_s: float,
        lookup: Lookup = look_up,
    ) -> None:
        self._relay = relay
        self._allowed = allowed
        self._clock = clock
        self._timeout_s = timeout_s
        self._lookup = lookup

    async def send(self, message: Outgoing) -> Outcome:
        """Send one mail to the address."""
        name, address = parseaddr(message.address)
        if "@" not in address or any(each in message.address for each in "\r\n,"):
            return Outcome(Result.REFUSED, "NO_ADDRESS")
        try:
            place = await place_of(self._relay.host, self._relay.port, self._allowed, self._lookup)
        except NotReachableError as error:
            return error.outcome
        letter = EmailMessage()
        letter["From"] = self._relay.sender
        letter["To"] = message.address if name else address
        letter["Subject"] = " ".join(message.title.split())
        letter["Date"] = format_datetime(self._clock())
        # The same for the same delivery: a mailbox that gets it twice can tell.
        letter["Message-ID"] = f"<{message.key}@{self._relay.sender.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.text)
        return await asyncio.to_thread(self._deliver, place, letter, address)

    def _deliver(self, place: str, letter: EmailMessage, address: str) -> Outcome:
        """Speak to the server; each step that fails says what may have happened."""
        try:
            server = self._connect(place)
        except smtplib.SMTPAuthenticationError as error:
            return Outcome(Result.REFUSED, str(error.smtp_code))
        except ssl.SSLCertVerificationError:
            return Outcome(Result.REFUSED, "CERTIFICATE")
        except (OSError, smtplib.SMTPException):
            return Outcome(Result.NOT_SENT, "CONNECT")
        try:
            return self._hand_over(server, letter, address)
        finally:
            server.close()

    def _hand_over(self, server: smtplib.SMTP, letter: EmailMessage, address: str) -> Outcome:
        try:
            codes = [server.mail(parseaddr(self._relay.sender)[1])[0], server.rcpt(address)[0]]
        except (OSError, smtplib.SMTPException):
            return Outcome(Result.NOT_SENT, "BROKEN")
        if max(codes) >= LATER:
            return _declined(max(codes))
        try:
            code, _ = server.data(letter.as_bytes())
        except smtplib.SMTPDataError as error:
            return _declined(error.smtp_code)
        except (OSError, smtplib.SMTPException):
            return Outcome(Result.UNCERTAIN, "BROKEN")
        return SENT if code < LATER else _declined(code)

    def _connect(self, place: str) -> smtplib.SMTP:
        relay, trusted = self._relay, ssl.create_default_context()
        on_connect = trusted if relay.security == TLS else None
        server = _Pinned(relay.host, place, self._timeout_s, on_connect)
        try:
            server.connect(relay.host, relay.port)
            server.ehlo_or_helo_if_needed()
            if relay.security == STARTTLS:
                server.starttls(context=trusted)
                server.ehlo()
            if relay.user:
                server.login(relay.user, relay.password)
        except BaseException:
            server.close()
            raise
        return server


class _Pinned(smtplib.SMTP):
    """Connects to the address that was looked at, and wants the host's certificate of it."""

    def __init__(
        self, host: str, place: str, timeout_s: float, trusted: ssl.SSLContext | None
    ) -> None:
        super().__init__(timeout=timeout_s)
        # STARTTLS asks for the certificate of this name.
        self._host = host
        self._place = place
        self._trusted = trusted

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        link = socket.create_connection((self._place, port), timeout)
        return self._trusted.wrap_socket(link, server_hostname=host) if self._trusted else link


def _declined(code: int) -> Outcome:
    return Outcome(Result.REFUSED if code >= NEVER else Result.NOT_SENT, str(code))
