"""Wires the register of channels: feeds, what is asked of them, and what watches them."""

from concord.channels.v1 import channel_service_pb2_grpc
from service.application.feed_running import FeedClaims
from service.application.feed_watching import FeedWatch
from service.feed_watch import FeedMeasures
from service.postgres.feed_reading import PostgresFeedReader
from service.rpc.channels import ChannelServicer
from service.wiring.ground import Ground, Part


def channels(ground: Ground) -> Part:
    """Return what keeps feeds, and what looks whether they fall silent."""
    terms = ground.settings.terms
    reader = PostgresFeedReader(ground.engine)
    claims = FeedClaims(ground.storage, ground.encoder, ground.clock, terms)
    watch = FeedWatch(ground.storage, ground.encoder, ground.clock, terms)
    metrics = ground.telemetry.metrics
    measures = FeedMeasures(reader, metrics, ground.clock)
    servicer = ChannelServicer(ground.mutations, reader, claims, ground.ids, ground.clock, metrics)
    return Part(
        services={
            "concord.channels.v1.ChannelService": (
                channel_service_pb2_grpc.add_ChannelServiceServicer_to_server,
                servicer,
            ),
        },
        works=(watch.look, watch.forget, measures.measure),
    )
