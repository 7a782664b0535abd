"""Conditions in CEL: typed, without loops, and never true by mistake."""

from service.cel.conditions import CelConditions

__all__ = ["CelConditions"]
