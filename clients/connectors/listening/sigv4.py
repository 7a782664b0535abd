"""Signs a request to AWS, Signature Version 4: who asks, what, when, and for which service."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Whose key pair, and what it is used for."""

    key: str
    secret: str = field(repr=False)
    region: str
    service: str

    def headers(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> dict[str, str]:
        """Return the headers, and those that prove them; addresses with a query are not signed."""
        parts = urlsplit(url)
        if parts.query:
            raise ValueError("what is asked stands in the body")
        at = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        proved = {**headers, "host": parts.netloc, "x-amz-date": at}
        names = ";".join(sorted(name.lower() for name in proved))
        told = sorted((name.lower(), value.strip()) for name, value in proved.items())
        canonical = "\n".join(
            (
                method,
                parts.path or "/",
                "",
                *(f"{name}:{value}" for name, value in told),
                "",
                names,
                hashlib.sha256(body).hexdigest(),
            )
        )
        scope = f"{at[:8]}/{self.region}/{self.service}/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        signed = "\n".join((ALGORITHM, at, scope, digest))
        signature = hmac.new(self._key(at[:8]), signed.encode(), hashlib.sha256).hexdigest()
        proof = (
            f"{ALGORITHM} Credential={self.key}/{scope}, SignedHeaders={names}, "
            f"Signature={signature}"
        )
        return {**proved, "authorization": proof}

    def _key(self, day: str) -> bytes:
        """Return what signs on this day, for this service."""
        key = f"AWS4{self.secret}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key
