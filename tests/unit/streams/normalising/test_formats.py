"""Forms, pairs and flat XML: as sent, in the charset that was declared, bounded, or refused."""

import time

import pytest

from streams.logic.normalising import form_text, xml_text
from streams.logic.normalising.facts import RejectionReason
from streams.logic.normalising.form_text import form, pairs
from streams.logic.normalising.refusals import UnreadableError
from streams.logic.normalising.xml_text import flat
from tests.unit.streams.normalising.builders import a_form

SYNTAX = RejectionReason.SYNTAX_INVALID
ENCODING = RejectionReason.ENCODING_INVALID
FORM_TYPE = "application/x-www-form-urlencoded"


def test_a_plus_is_a_blank_and_an_escaped_plus_is_a_plus() -> None:
    assert form(b"subject=a%2Bb+-+1&sign=x%3D%3D&empty=", "") == {
        "subject": "a+b - 1",
        "sign": "x==",
        "empty": "",
    }


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "gb18030", "GBK", "UTF-8", "gb2312"])
def test_a_form_is_read_in_the_charset_that_it_declares_itself(charset: str) -> None:
    body = a_form({"subject": "红米", "charset": charset}, charset)

    assert form(body, f"{FORM_TYPE}; charset=latin-1")["subject"] == "红米"


@pytest.mark.parametrize(
    "content_type",
    [
        f"{FORM_TYPE}; charset=gbk",
        f'{FORM_TYPE};charset="GBK"',
        f"{FORM_TYPE}; text/html; charset=gbk",
    ],
)
def test_a_form_that_declares_nothing_is_in_the_charset_of_its_header(content_type: str) -> None:
    assert form(a_form({"subject": "红米"}, "gbk"), content_type) == {"subject": "红米"}


def test_a_form_of_unionpay_calls_its_charset_encoding() -> None:
    assert form(a_form({"encoding": "GBK", "a": "红"}, "gbk"), "")["a"] == "红"


def test_a_form_that_nobody_declares_is_utf_8() -> None:
    assert form(a_form({"a": "红"}), FORM_TYPE) == {"a": "红"}


def test_pairs_are_not_decoded_and_end_at_the_next_ampersand() -> None:
    cert = "-----BEGIN CERTIFICATE-----\r\nMII+/w==\r\n-----END CERTIFICATE-----"
    body = f"accNo=a+b/c==&msg=成功[0000000]&cert={cert}&last=%41".encode()

    assert pairs(body, "") == {
        "accNo": "a+b/c==",
        "msg": "成功[0000000]",
        "cert": cert,
        "last": "%41",
    }


def test_xml_is_its_fields_of_text_under_their_plain_names() -> None:
    body = """<?xml version="1.0" encoding="UTF-8"?>
    <xml><!-- a comment -->
      <attach><![CDATA[<支付>]]></attach> <total_fee>1</total_fee>
      <coupon_fee_1>200</coupon_fee_1><coupon_fee_0>100</coupon_fee_0><empty/>
    </xml>
    """
    assert flat(body.encode(), "") == {
        "attach": "<支付>",
        "total_fee": "1",
        "coupon_fee_1": "200",
        "coupon_fee_0": "100",
        "empty": "",
    }


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('<?xml version="1.0" encoding="GBK"?><xml><a>红</a></xml>'.encode("gbk"), "text/xml"),
        ("<xml><a>红</a></xml>".encode("gb18030"), "text/xml; charset=gb18030"),
        (b"\xef\xbb\xbf" + "<xml><a>红</a></xml>".encode(), ""),
    ],
)
def test_xml_is_read_in_the_charset_that_it_declares(body: bytes, content_type: str) -> None:
    assert flat(body, content_type) == {"a": "红"}


FIELDS = "&".join(f"k{number}=1" for number in range(form_text.FIELDS_MAX + 1)).encode()
ELEMENTS = "".join(f"<k{number}/>" for number in range(xml_text.FIELDS_MAX + 1))
ATTRIBUTES = " ".join(f"a{number}='1'" for number in range(20_000))
LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><xml><x>&b;</x></xml>'
FOREIGN = """<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><xml><x>&f;</x></xml>"""

