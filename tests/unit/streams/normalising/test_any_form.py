"""Whatever arrives as a form, as pairs or as XML: a reading, never an exception, never for long."""

from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.logic.normalising import Reading, RejectionReason, read
from streams.logic.normalising.form_text import form, pairs
from streams.logic.normalising.refusals import UnreadableError
from streams.logic.normalising.xml_text import flat
from tests.unit.streams.normalising.builders import (
    TEMPLATES,
    a_form,
    a_receipt,
    as_pairs,
    as_xml,
)

Encoding = Callable[[Mapping[str, str]], bytes]
UNION = {
    "encoding": "UTF-8",
    "txnType": "01",
    "orderId": "T20260101",
    "txnTime": "20260101073000",
    "txnAmt": "2345",
    "currencyCode": "156",
    "queryId": "7822",
    "respCode": "00",
    "origRespCode": "00",
    "reqReserved": "T20260101",
}
ALIPAY = {
    "charset": "utf-8",
    "out_trade_no": "T-1",
    "trade_no": "2026",
    "trade_status": "TRADE_CLOSED",
    "total_amount": "23.45",
    "gmt_create": "2026-01-01 08:00:00",
    "gmt_payment": "2026-01-01 08:01:00",
    "refund_fee": "23.45",
    "gmt_refund": "2026-01-02 08:00:00.320",
}
V2 = {
    "return_code": "SUCCESS",
    "result_code": "SUCCESS",
    "out_trade_no": "T-1",
    "transaction_id": "4200",
    "total_fee": "2345",
    "time_end": "20260101073000",
}
V2_REFUND = {
    "out_trade_no": "T-1",
    "out_refund_no": "R-1",
    "refund_fee": "300",
    "refund_status": "CHANGE",
}
GOOD: list[tuple[str, Encoding, dict[str, str]]] = [
    ("alipay.notice", a_form, ALIPAY),
    ("unionpay.notice", a_form, UNION),
    ("unionpay.notice", a_form, UNION | {"txnType": "04"}),
    ("unionpay.query", as_pairs, UNION),
    ("unionpay.query", as_pairs, UNION | {"txnType": "04"}),
    ("unionpay.refund", as_pairs, UNION | {"txnType": "04"}),
    ("wechatpay.v2.transaction", as_xml, V2),
    ("wechatpay.v2.refund", as_xml, V2_REFUND),
]
CONTENT_TYPES = st.one_of(
    st.text(max_size=40), st.sampled_from(["text/xml; charset=gbk", "x; charset=utf-8", ""])
)
ODD = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.sampled_from(["", "0", "-1", "1e9", "00000000000000", "9" * 400, "\x00", "]]>", "&a;", "%"]),
)


def _reading(template: str, body: bytes, content_type: str = "") -> Reading:
    reading = read(a_receipt(template, body, content_type=content_type), TEMPLATES)
    if reading.rejection is not None:
        assert reading.rejection.reason is not RejectionReason.READER_FAILED
        assert reading.rejection.field
        assert reading.rejection.advice.endswith(".")
    return reading


@pytest.mark.parametrize(("template", "encode", "fields"), GOOD)
def test_the_messages_of_these_tests_are_readable(
    template: str, encode: Encoding, fields: dict[str, str]
) -> None:
    reading = _reading(template, encode(fields))

    assert reading.facts
    assert reading.rejection is None


@given(st.sampled_from([form, pairs, flat]), st.binary(max_size=600), CONTENT_TYPES)
def test_any_bytes_are_opened_or_refused(
    opening: Callable[[bytes, str], object], body: bytes, content_type: str
) -> None:
    with suppress(UnreadableError):
        assert isinstance(opening(body, content_type), dict)


@given(st.sampled_from(GOOD), st.data())
def test_a_good_message_with_any_text_in_any_field_becomes_a_reading(
    good: tuple[str, Encoding, dict[str, str]], data: st.DataObject
) -> None:
    template, encode, fields = good
    name = data.draw(st.sampled_from(sorted(fields)))

    for fact in _reading(template, encode(fields | {name: data.draw(ODD)})).facts:
        assert fact.occurred_at.utcoffset() is not None
        assert repr(fact).encode()


@given(st.sampled_from(GOOD), st.data())
def test_a_good_message_with_any_bytes_at_any_place_becomes_a_reading(
    good: tuple[str, Encoding, dict[str, str]], data: st.DataObject
) -> None:
    template, encode, fields = good
    body = encode(fields)
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    odd = data.draw(st.one_of(st.binary(max_size=8), ODD.map(str.encode)))

    _reading(template, body[:start] + odd + body[end:], data.draw(CONTENT_TYPES))


@given(st.dictionaries(st.from_regex(r"[a-z_0-9]{1,8}", fullmatch=True), st.text(), min_size=1))
def test_a_form_keeps_every_text_as_it_was_sent(fields: dict[str, str]) -> None:
    fields = {key: value for key, value in fields.items() if key not in {"charset", "encoding"}}
    printable = {key: value.encode(errors="ignore").decode() for key, value in fields.items()}
    if printable:
        assert form(a_form(printable), "") == printable


@pytest.mark.parametrize(("template", "fields"), [GOOD[6][::2], GOOD[7][::2]])
def test_xml_that_was_cut_anywhere_is_refused(template: str, fields: dict[str, str]) -> None:
    whole = as_xml(fields)

    for length in range(len(whole)):
        reading = _reading(template, whole[:length])
        assert reading.facts == ()
        assert reading.rejection is not None


@pytest.mark.parametrize(("template", "encode", "fields"), GOOD[:6])
def test_a_form_that_was_cut_anywhere_becomes_a_reading(
    template: str, encode: Encoding, fields: dict[str, str]
) -> None:
    whole = encode(fields)

    for length in range(len(whole)):
        _reading(template, whole[:length])
