"""The composition root of a relay: what it needs of the service, and no more.

A relay that takes over must be there soon, so it imports neither the calls nor what they do.
"""

from service.config import Settings
from service.kafka.relay import build_relay
from service.kafka.topics import NAMES
from service.postgres.outbox_queue import PostgresRelayQueue
from service.process import fresh_id, now, telemetry_of, until_told
from service.telemetry import Probes


def relay(settings: Settings) -> None:
    """Publish the outbox until told to end."""
    stop = until_told()
    telemetry = telemetry_of(settings)
    owner = fresh_id()
    queue = PostgresRelayQueue(settings.database_url, owner=owner, topics=NAMES, ids=fresh_id)
    publishing = build_relay(
        queue,
        bootstrap=settings.kafka_bootstrap,
        partitions=settings.kafka_partitions,
        clock=now,
        metrics=telemetry.metrics,
        failpoints=settings.failpoints,
    )
    probes = Probes(
        settings.metrics_address,
        registry=telemetry.metrics.registry,
        ready=lambda: {} if publishing.is_ready() else {"relay": "no round within 10 s"},
    )
    try:
        publishing.run(stop)
    finally:
        probes.close()
        telemetry.shutdown()
