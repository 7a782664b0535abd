"""Normalising: what a receipt means in our words, by the template of its kind. Pure."""

from streams.logic.normalising.compiling import templates_from
from streams.logic.normalising.facts import (
    Circumstance,
    Fact,
    FactKind,
    Identity,
    IdentityKind,
    Money,
    OrderLine,
    OrderRef,
    Reading,
    Receipt,
    Rejection,
    RejectionReason,
)
from streams.logic.normalising.pseudonyms import keyed
from streams.logic.normalising.reading import read
from streams.logic.normalising.refusals import TemplateError
from streams.logic.normalising.template import Pseudonym, Template, Templates

__all__ = [
    "Circumstance",
    "Fact",
    "FactKind",
    "Identity",
    "IdentityKind",
    "Money",
    "OrderLine",
    "OrderRef",
    "Pseudonym",
    "Reading",
    "Receipt",
    "Rejection",
    "RejectionReason",
    "Template",
    "TemplateError",
    "Templates",
    "keyed",
    "read",
    "templates_from",
]
