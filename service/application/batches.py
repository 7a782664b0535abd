"""Makes batches and moves them: each act in the transaction of its request.

What happens to orders meanwhile is `batch_running`'s.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from service.application.conditions import Conditions
from service.application.freezing import Freezing
from service.application.ports import Unit
from service.domain.desk.batch_errors import BatchEmptyError, BatchTemplateNotFoundError
from service.domain.desk.batches import (
    Batch,
    BatchAct,
    BatchState,
    BatchTemplate,
    InputKind,
    Limits,
    MemberState,
    Selection,
)
from service.domain.desk.catalogue import CouponKind
from service.domain.desk.workflows import EffectKind
from service.domain.errors import InvalidRequestError
from service.domain.journal import Origin

# A condition that names what a batch has not would be judged on nothing.
ABOUT_CASES: Final = re.compile(r"\bcase\.")


@dataclass(frozen=True, slots=True)
class BatchBook:
    """What batches may be: templates, kinds of coupons, and from which size on two must agree."""

    templates: Mapping[str, BatchTemplate]
    coupons: Mapping[str, CouponKind]
    conditions: Conditions
    limits: Limits

    def template(self, name: str) -> BatchTemplate:
        """Return a template, or raise `BatchTemplateNotFoundError`."""
        found = self.templates.get(name)
        if found is None:
            known = tuple(sorted(self.templates))
            raise BatchTemplateNotFoundError(template=name, known=known)
        return found

    def currencies(self, template: BatchTemplate) -> frozenset[str]:
        """Return the currencies of the coupons that a template gives."""
        kinds = [
            each.effect.values["template"]
            for each in template.steps
            if each.effect.kind is EffectKind.COUPON
        ]
        return frozenset(self.coupons[each].currency for each in kinds)


@dataclass(frozen=True, slots=True)
class NewBatch:
    """What whoever makes a batch says."""

    template: str
    selection: Selection
    inputs: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Batching:
    """Acts on batches within one transaction, on behalf of one caller."""

    unit: Unit
    book: BatchBook
    origin: Origin
    at: datetime

    def create(self, asked: NewBatch, fresh_id: str) -> Batch:
        """Freeze a list.

        Raises:
            BatchTemplateNotFoundError, BatchRoleRefusedError.
            InvalidRequestError: the selection takes everything, or too much; a condition cannot be
                read; what the template asks for was not said.
        """
        template = self.book.template(asked.template)
        template.refuse_role(self.origin.role)
        self._refuse_selection(asked.selection)
        inputs = _inputs(template, asked.inputs)
        batch_id = f"bat-{fresh_id}"
        # Two who ask at once for the same orders: the second finds them on the first one's list.
        self.unit.lock_template(template.name)
        members = Freezing(
            unit=self.unit,
            conditions=self.book.conditions,
            template=template,
            selection=asked.selection,
            currencies=self.book.currencies(template),
            most=self.book.limits.most,
            at=self.at,
        ).members(batch_id)
        excluded = sum(each.state is MemberState.EXCLUDED for each in members)
        batch = Batch(
            batch_id=batch_id,
            template=template,
            selection=asked.selection,
            inputs=inputs,
            state=BatchState.FROZEN,
            size=len(members) - excluded,
            excluded=excluded,
            creator=self.origin.actor,
            role=self.origin.role,
            created_at=self.at,
            reason=asked.reason,
        )
        self.unit.save_batch(batch)
        self.unit.save_members(members)
        return batch

    def confirm(self, batch_id: str, typed: str) -> Batch:
        """Let a batch run; see `Batch.confirm`."""
        batch = self._locked(batch_id)
        return self._kept(batch.confirm(self.origin.actor, typed, self.book.limits, at=self.at))

    def act(self, batch_id: str, act: BatchAct) -> Batch:
        """Pause, resume or call off, or raise `BatchNotInStateError`."""
        return self._kept(self._locked(batch_id).acted(act, at=self.at))

    def retry(self, batch_id: str) -> Batch:
        """Take failed orders again; or raise `BatchNotInStateError`, `BatchEmptyError`."""
        batch = self._locked(batch_id).acted(BatchAct.RETRY, at=self.at)
        if not self.unit.retry_members(batch_id, at=self.at):
            raise BatchEmptyError(batch=batch_id, excluded=batch.excluded)
        return self._kept(replace(batch, ended_at=None))

    def _locked(self, batch_id: str) -> Batch:
        batch = self.unit.lock_batch(batch_id)
        batch.template.refuse_role(self.origin.role)
        return batch

    def _kept(self, batch: Batch) -> Batch:
        self.unit.save_batch(batch)
        return batch

    def _refuse_selection(self, selection: Selection) -> None:
        if selection.is_empty:
            advice = "send tags, channels, states or orders: a batch never takes every order"
            raise InvalidRequestError((("selection", advice),))
        if ABOUT_CASES.search(selection.condition):
            advice = "write about `order`, `customer`, `stock` and `now`: a batch has no case"
            raise InvalidRequestError((("selection.condition", advice),))
        problem = self.book.conditions.check(selection.condition) if selection.condition else None
        if problem:
            place = f"line {problem.line}, column {problem.column}"
            advice = f"{place}: {problem.what}; {problem.advice}"
            raise InvalidRequestError((("selection.condition", advice),))


def _inputs(template: BatchTemplate, said: Mapping[str, str]) -> Mapping[str, str]:
    """Return everything that the template asks for, or raise `InvalidRequestError`."""
    known = {each.name for each in template.inputs}
    wrong = [
        (f"inputs.{name}", f"leave it out; {template.name} takes {', '.join(sorted(known))}")
        for name in said
        if name not in known
    ]
    found: dict[str, str] = {}
    for each in template.inputs:
        text = said.get(each.name, each.default or "")
        if not text:
            wrong.append((f"inputs.{each.name}", f"say it: {each.title.get('en', each.name)}"))
        elif each.kind is InputKind.NUMBER and not text.isdecimal():
            wrong.append((f"inputs.{each.name}", "send a whole number"))
        found[each.name] = text
    if wrong:
        raise InvalidRequestError(tuple(wrong))
    return found
