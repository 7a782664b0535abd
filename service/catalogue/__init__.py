"""Reads what the desk knows: kinds of cases, calendars, workflows, each with its line numbers."""

from service.catalogue.drawing import draw
from service.catalogue.folders import SHIPPED
from service.catalogue.loading import CatalogueError, check_workflow, load, remembered

__all__ = ["SHIPPED", "CatalogueError", "check_workflow", "draw", "load", "remembered"]
