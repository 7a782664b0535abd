"""Wires what people see of many orders at once."""

import time

from concord.insights.v1 import insight_service_pb2_grpc
from service.application.insights import ChannelBoards, OverdueOrders, StageBoards, Verifier
from service.postgres.insights import ArrivalRows, FlagRows, JournalMeasures, OverdueRows
from service.rpc.flags import FlagActs
from service.rpc.insights import InsightServicer, InsightUseCases
from service.views import connection as views
from service.views.channels import RedisChannelView
from service.views.stages import RedisStageView
from service.wiring.ground import Ground, Part


def insights(ground: Ground) -> Part:
    """Return boards, overdue orders and findings."""
    servicer = InsightServicer(_use_cases(ground), FlagActs(ground.mutations), ground.watchers)
    return Part(
        services={
            "concord.insights.v1.InsightService": (
                insight_service_pb2_grpc.add_InsightServiceServicer_to_server,
                servicer,
            ),
        },
    )


def _use_cases(ground: Ground) -> InsightUseCases:
    settings, engine, clock = ground.settings, ground.engine, ground.clock
    redis = views.connect(settings.redis_url)
    stages = RedisStageView(redis, settings.kafka_partitions)
    channels = RedisChannelView(redis, settings.kafka_partitions)
    # A proof reads the whole view, and may take its time over it.
    unhurried = views.connect(settings.redis_url, timeout_s=views.PATIENT_TIMEOUT_S)
    patient = RedisStageView(unhurried, settings.kafka_partitions)
    measures = JournalMeasures(engine)
    return InsightUseCases(
        stages=StageBoards(stages, measures, clock, time.sleep),
        channels=ChannelBoards(channels, ArrivalRows(engine), clock),
        overdue=OverdueOrders(OverdueRows(engine), clock, settings.stage_limits),
        flags=FlagRows(engine),
        verifier=Verifier(patient, measures, clock, time.sleep),
    )
