"""Numbers of a channel."""

from datetime import timedelta

from service.domain.channel_health import ArrivedReceipt, ChannelNumbers, WeighedReceipt, count
from tests.unit.service.insights.fakes import NOON


def weighed(delay: timedelta | None, **numbers: int) -> WeighedReceipt:
    return WeighedReceipt(
        received_at=NOON,
        event_at=None if delay is None else NOON - delay,
        facts=numbers.get("facts", 1),
        contradictions=numbers.get("contradictions", 0),
        is_rejected=bool(numbers.get("rejected", 0)),
    )


def test_receipts_count_by_channel_whether_weighed_or_not() -> None:
    found = count(
        [
            ArrivedReceipt("jd", 0, None),
            ArrivedReceipt("jd", 2, weighed(timedelta(seconds=1.5), facts=3, contradictions=1)),
            ArrivedReceipt("pdd", 0, weighed(None, facts=0, rejected=1)),
        ]
    )

    assert found["jd"] == ChannelNumbers(
        receipts=2,
        facts=3,
        duplicates=2,
        contradictions=1,
        delay_sum_ms=1500,
        delayed=1,
        newest_event_at=NOON - timedelta(seconds=1.5),
    )
    assert found["pdd"] == ChannelNumbers(receipts=1, rejects=1)


def test_an_event_from_the_future_is_not_early() -> None:
    found = count([ArrivedReceipt("jd", 0, weighed(-timedelta(hours=8)))])

    assert (found["jd"].delay_sum_ms, found["jd"].delayed) == (0, 1)


def test_numbers_of_minutes_add_up_and_the_newest_event_stays() -> None:
    total = ChannelNumbers()

    total.merge(ChannelNumbers(receipts=1, newest_event_at=NOON))
    total.merge(ChannelNumbers(receipts=2, newest_event_at=NOON - timedelta(minutes=1)))
    total.merge(ChannelNumbers(duplicates=1))

    assert total == ChannelNumbers(receipts=3, duplicates=1, newest_event_at=NOON)
