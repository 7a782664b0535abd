"""What Pinduoduo's message service is told and tells, against what is known of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from clients.connectors.listening.pdd import frame_of, path_of
from clients.providers.accounts.shops import PddAccount


def test_a_socket_is_opened_by_the_vector_that_is_known(
    sample: Callable[[str], bytes],
) -> None:
    told = json.loads(sample("pdd/ws_auth_vector.json"))
    account = PddAccount(
        name="a",
        client=told["client_id"],
        client_secret=told["client_secret"],
        access_token="token",
    )
    at = datetime.fromtimestamp(told["timestamp_ms"] / 1000, tz=UTC)

    assert path_of(account, at) == told["path"]


def test_a_frame_is_read_without_rounding_its_number(
    sample: Callable[[str], bytes],
) -> None:
    text = sample("pdd/push_trade_confirmed_frame.json").decode()

    frame = frame_of(text)

    assert frame is not None
    assert frame.number == 1234567890123456789
    assert (frame.mall, frame.order, frame.text) == ("100", "200101-000000000000001", text)
    assert frame.echo == {
        "sendTime": 1700000000000,
        "type": "pdd_trade_TradeConfirmed",
        "mallID": 100,
    }
