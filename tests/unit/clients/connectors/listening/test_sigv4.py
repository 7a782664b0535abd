"""Requests to AWS are signed as its published test suite signs them (aws-sig-v4-test-suite)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clients.connectors.listening.sigv4 import Signer

URL = "https://example.amazonaws.com/"
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SIGNER = Signer(
    key="AKIDEXAMPLE",
    secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    region="us-east-1",
    service="service",
)
FORM = {"content-type": "application/x-www-form-urlencoded"}
VECTORS = {
    "get-vanilla": (
        ("GET", {}, b""),
        "host;x-amz-date",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "post-vanilla": (
        ("POST", {}, b""),
        "host;x-amz-date",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    "post-x-www-form-urlencoded": (
        ("POST", FORM, b"Param1=value1"),
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_request_is_signed_as_the_published_vector(name: str) -> None:
    (method, headers, body), signed_names, signature = VECTORS[name]

    proved = SIGNER.headers(method, URL, headers, body, AT)

    assert proved["x-amz-date"] == "20150830T123600Z"
    assert proved["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={signed_names}, Signature={signature}"
    )


def test_an_address_with_a_query_is_not_signed() -> None:
    with pytest.raises(ValueError, match="body"):
        SIGNER.headers("GET", f"{URL}?Action=x", {}, b"", AT)


def test_a_secret_is_not_shown() -> None:
    assert SIGNER.secret not in repr(SIGNER)
