"""Every published answer to a query is believed as it is, and not with one byte of it changed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from clients.providers.alipay import signing as alipay_signing
from clients.providers.callbacks import RefusedError
from clients.providers.unionpay import signing as unionpay_signing
from tests.contract.samples.callback_vectors import alipay_account, unionpay_account

Sample = Callable[[str], bytes]
AT = datetime(2024, 1, 5, 7, tzinfo=UTC)


def changed(content: bytes) -> list[bytes]:
    """Return the content with one byte another, taken away, or added, at each place."""
    return [
        each
        for at in range(len(content))
        for each in (
            content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :],
            content[:at] + content[at + 1 :],
            content[:at] + b"0" + content[at:],
        )
    ]


def is_believed(check: Callable[[bytes], object], body: bytes) -> bool:
    try:
        check(body)
    except RefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("query_trade_success_response", "alipay.trade.query"),
        ("refund_response", "alipay.trade.refund"),
    ],
)
def test_an_answer_of_alipay_is_believed_whole(sample: Sample, name: str, method: str) -> None:
    vector = json.loads(sample(f"alipay/{name}.json"))
    account = alipay_account(vector)
    body = vector["http_body_raw"].encode()

    def check(body: bytes) -> object:
        return alipay_signing.answer(account, method, body, AT)

    assert check(body) == json.loads(vector["signed_substring"])
    assert [each for each in changed(body) if is_believed(check, each)] == []


def test_an_answer_of_alipay_is_cut_from_its_own_place(sample: Sample) -> None:
    vector = json.loads(sample("alipay/query_trade_success_response.json"))
    account = alipay_account(vector)
    signed, sign = vector["signed_substring"], json.loads(vector["http_body_raw"])["sign"]
    name = '"alipay_trade_query_response"'
    forged = signed.replace('"0.01"', '"9.99"')

    twice = f'{{{name}:{signed},{name}:{forged},"sign":"{sign}"}}'
    inside = f'{{"a":{{{name}:{signed}}},{name}:{forged},"sign":"{sign}"}}'
    in_text = f'{{"a":"{name[1:-1]}:",{name}:{forged},"sign":"{sign}"}}'
    spaced = f'\n{{ {name} : {signed} ,\t"sign" : "{sign}" }}'

    for body in (twice, inside, in_text):
        with pytest.raises(RefusedError):
            alipay_signing.answer(account, "alipay.trade.query", body.encode(), AT)
    answer = alipay_signing.answer(account, "alipay.trade.query", spaced.encode(), AT)
    assert answer["total_amount"] == "0.01"


def test_an_answer_of_unionpay_is_believed_whole(sample: Sample) -> None:
    vector = json.loads(sample("unionpay/query_response_signed_vector.json"))
    body = vector["http_body_raw"].encode()
    account = unionpay_account(vector["http_body_raw"])

    def check(body: bytes) -> object:
        return unionpay_signing.answer(account, body, AT)

    assert check(body) == vector["fields"]
    assert [each for each in changed(body) if is_believed(check, each)] == []
