"""Parsers refuse what they cannot read, in bounded time and memory, however long or deep it is."""

import base64
import json
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.providers import parsing
from clients.providers.accounts import AccountsError, load
from clients.providers.alipay import signing as alipay
from clients.providers.callbacks import RefusedError
from clients.providers.certificates import leads_to
from clients.providers.keys import KeyUnreadableError, canonical_base64, certificate
from clients.providers.unionpay import signing as unionpay
from tests.unit.clients.providers import account_files as files
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.platforms import (
    a_unionpay_account,
    an_alipay_account,
    pem_of,
    unionpay_certificate,
    unionpay_root,
)
from tests.unit.clients.providers.test_fuzz_callbacks import JSON, NOISE, ODD

pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
BOUNDED = settings(max_examples=300, deadline=2000, database=None)
PARSERS: dict[str, Callable[[bytes], object]] = {
    "json": parsing.json_object,
    "form": parsing.fields_of_form,
    "plain": parsing.fields_of_plain,
    "xml": lambda body: parsing.fields_of_xml(body, "xml"),
    "alipay": lambda body: alipay.answer(an_alipay_account(), "alipay.trade.query", body, NOW),
    "unionpay": lambda body: unionpay.answer(a_unionpay_account(), body, NOW),
}
# A quarter of a MiB of each, which is what is read at most, and more, which is not.
LONG = 256 * 1024
MONSTERS = {
    "brackets": b"[" * LONG,
    "nested objects": b'{"a":' * (LONG // 5),
    "many lists": b'{"a":[' + b"[]," * (LONG // 4) + b"[]]}",
    "one digit after the other": b'{"a":' + b"9" * (LONG - 10) + b"}",
    "many names": b"{" + b",".join(b'"%d":1' % n for n in range(LONG // 12)) + b"}",
    "half characters": b'{"a":"' + b"\\ud800" * (LONG // 8) + b'"}',
    "elements": b"<xml>" + b"<a>" * (LONG // 4),
    "closed elements": b"<xml>" + b"<a/>" * (LONG // 5) + b"</xml>",
    "one long text": b"<xml><a>" + b"x" * (LONG - 32) + b"</a></xml>",
    "attributes": b"<xml " + b" ".join(b'a%d="1"' % n for n in range(LONG // 12)) + b"></xml>",
    "laughs": b'<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><xml><a>&c;</a></xml>',
    "ampersands": b"&" * LONG,
    "fields": b"a=1&" * (LONG // 4),
    "names": b"&".join(b"a%d=1" % n for n in range(LONG // 8)),
    "percents": b"a=" + b"%" * (LONG - 2),
    "escapes": b"a=" + b"%41" * (LONG // 3 - 2),
    "almost a form": b"a" * (LONG - 1) + b"!",
    "equals": b"=" * LONG,
    "zeros": bytes(LONG),
    "too long": b"a=" + b"1" * (64 * LONG),
}


def is_read(parse: Callable[[bytes], object], body: bytes) -> bool:
    """Return whether the parser takes it; anything but a refusal is an error."""
    try:
        parse(body)
    except RefusedError:
        return False
    return True


def work_s(parse: Callable[[bytes], object], body: bytes) -> float:
    """Return how long it works on this; a look for garbage may fall into it."""
    started_s = time.thread_time()
    is_read(parse, body)
    return time.thread_time() - started_s


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("monster", MONSTERS)
def test_no_monster_takes_long_or_much(parser: str, monster: str) -> None:
    body, parse = MONSTERS[monster], PARSERS[parser]

    took_s = min(work_s(parse, body) for _ in range(3))
    tracemalloc.start()
    is_read(parse, body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert took_s < 1
    assert peak < 32 * 1024 * 1024


@pytest.mark.parametrize("parser", PARSERS)
@BOUNDED
@given(body=NOISE)
def test_a_parser_reads_or_refuses(parser: str, body: bytes) -> None:
    is_read(PARSERS[parser], body)


@BOUNDED
@given(found=st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_an_answer_is_cut_as_it_is_written(found: dict[str, object]) -> None:
    written = json.dumps(found, indent=1)
    try:
        parsing.json_object(written)
    except RefusedError:
        return

    spans = alipay._members(written)  # What finds the signed text.

    assert {name: json.loads(span) for name, span in spans.items()} == json.loads(written)
    assert all(span in written for span in spans.values())


@BOUNDED
@given(content=st.binary(max_size=64), text=st.text(max_size=64))
def test_bytes_have_one_spelling_in_base64(content: bytes, text: str) -> None:
    assert canonical_base64(base64.b64encode(content).decode()) == content
    found = canonical_base64(text)
    assert found is None or base64.b64encode(found).decode() == text


@BOUNDED
@given(at=st.floats(0, 1), gone=st.integers(0, 8), put=st.binary(max_size=8))
def test_a_certificate_that_was_changed_is_not_trusted(at: float, gone: int, put: bytes) -> None:
    der = base64.b64decode(b"".join(pem_of(unionpay_certificate()).splitlines()[1:-1]))
    start = int(at * len(der))
    changed = der[:start] + put + der[start + gone :]
    lines = base64.encodebytes(changed)
    try:
        found = certificate(
            b"-----BEGIN CERTIFICATE-----\n" + lines + b"-----END CERTIFICATE-----\n"
        )
    except KeyUnreadableError:
        return

    assert changed == der or not leads_to([unionpay_root()], found, now=NOW)


@settings(max_examples=40, deadline=5000, database=None)
@given(
    text=st.text(st.characters(codec="utf-8"), max_size=60) | JSON.map(json.dumps),
    index=st.integers(0, 6),
    change=st.dictionaries(
        st.sampled_from(sorted({key for account in files.ACCOUNTS for key in account})),
        JSON | st.fixed_dictionaries({"file": ODD}) | st.fixed_dictionaries({"env": ODD}),
        min_size=1,
        max_size=3,
    ),
)
def test_an_accounts_file_is_read_or_told_to_be_wrong(
    tmp_path_factory: pytest.TempPathFactory, text: str, index: int, change: dict[str, object]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "accounts-to-fuzz"
    folder.mkdir(exist_ok=True)
    path = files.write(folder)
    told = files.content()
    told["accounts"][index] |= change
    read = partial(load, path, files.ENVIRON)

    for written in (text, yaml.safe_dump(told), yaml.safe_dump({**told, "public_url": text})):
        path.write_text(written, encoding="utf-8")
        with suppress(AccountsError):
            read()
