"""How the doctor sees an address: by name, by TLS and by HTTP, as a platform would."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import SplitResult

from cryptography import x509

# As long as a platform waits.
TIMEOUT_S: Final = 5.0

EXPIRED: Final = 10
HOST_MISMATCH: Final = 62
RENEW: Final = "Renew the certificate in front of the gateway, and let it be renewed by itself."
CHAIN: Final = (
    "Serve the whole chain (certificate, then those between it and the root) of an authority that "
    "the platforms trust; a certificate signed by yourself is none."
)


class UnreachableHostError(Exception):
    """There is no such host, or nobody answers there."""


class CertificateProblemError(Exception):
    """A platform would not accept the certificate."""

    def __init__(self, detail: str, fix: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fix = fix


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""

    @property
    def date(self) -> datetime | None:
        """When it was sent, by the clock there."""
        try:
            return parsedate_to_datetime(self.headers.get("date", ""))
        except ValueError:
            return None


class Web:
    """The network; by default what this machine trusts is what it believes platforms to trust."""

    def __init__(self, trusted: ssl.SSLContext | None = None) -> None:
        self._trusted = trusted or ssl.create_default_context()

    def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host.

        Raises:
            UnreachableHostError: it has none.
        """
        try:
            found = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
        except (OSError, UnicodeError) as error:
            raise UnreachableHostError(_reason(error)) from error
        return list(dict.fromkeys(str(each[4][0]) for each in found))

    def certificate_end(self, host: str, port: int) -> datetime:
        """Return until when the certificate counts, once it was verified as platforms do.

        Raises:
            CertificateProblemError: they would refuse it.
            UnreachableHostError: there is no TLS.
        """
        try:
            return _certificate(host, port, self._trusted).not_valid_after_utc
        except ssl.SSLCertVerificationError as error:
            raise self._problem(host, port, error) from error
        except OSError as error:
            raise UnreachableHostError(_reason(error)) from error

    def get(self, url: SplitResult, path: str, headers: Mapping[str, str]) -> Response:
        """Ask for a path.

        Raises:
            UnreachableHostError: there was no answer in HTTP.
        """
        host, port = url.hostname or "", url.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=self._trusted)
            if url.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        )
        try:
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Response(answer.status, named)
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableHostError(_reason(error)) from error
        finally:
            connection.close()

    def _problem(
        self, host: str, port: int, error: ssl.SSLCertVerificationError
    ) -> CertificateProblemError:
        if error.verify_code == EXPIRED:
            ended_at = _certificate(host, port, _unverified()).not_valid_after_utc
            return CertificateProblemError(f"ended on {ended_at:%Y-%m-%d}", RENEW)
        if error.verify_code == HOST_MISMATCH:
            fix = f"Get a certificate whose subject alternative names hold {host}."
            return CertificateProblemError(f"is not for {host}", fix)
        return CertificateProblemError(f"is not trusted: {error.verify_message}", CHAIN)


def _certificate(host: str, port: int, context: ssl.SSLContext) -> x509.Certificate:
    with (
        socket.create_connection((host, port), timeout=TIMEOUT_S) as connection,
        context.wrap_socket(connection, server_hostname=host) as wrapped,
    ):
        found = wrapped.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(found or b"")


def _unverified() -> ssl.SSLContext:
    """Return what reads a certificate that was refused already; nothing is sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
