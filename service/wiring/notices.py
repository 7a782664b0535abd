"""Wires what people are told."""

from concord.notices.v1 import notice_service_pb2_grpc
from service.application.noticing import Noticing
from service.kafka.encoding import ProtobufEnvelopes
from service.notice_watch import NoticeWatch
from service.postgres.notice_reading import PostgresNoticeReader
from service.postgres.storage import PostgresStorage
from service.rpc.notices import NoticeServicer
from service.wiring.ground import Ground, Part


def notices(ground: Ground) -> Part:
    """Return what composes notices, and gives their deliveries to those who send."""
    metrics = ground.telemetry.metrics
    # Delivering has transactions of its own, which see more of notices than others do.
    storage = PostgresStorage(
        ground.engine, ProtobufEnvelopes(), failpoints=ground.settings.failpoints
    )
    noticing = Noticing(storage, ground.clock, ground.settings.messages)
    reader = PostgresNoticeReader(ground.engine)
    watch = NoticeWatch(noticing, reader, metrics, ground.clock)
    return Part(
        services={
            "concord.notices.v1.NoticeService": (
                notice_service_pb2_grpc.add_NoticeServiceServicer_to_server,
                NoticeServicer(ground.mutations, noticing, reader, metrics),
            ),
        },
        works=(watch.compose, watch.lapse, watch.measure),
    )
