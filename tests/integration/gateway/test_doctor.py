"""What `concord doctor` finds wrong with callbacks, each misconfiguration seeded on purpose."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from benchmarks.merchant import Certified, Merchant, certify, new_key, private_pem
from clients.cli import callback_checks
from clients.cli.callback_checks_web import Web
from clients.cli.findings import Finding
from clients.gateway.serving import Application
from clients.providers.accounts import AccountsError
from clients.providers.callbacks import Answer
from tests.integration.gateway.front import (
    MOVED,
    WELCOME,
    a_gateway,
    serving_at,
    somebody_else,
    trusting,
)


@dataclass
class Installation:
    """An installation without a fault, until somebody makes one."""

    folder: Path
    authority: Certified
    certificate: Certified
    merchant: Merchant
    host: str = "localhost"
    scheme: str = "https"
    clock_off: timedelta = timedelta()
    other_answer: Answer | None = None
    is_served: bool = True

    @property
    def accounts(self) -> Path:
        return self.folder / "accounts.yaml"

    def write(self, name: str, content: bytes) -> None:
        """Put something else into a file of the merchant's."""
        (self.folder / name).write_bytes(content)

    def edit(self, provider: str, **changed: object) -> None:
        """Change an account in the accounts file."""
        content = yaml.safe_load(self.accounts.read_text())
        for row in content["accounts"]:
            if row["provider"] == provider:
                row.update(changed)
        self.accounts.write_text(yaml.safe_dump(content, allow_unicode=True))

    def findings(self) -> list[Finding]:
        """Run the doctor."""
        seen_by_gateway = self.folder.parent / "gateway"
        shutil.copytree(self.folder, seen_by_gateway, dirs_exist_ok=True)
        with ExitStack() as running:
            port = 1
            if self.is_served and (app := self._app(seen_by_gateway / "accounts.yaml")):
                front = serving_at(app, self.certificate, self.folder.parent)
                port = running.enter_context(front)
            return self._examined(f"{self.scheme}://{self.host}:{port}")

    def _app(self, accounts: Path) -> Application | None:
        """Return what serves; a gateway does not begin with accounts that it cannot use."""
        if self.other_answer:
            return somebody_else(self.other_answer)
        try:
            return a_gateway(accounts)
        except AccountsError:
            return None

    def _examined(self, public_url: str) -> list[Finding]:
        content = yaml.safe_load(self.accounts.read_text())
        content["public_url"] = public_url
        self.accounts.write_text(yaml.safe_dump(content, allow_unicode=True))
        return list(
            callback_checks.examine(
                self.accounts,
                {},
                web=Web(trusting(self.authority)),
                clock=lambda: datetime.now(tz=UTC) + self.clock_off,
            )
        )


@pytest.fixture(scope="module")
def authority() -> Certified:
    return certify("An authority")


@pytest.fixture(scope="module")
def merchant() -> Merchant:
    return Merchant()


@pytest.fixture
def sound(tmp_path: Path, authority: Certified, merchant: Merchant) -> Installation:
    folder = tmp_path / "accounts"
    merchant.write(folder, public_url="https://localhost")
    certificate = certify("localhost", authority, hosts=("localhost",), days=90)
    return Installation(folder, authority, certificate, merchant)


def test_a_sound_installation_has_no_fault(sound: Installation) -> None:
    found = sound.findings()

    assert [each for each in found if not each.passed] == []
    assert {each.name for each in found} >= {
        "accounts",
        "callback address",
        "callback TLS",
        "callback clock",
        "callback wechatpay/main",
        "keys unionpay/main",
    }


Seed = Callable[[Installation], None]


def wrong_scheme(installation: Installation) -> None:
    installation.scheme, installation.host = "http", "pay.example.com"
    installation.is_served = False


def unknown_host(installation: Installation) -> None:
    installation.host, installation.is_served = "pay.concord.invalid", False


def private_host(installation: Installation) -> None:
    installation.host, installation.is_served = "10.1.2.3", False


def nobody_there(installation: Installation) -> None:
    installation.is_served = False


def expired_certificate(installation: Installation) -> None:
    installation.certificate = certify(
        "localhost", installation.authority, hosts=("localhost",), days=-3
    )


def certificate_near_its_end(installation: Installation) -> None:
    installation.certificate = certify(
        "localhost", installation.authority, hosts=("localhost",), days=5
    )


def untrusted_chain(installation: Installation) -> None:
    installation.certificate = certify("localhost", certify("Nobody"), hosts=("localhost",))


def certificate_of_another_host(installation: Installation) -> None:
    installation.certificate = certify("other", installation.authority, hosts=("other.example",))


def wrong_route(installation: Installation) -> None:
    installation.other_answer = WELCOME


def redirect(installation: Installation) -> None:
    installation.other_answer = MOVED


def clock_offset(installation: Installation) -> None:
    installation.clock_off = timedelta(minutes=2)


def unparsable_key(installation: Installation) -> None:
    installation.write("wechat.pem", b"-----BEGIN PUBLIC KEY-----\nbroken")


