"""Wires the register of files."""

from concord.imports.v1 import import_service_pb2_grpc
from service.application.importing import FileWatch
from service.postgres.import_reading import PostgresImportReader
from service.rpc.imports import ImportServicer
from service.wiring.ground import Ground, Part


def imports(ground: Ground) -> Part:
    """Return what keeps the register of files, and what misses files."""
    watch = FileWatch(ground.storage, ground.encoder, ground.clock, ground.settings.terms)
    return Part(
        services={
            "concord.imports.v1.ImportService": (
                import_service_pb2_grpc.add_ImportServiceServicer_to_server,
                ImportServicer(ground.mutations, PostgresImportReader(ground.engine)),
            ),
        },
        works=(watch.look,),
    )
