"""Wires batches: many orders handled at once."""

from collections.abc import Mapping

import structlog

from concord.batches.v1 import batch_service_pb2_grpc
from service.application.batch_previewing import BatchPreviews
from service.application.batch_running import BatchRunning
from service.application.batches import BatchBook
from service.cel import CelConditions
from service.domain.desk.batches import Limits
from service.domain.desk.messages import MessageError, Messages
from service.postgres.batch_reading import PostgresBatchReader
from service.rpc.batches import BatchServicer
from service.wiring.ground import Ground, Part

log = structlog.get_logger(__name__)


def batches(ground: Ground) -> Part:
    """Return what makes batches, and what works them off."""
    settings = ground.settings
    limits = Limits(settings.batch_typed_above, settings.batch_two_people_above)
    coupons = settings.catalogue.coupons
    book = BatchBook(settings.batches, coupons, CelConditions(), limits)
    reader = PostgresBatchReader(ground.engine)
    previews = BatchPreviews(reader, book, _Rendering(settings.messages), ground.clock)
    running = BatchRunning(ground.storage, ground.encoder, ground.clock, settings.terms, _parted)
    return Part(
        services={
            "concord.batches.v1.BatchService": (
                batch_service_pb2_grpc.add_BatchServiceServicer_to_server,
                BatchServicer(ground.mutations, reader, book, previews, ground.watchers),
            ),
        },
        works=(running.work_off, running.finish),
    )


def _parted(error: Exception) -> None:
    log.error("batch_parted", exc_info=error)


class _Rendering:
    """Shows what people would read; where a text cannot be made, why not."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def __call__(self, template: str, values: Mapping[str, str], language: str) -> tuple[str, str]:
        try:
            text = self._messages.render(template, values, language)
        except MessageError as error:
            return "", f"✗ {error}"
        return text.title, text.body