def key_of_another_certificate(installation: Installation) -> None:
    installation.write("other.pem", private_pem(new_key()))
    installation.edit("unionpay", private_key={"file": "other.pem"})


def inline_secret(installation: Installation) -> None:
    installation.edit("stripe", api_key="sk_live_inline")


def missing_secret(installation: Installation) -> None:
    (installation.folder / "token").unlink()


def short_api_v3_key(installation: Installation) -> None:
    installation.write("api_v3_key", b"only31characters-only31characte")


def expired_platform_certificate(installation: Installation) -> None:
    root = certify("CFCA TEST OCA1", days=-1)
    installation.write("union_root.pem", root.pem)


def merchant_twice(installation: Installation) -> None:
    content = yaml.safe_load(installation.accounts.read_text())
    twice = [dict(row, name="again") for row in content["accounts"] if row["provider"] == "adyen"]
    content["accounts"] += twice
    installation.accounts.write_text(yaml.safe_dump(content, allow_unicode=True))


def weak_token(installation: Installation) -> None:
    installation.write("token", b"secret")


def api_key_for_webhook_secret(installation: Installation) -> None:
    installation.write("webhook_secret", b"sk_live_0123456789abcdef")


@pytest.mark.parametrize(
    ("seed", "name", "told", "fix"),
    [
        (wrong_scheme, "callback address", ["is not https"], "Put TLS in front"),
        (unknown_host, "callback address", ["does not resolve"], "Correct public_url"),
        (private_host, "callback address", ["no platform can reach"], "what the world resolves"),
        (nobody_there, "callback TLS", ["no TLS at localhost:1"], "Does the gateway run"),
        (expired_certificate, "callback TLS", ["ended on 20"], "Renew the certificate"),
        (certificate_near_its_end, "callback TLS", ["ends in 5 days"], "Renew the certificate"),
        (untrusted_chain, "callback TLS", ["is not trusted"], "Serve the whole chain"),
        (
            certificate_of_another_host,
            "callback TLS",
            ["is not for localhost"],
            "subject alternative names",
        ),
        (wrong_route, "callback *", ["answers 200", "not Concord's"], "pass /callbacks/ on"),
        (redirect, "callback *", ["answers 301", "a redirect"], "no redirect"),
        (clock_offset, "callback clock", ["2 min", "behind"], "by NTP"),
        (unparsable_key, "accounts", ["platform_keys", "public key"], "Download the platform's"),
        (
            key_of_another_certificate,
            "accounts",
            [".certificate is not that of private_key"],
            "made together",
        ),
        (inline_secret, "accounts", ["api_key", "does not stand in this file"], "file of its own"),
        (missing_secret, "accounts", ["token.file token cannot be read"], "Create the file"),
        (short_api_v3_key, "accounts", ["api_v3_key", "holds 31"], "32 characters"),
        (
            expired_platform_certificate,
            "keys unionpay/main",
            ["ended", "none follows"],
            "next certificate",
        ),
        (merchant_twice, "accounts", ["adyen: main, again"], "Leave one of them out"),
        (weak_token, "keys douyin_pay/main", ["token has 6 characters"], "16 or more"),
        (
            api_key_for_webhook_secret,
            "keys stripe/main",
            ["does not begin with whsec_"],
            "signing secret",
        ),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_a_misconfiguration_is_found_and_its_fix_named(
    sound: Installation, seed: Seed, name: str, told: Sequence[str], fix: str
) -> None:
    seed(sound)

    wrong = [each for each in sound.findings() if not each.passed]

    assert wrong
    for finding in wrong:
        assert finding.name == name or (name.endswith("*") and "callback" in finding.name)
        assert all(text in finding.detail for text in told), finding
        assert fix in finding.fix


def test_a_gateway_with_another_key_is_told_from_one_with_the_same(sound: Installation) -> None:
    sound.edit("stripe", webhook_secrets=[{"file": "rolled"}])
    sound.write("rolled", b"whsec_" + b"r" * 32)
    found = _with_gateway_of(sound, webhook_secrets=[{"file": "webhook_secret"}])

    wrong = [each for each in found if not each.passed]

    assert [each.name for each in wrong] == ["callback stripe/main"]
    assert "does not hold this account so" in wrong[0].detail


def test_no_finding_repeats_a_secret(sound: Installation) -> None:
    inline_secret(sound)
    short_api_v3_key(sound)

    said = " ".join(each.detail + each.fix for each in sound.findings())

    assert "sk_live_inline" not in said
    assert "only31characters" not in said


def _with_gateway_of(sound: Installation, **changed: object) -> list[Finding]:
    """Run the doctor against a gateway whose accounts file is not the same."""
    theirs = sound.folder.parent / "gateway"
    shutil.copytree(sound.folder, theirs)
    ours = Installation(theirs, sound.authority, sound.certificate, sound.merchant)
    ours.edit("stripe", **changed)
    app = a_gateway(ours.accounts)
    with serving_at(app, sound.certificate, sound.folder.parent) as port:
        return sound._examined(f"https://localhost:{port}")