REFUSED = {
    "an empty form": (form, b"", SYNTAX, "body"),
    "a form without pairs": (form, b'{"trade_status":1}', SYNTAX, "body"),
    "a form with a hole": (form, b"a=1&&b=2", SYNTAX, "body"),
    "a value without a name": (form, b"a=1&=2", SYNTAX, "body"),
    "a form that names a key twice": (form, b"trade_no=1&trade_no=2", SYNTAX, "trade_no"),
    "a form that names a key twice in two spellings": (form, b"a%62=1&ab=2", SYNTAX, "ab"),
    "a key that is no field name, twice": (form, b"%E7%BA%A2=1&%E7%BA%A2=2", SYNTAX, "body"),
    "a form of too many fields": (form, FIELDS, SYNTAX, "body"),
    "a form of ampersands": (form, b"&" * 1_000_000, SYNTAX, "body"),
    "a form in another charset": (form, a_form({"a": "红"}, "gbk"), ENCODING, "a"),
    "a form in a charset of nobody": (form, b"a=1&charset=utf-7", ENCODING, "charset"),
    "a charset of no letters": (form, b"a=1&charset=%FF", ENCODING, "charset"),
    "pairs that are none": (pairs, b"<html>busy</html>", SYNTAX, "body"),
    "pairs that name a key twice": (pairs, b"respCode=34&respCode=00", SYNTAX, "respCode"),
    "pairs in another charset": (pairs, "a=红".encode("gbk"), ENCODING, "a"),
    "nothing for XML": (flat, b"", SYNTAX, "body"),
    "JSON for XML": (flat, b"{}", SYNTAX, "body"),
    "XML that was cut": (flat, b"<xml><a>1</a>", SYNTAX, "body"),
    "two roots": (flat, b"<xml/><xml/>", SYNTAX, "body"),
    "a field twice": (flat, b"<xml><a>1</a><a>2</a></xml>", SYNTAX, "a"),
    "elements in a field": (flat, b"<xml><a><b>1</b></a></xml>", SYNTAX, "body"),
    "far too deep": (flat, b"<a>" * 80_000, SYNTAX, "body"),
    "too many fields": (flat, f"<xml>{ELEMENTS}</xml>".encode(), SYNTAX, "body"),
    "too long": (flat, b"<xml>" + b" " * xml_text.LENGTH_MAX + b"</xml>", SYNTAX, "body"),
    "a DTD": (flat, b"<!DOCTYPE xml><xml><a>1</a></xml>", SYNTAX, "body"),
    "entities that grow": (flat, LAUGHS.encode(), SYNTAX, "body"),
    "an entity from a file": (flat, FOREIGN.encode(), SYNTAX, "body"),
    "an entity of nobody": (flat, b"<xml><a>&nbsp;</a></xml>", SYNTAX, "body"),
    "XML in another charset": (flat, "<xml><a>红</a></xml>".encode("gbk"), ENCODING, "body"),
    "UTF-16": (flat, "<xml/>".encode("utf-16"), ENCODING, "body"),
    "UTF-7": (flat, b'<?xml version="1.0" encoding="utf-7"?><xml/>', ENCODING, "charset"),
}


@pytest.mark.parametrize(("opening", "body", "reason", "field"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_whole_or_not_plain_is_refused(
    opening: object, body: bytes, reason: RejectionReason, field: str
) -> None:
    assert callable(opening)

    with pytest.raises(UnreadableError) as refused:
        opening(body, "")

    rejection = refused.value.rejection
    assert (rejection.reason, rejection.field) == (reason, field)
    assert rejection.advice.endswith(".")


HUGE = {
    "a form of one value": (form, b"a=" + b"%41" * 300_000),
    "a form of one escape": (form, b"a=" + b"%" * 1_000_000),
    "pairs of one value": (pairs, b"a=" + b"=" * 1_000_000),
    "a text of lines": (flat, b"<xml><a>" + b"\n" * 250_000 + b"</a></xml>"),
    "a thousand comments": (flat, b"<xml>" + b"<!---->" * 35_000 + b"</xml>"),
    "instructions": (flat, b"<xml>" + b"<?x?>" * 50_000 + b"</xml>"),
    "characters by number": (flat, b"<xml><a>" + b"&#65;" * 50_000 + b"</a></xml>"),
    "attributes": (
        flat,
        f"<xml {ATTRIBUTES}/>".encode(),
    ),
}


@pytest.mark.parametrize(("opening", "body"), HUGE.values(), ids=HUGE)
def test_a_large_body_takes_no_longer_than_its_length(opening: object, body: bytes) -> None:
    assert callable(opening)
    started = time.thread_time()

    opening(body, "")

    # Measured at 0.2 s for the slowest; anything that squares would take minutes.
    assert time.thread_time() - started < 5
