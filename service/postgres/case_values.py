"""Cases as columns, and back."""

from dataclasses import fields
from typing import Any, Final

from service.domain.cases import Case, CaseAct, CaseState, PausedBy
from service.domain.desk.handling import Document, StepRun
from service.domain.desk.taxonomy import Severity, Side

# Columns are named as the fields are.
_COLUMNS: Final = tuple(each.name for each in fields(Case))
_RUN: Final = tuple(each.name for each in fields(StepRun))
_DOCUMENT: Final = tuple(each.name for each in fields(Document))


def case_row(case: Case) -> dict[str, Any]:
    """Return a case as columns."""
    row = {name: getattr(case, name) for name in _COLUMNS}
    row["state"] = case.state.value
    row["side"] = case.side.value
    row["severity"] = case.severity.value
    row["paused_by"] = case.paused_by.value
    row["awaits"] = list(case.awaits)
    return row


def case_from(row: Any) -> Case:  # noqa: ANN401  # columns by name
    """Return columns as a case."""
    values = {name: row[name] for name in _COLUMNS}
    values["state"] = CaseState(row["state"])
    values["side"] = Side(row["side"])
    values["severity"] = Severity(row["severity"])
    values["paused_by"] = PausedBy(row["paused_by"])
    values["awaits"] = tuple(row["awaits"])
    return Case(**values)


def act_row(act: CaseAct) -> dict[str, Any]:
    """Return an entry of a case's log as columns."""
    return {
        "case_id": act.case.case_id,
        "number": act.case.version,
        "act": act.act,
        "actor": act.actor,
        "acted_at": act.at,
        "text": act.text,
        "role": act.role,
        "address": act.address,
        "step": act.step,
        "document": act.document,
        "automatic": act.is_automatic or act.actor == "system",
    }


def act_from(case: Case, row: Any) -> CaseAct:  # noqa: ANN401  # as above
    """Return columns as an entry of a case's log."""
    return CaseAct(
        case,
        row["act"],
        row["actor"],
        row["acted_at"],
        row["text"],
        role=row["role"],
        address=row["address"],
        step=row["step"],
        document=row["document"],
        is_automatic=row["automatic"],
    )


def run_row(case_id: str, run: StepRun) -> dict[str, Any]:
    """Return one time that a step was active as columns."""
    return {"case_id": case_id, **{name: getattr(run, name) for name in _RUN}}


def run_from(row: Any) -> StepRun:  # noqa: ANN401  # as above
    """Return columns as one time that a step was active."""
    return StepRun(**{name: row[name] for name in _RUN})


def document_row(case_id: str, document: Document) -> dict[str, Any]:
    """Return a document as columns."""
    return {"case_id": case_id, **{name: getattr(document, name) for name in _DOCUMENT}}


def document_from(row: Any) -> Document:  # noqa: ANN401  # as above
    """Return columns as a document."""
    return Document(**{name: row[name] for name in _DOCUMENT})
