"""The checks of `concord doctor` for callbacks: accounts, keys, and the way to the gateway.

Nothing here asks a platform anything: what is checked is ours, as a platform would find it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from clients.cli import callback_checks_keys, formats
from clients.cli.callback_checks_web import (
    CertificateProblemError,
    Response,
    UnreachableHostError,
    Web,
)
from clients.cli.findings import Finding, bad, good
from clients.gateway import proving
from clients.providers.accounts import Account, Accounts, AccountsError, load
from clients.providers.callbacks import PROTOCOLS

ADDRESS: Final = "callback address"
CERTIFICATE: Final = "callback TLS"
CLOCK: Final = "callback clock"
ROUTE: Final = "callback {}/{}"

# A renewal that has failed once is still mended by hand in two weeks.
DAYS_LEFT_MIN: Final = 14
# A tenth of the platforms' replay windows. The header tells whole seconds.
OFFSET_MAX: Final = timedelta(seconds=30)

METHOD_NOT_ALLOWED: Final = 405
REDIRECTS: Final = range(300, 400)

WAY_THERE: Final = (
    "Does the gateway run (`concord status`), and does what stands in front of it pass "
    "/callbacks/ on to CONCORD_GATEWAY_ADDRESS, path and body unchanged?"
)
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Checked:
    """What the checks work with."""

    accounts: Accounts
    web: Web
    clock: Clock

    @property
    def url(self) -> SplitResult:
        """The address that is told to platforms."""
        return urlsplit(self.accounts.public_url)

    @property
    def host(self) -> str:
        """The host that platforms call."""
        return self.url.hostname or ""

    @property
    def port(self) -> int:
        """The port that platforms call."""
        return self.url.port or (443 if self.url.scheme == "https" else 80)


def examine(path: Path, environ: Mapping[str, str], *, web: Web, clock: Clock) -> Iterator[Finding]:
    """Run every check; what cannot be checked after a failure is left out."""
    try:
        accounts = load(path, environ)
    except AccountsError as error:
        for problem in error.problems:
            yield bad("accounts", problem, callback_checks_keys.fix_of(problem))
        return
    yield good("accounts", f"{len(accounts.all)} in {path}")
    yield from callback_checks_keys.duplicates(accounts)
    for account in accounts.all:
        yield from callback_checks_keys.keys(account, clock())
    yield from _way(Checked(accounts, web, clock))


def _way(checked: Checked) -> Iterator[Finding]:
    """Walk the way of a callback: address, certificate, route; stop where it is broken."""
    found = _address(checked)
    yield found
    if not found.passed:
        return
    if checked.url.scheme == "https":
        found = _certificate(checked)
        yield found
    if not found.passed and not found.detail.startswith("ends in"):
        return
    offsets = []
    # A channel that we only ask calls nobody.
    for account in (each for each in checked.accounts.all if each.provider in PROTOCOLS):
        sent_at = checked.clock()
        try:
            response = _ask(checked, account, sent_at)
        except UnreachableHostError as error:
            yield bad(ADDRESS, f"no answer at {checked.host}:{checked.port}: {error}", WAY_THERE)
            return
        yield _route(account, response)
        if response.date is not None:
            offsets.append(response.date - sent_at)
    if offsets:
        yield _clock(min(offsets, key=abs))


def _address(checked: Checked) -> Finding:
    """Is it an address that a platform can call?"""
    is_local = _is_local(checked.host)
    if checked.url.scheme != "https" and not is_local:
        return bad(
            ADDRESS,
            f"{checked.accounts.public_url} is not https; platforms refuse it",
            "Put TLS in front of the gateway, and make public_url in the accounts file https://….",
        )
    try:
        addresses = checked.web.resolve(checked.host, checked.port)
    except UnreachableHostError as error:
        return bad(
            ADDRESS,
            f"{checked.host} does not resolve: {error}",
            "Correct public_url in the accounts file, or add the name to the DNS of the world.",
        )
    private = [each for each in addresses if not ip_address(each).is_global]
    if private and not is_local:
        return bad(
            ADDRESS,
            f"{checked.host} resolves to {', '.join(private)}, which no platform can reach",
            "Name in public_url what the world resolves; if your network resolves it otherwise "
            "on purpose, run the doctor from outside.",
        )
    reach = "from this machine only" if is_local else f"at {', '.join(addresses)}"
    return good(ADDRESS, f"{checked.accounts.public_url}, {reach}")


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _certificate(checked: Checked) -> Finding:
    """Would a platform accept the certificate, and for how long?"""
    try:
        ends_at = checked.web.certificate_end(checked.host, checked.port)
    except CertificateProblemError as problem:
        return bad(CERTIFICATE, problem.detail, problem.fix)
    except UnreachableHostError as error:
        return bad(CERTIFICATE, f"no TLS at {checked.host}:{checked.port}: {error}", WAY_THERE)
    days = (ends_at - checked.clock()).days
    text = f"ends in {days} days, on {ends_at:%Y-%m-%d}"
    if days < DAYS_LEFT_MIN:
        return bad(
            CERTIFICATE,
            text,
            "Renew the certificate now, and see why it was not renewed by itself.",
        )
    return good(CERTIFICATE, text)


def _ask(checked: Checked, account: Account, at: datetime) -> Response:
    path = urlsplit(account.callback_url).path
    # What stands in front may cut a prefix off; the gateway sees its own path.
    own_path = f"/callbacks/{account.provider}/{account.name}"
    question = proving.question(account, own_path, at)
    return checked.web.get(checked.url, path, {proving.QUESTION_HEADER: question})


def _route(account: Account, response: Response) -> Finding:
    """Does the address lead to our gateway, and does it hold the account as the file has it?"""
    name = ROUTE.format(account.provider, account.name)
    seen = f"{account.callback_url} answers {response.status}"
    if response.status in REDIRECTS:
        return bad(
            name,
            f"{seen}, a redirect, which platforms do not follow",
            "Serve the address itself: no redirect to another host, scheme, or slash at the end.",
        )
    is_ours = response.headers.get(proving.GATEWAY_HEADER) == proving.GATEWAY
    if response.status != METHOD_NOT_ALLOWED or not is_ours:
        return bad(name, f"{seen}, which is not Concord's gateway", WAY_THERE)
    if response.headers.get(proving.ACCOUNT_HEADER) != proving.SAME:
        return bad(
            name,
            f"{account.callback_url} leads to a gateway that does not hold this account so",
            "Does it read the same accounts file and keys (CONCORD_ACCOUNTS)? Its /readyz and its "
            "log (accounts_unusable) tell why a change was not taken; a clock off by minutes "
            "looks the same.",
        )
    return good(name, f"{account.callback_url} leads to the gateway, which holds the same keys")


def _clock(offset: timedelta) -> Finding:
    """Would genuine signatures be stale, by the gateway's clock against this one?"""
    if abs(offset) <= OFFSET_MAX:
        return good(CLOCK, "the gateway's agrees with this machine's")
    ahead = "ahead of" if offset > timedelta() else "behind"
    return bad(
        CLOCK,
        f"the gateway's is {formats.rough(abs(offset))} {ahead} this machine's",
        "Set both by NTP: a signature that is 300 s off is refused as a replay.",
    )
