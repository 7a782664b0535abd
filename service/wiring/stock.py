"""Wires stock and pick lists."""

import random
import time

from concord.fulfilment.v1 import fulfilment_service_pb2_grpc
from concord.inventory.v1 import inventory_service_pb2_grpc
from service.application.allocating import Allocating
from service.application.stock_watching import StockWatching
from service.counting import Counting
from service.postgres.stock_plan_reading import PostgresStockPlanReader
from service.postgres.stock_reading import PostgresStockReader
from service.rpc.fulfilment import FulfilmentServicer
from service.rpc.inventory import InventoryServicer
from service.stock_watch import StockWatch
from service.wiring.ground import Ground, Part


def stock(ground: Ground) -> Part:
    """Return what keeps stock, and lets orders have it."""
    allocating = Allocating(
        ground.storage,
        ground.encoder,
        ground.clock,
        chance=random.random,
        pause=time.sleep,
        told=Counting(ground.telemetry.metrics).settled,
        terms=ground.settings.terms,
    )
    watch = StockWatch(StockWatching(ground.storage, ground.clock), ground.clock)
    reader = PostgresStockReader(ground.engine)
    return Part(
        services={
            "concord.inventory.v1.InventoryService": (
                inventory_service_pb2_grpc.add_InventoryServiceServicer_to_server,
                InventoryServicer(
                    ground.mutations,
                    reader,
                    PostgresStockPlanReader(ground.engine),
                    ground.clock,
                ),
            ),
            "concord.fulfilment.v1.FulfilmentService": (
                fulfilment_service_pb2_grpc.add_FulfilmentServiceServicer_to_server,
                FulfilmentServicer(ground.mutations, reader),
            ),
        },
        works=(allocating.settle_due, allocating.sweep, watch.look),
    )
