"""What a record says beside its value, and the heartbeats between records."""

from datetime import UTC, datetime

from concord.orders.v1.order_event_pb2 import OrderEvent
from service.application.outbox import SHARDS, Stream, shard_of
from service.kafka.topics import NAMES, TOPICS
from tests.integration.relay.world import ORDERS, Read, World, wait_until

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def test_a_record_carries_its_headers_once(world: World) -> None:
    world.start_living()
    world.write("order-1", b"the bytes", traceparent=UNSAMPLED)
    wait_until(world.is_drained, what="an empty outbox")

    [record] = world.read(ORDERS, least=1)

    assert record.value == b"the bytes"
    assert record.headers == {
        "ce_specversion": ["1.0"],
        "ce_id": ["order-1:1"],
        "ce_source": ["/concord/service"],
        "ce_type": ["concord.orders.v1.OrderEvent"],
        "ce_subject": ["order-1"],
        "content-type": ["application/protobuf"],
        "concord-epoch": ["1"],
        "concord-n": ["1"],
        "traceparent": [UNSAMPLED],
    }


def test_a_sampled_trace_goes_on_through_the_relay(world: World) -> None:
    world.start_relay()
    world.write("order-1", traceparent=SAMPLED)
    wait_until(world.is_drained, what="an empty outbox")

    [record] = world.read(ORDERS, least=1)

    [sent] = record.headers["traceparent"]
    assert sent.split("-")[1] == SAMPLED.split("-")[1]


def test_keys_go_to_the_partitions_that_other_clients_compute(world: World) -> None:
    world.start_relay()
    for number in range(20):
        world.write(f"order-{number}")
    wait_until(world.is_drained, what="an empty outbox")

    for record in world.read(ORDERS, least=20):
        key = (record.key or "").encode()
        assert record.partition == (murmur2(key) & 0x7FFFFFFF) % 4


def test_every_partition_has_heartbeats(world: World) -> None:
    begun = datetime.now(UTC)
    world.start_living()
    topics = [topic.name for topic in TOPICS.values() if topic.has_heartbeat]

    wanted = {(topic, partition) for topic in topics for partition in range(4)}
    heard: list[Read] = []

    def everyone_was_heard() -> bool:
        # A broker may give all that one partition has before it comes to the next: read more.
        heard.extend(world.read(*topics, least=len(heard) + len(wanted), heartbeats=True))
        return {(beat.topic, beat.partition) for beat in heard} == wanted

    wait_until(everyone_was_heard, what="a heartbeat on every partition")
    beats = [OrderEvent.FromString(beat.value) for beat in heard if beat.topic == ORDERS]
    assert {beat.WhichOneof("payload") for beat in beats} == {"heartbeat"}
    assert all(beat.event_time.ToDatetime(UTC) > begun for beat in beats)
    assert all("traceparent" not in beat.headers for beat in heard)
    assert all(beat.epoch == 1 for beat in heard)


def test_no_heartbeat_goes_out_while_older_rows_wait(world: World) -> None:
    world.start_living().end()
    for _ in range(20):
        world.write("order-1")
    # As after an outage: these have waited for an hour.
    world.query(
        "UPDATE outbox SET created_at = created_at - interval '1 hour' WHERE published_at IS NULL"
    )

    world.start_relay()
    wait_until(world.is_drained, what="an empty outbox")

    orders: list[Read] = []

    def all_rows_were_read() -> bool:
        # As many heartbeats may come before them as there was time for.
        nonlocal orders
        orders = world.read(ORDERS, least=len(orders) + 20, heartbeats=True)
        return sum(bool(record.key) for record in orders) == 20

    wait_until(all_rows_were_read, what="all rows")
    [partition] = {record.partition for record in orders if record.key}
    kinds = [bool(record.key) for record in orders if record.partition == partition]
    last = len(kinds) - 1 - kinds[::-1].index(True)
    assert all(kinds[last - 19 : last + 1]), "a heartbeat went out between rows that were late"


def test_postgres_computes_the_same_shards(world: World) -> None:
    keys = [f"order-{number}" for number in range(100)] + ["douyin:渠道", ""]
    rows = world.query(
        "SELECT get_byte(sha256(convert_to(key, 'UTF8')), 0) % :shards AS shard"
        " FROM unnest(CAST(:keys AS text[])) WITH ORDINALITY AS k(key, position)"
        " ORDER BY position",
        keys=keys,
        shards=SHARDS,
    )
    assert [row.shard for row in rows] == [shard_of(key) for key in keys]


def test_a_large_receipt_passes(world: World) -> None:
    receipts = NAMES[Stream.RECEIPTS]
    world.start_relay()
    world.post(receipts, "douyin:1", b"x" * (1_024 * 1_024 + 4_096))

    wait_until(world.is_drained, what="an empty outbox")
    [record] = world.read(receipts, least=1)
    assert len(record.value) == 1_024 * 1_024 + 4_096


def murmur2(data: bytes) -> int:
    """The Java client's hash, written from its definition."""
    mask, factor = 0xFFFFFFFF, 0x5BD1E995
    digest = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * factor & mask
        word = (word ^ word >> 24) * factor & mask
        digest = (digest * factor & mask) ^ word
    if rest := data[whole:]:
        digest = (digest ^ int.from_bytes(rest, "little")) * factor & mask
    digest = (digest ^ digest >> 13) * factor & mask
    return digest ^ digest >> 15
