"""Wires what tells of kinds of cases and workflows, and keeps the versions that cases have."""

import contextlib
from dataclasses import replace

import sqlalchemy as sa

from concord.workflows.v1 import workflow_service_pb2_grpc
from service import catalogue
from service.cel import CelConditions
from service.config import ConfigurationError, Settings
from service.domain.errors import OutageError
from service.postgres.workflow_rows import VersionChangedError, WorkflowVersions
from service.rpc.workflows import WorkflowServicer
from service.wiring.ground import Ground, Part


def with_versions(settings: Settings, engine: sa.Engine) -> Settings:
    """Return settings whose workflows are also found where only running cases have them."""
    present = settings.catalogue.workflows
    versions = WorkflowVersions(engine, present, catalogue.remembered)
    return replace(settings, catalogue=replace(settings.catalogue, workflows=versions))


def workflows(ground: Ground) -> Part:
    """Return what tells of the catalogue.

    Raises:
        ConfigurationError: a version of a workflow has another text than it had before.
    """
    versions = ground.settings.catalogue.workflows
    servicer = WorkflowServicer(ground.settings.catalogue, CelConditions())

    def keep() -> int:
        if isinstance(versions, WorkflowVersions):
            versions.keep(ground.clock())
        return 0

    try:
        # Where PostgreSQL cannot be reached yet, the clockwork does it before a case can begin.
        with contextlib.suppress(OutageError):
            keep()
    except VersionChangedError as error:
        raise ConfigurationError((f"CONCORD_CATALOGUE: {error}",)) from error
    return Part(
        services={
            "concord.workflows.v1.WorkflowService": (
                workflow_service_pb2_grpc.add_WorkflowServiceServicer_to_server,
                servicer,
            ),
        },
        works=(keep,),
    )
