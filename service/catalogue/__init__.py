"""Reads what the desk knows: kinds of cases, calendars, workflows, each with its line numbers."""

from service.catalogue.loading import SHIPPED, CatalogueError, check_workflow, load

__all__ = ["SHIPPED", "CatalogueError", "check_workflow", "load"]
