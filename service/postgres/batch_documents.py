"""Batches as columns and back: the template, as it was when the batch was made, is a document."""

from collections.abc import Mapping
from typing import Any

from service.domain.desk.batches import (
    Batch,
    BatchState,
    BatchStep,
    BatchTemplate,
    Exclusion,
    Input,
    InputKind,
    Selection,
)
from service.domain.desk.workflows import Effect, EffectKind
from service.domain.facts import OrderRef
from service.domain.lifecycle import State

_PLAIN = (
    "batch_id",
    "size",
    "excluded",
    "creator",
    "role",
    "created_at",
    "confirmer",
    "confirmed_at",
    "ended_at",
    "reason",
    "version",
)


def batch_row(batch: Batch) -> dict[str, Any]:
    """Return a batch as columns."""
    return {
        **{name: getattr(batch, name) for name in _PLAIN},
        "template": batch.template.key,
        "document": template_document(batch.template),
        "selection": _selection_document(batch.selection),
        "inputs": dict(batch.inputs),
        "state": batch.state.value,
    }


def batch_from(row: Any) -> Batch:  # noqa: ANN401  # a row mapping
    """Return columns as a batch."""
    return Batch(
        **{name: row[name] for name in _PLAIN},
        template=template_from(row["document"]),
        selection=_selection_from(row["selection"]),
        inputs=row["inputs"],
        state=BatchState(row["state"]),
    )


def template_document(template: BatchTemplate) -> dict[str, Any]:
    """Return a template as a document."""
    return {
        "name": template.name,
        "version": template.version,
        "title": dict(template.title),
        "roles": sorted(template.roles),
        "states": [each.value for each in template.states],
        "condition": template.condition,
        "steps": [
            {
                "name": each.name,
                "kind": each.effect.kind.value,
                "values": dict(each.effect.values),
            }
            for each in template.steps
        ],
        "inputs": [
            {
                "name": each.name,
                "title": dict(each.title),
                "kind": each.kind.value,
                "default": each.default,
            }
            for each in template.inputs
        ],
        "exclusions": [
            {"reason": each.reason, "title": dict(each.title), "when": each.when}
            for each in template.exclusions
        ],
    }


def template_from(document: Mapping[str, Any]) -> BatchTemplate:
    """Return a document as a template."""
    return BatchTemplate(
        name=document["name"],
        version=document["version"],
        title=document["title"],
        roles=frozenset(document["roles"]),
        states=tuple(State(each) for each in document["states"]),
        condition=document["condition"],
        steps=tuple(
            BatchStep(each["name"], Effect(EffectKind(each["kind"]), each["values"]))
            for each in document["steps"]
        ),
        inputs=tuple(
            Input(each["name"], each["title"], InputKind(each["kind"]), each["default"])
            for each in document["inputs"]
        ),
        exclusions=tuple(Exclusion(**each) for each in document["exclusions"]),
    )


def _selection_document(selection: Selection) -> dict[str, Any]:
    return {
        "tags": list(selection.tags),
        "channels": list(selection.channels),
        "states": [each.value for each in selection.states],
        "orders": list(selection.orders),
        "refs": [list(each) for each in selection.refs],
        "condition": selection.condition,
    }


def _selection_from(document: Mapping[str, Any]) -> Selection:
    return Selection(
        tags=tuple(document["tags"]),
        channels=tuple(document["channels"]),
        states=tuple(State(each) for each in document["states"]),
        orders=tuple(document["orders"]),
        refs=tuple(OrderRef(*each) for each in document["refs"]),
        condition=document["condition"],
    )
