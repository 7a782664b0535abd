"""Says what a batch would do: how much in all, and for some orders everything, word by word."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.application.batch_effects import coupon_of, notice_values
from service.application.batch_reading import BatchReader
from service.application.batches import BatchBook
from service.application.ports import Clock
from service.domain.desk.batches import Batch, BatchStep, Counts
from service.domain.desk.workflows import EffectKind
from service.domain.money import Money
from service.domain.order import Order

# Template, values and language to title and body: what people would read.
Render = Callable[[str, Mapping[str, str], str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class StepTotal:
    """What one step would do to all orders."""

    step: BatchStep
    count: int
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What one step would do to one order."""

    step: BatchStep
    text: str
    title: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One order with all that would happen to it."""

    order: Order
    steps: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a batch would do."""

    batch: Batch
    counts: Counts
    totals: tuple[StepTotal, ...]
    samples: tuple[Sample, ...]
    must_type: bool
    needs_second_person: bool


@dataclass(frozen=True, slots=True)
class BatchPreviews:
    """Looks ahead; nothing is written."""

    reader: BatchReader
    book: BatchBook
    render: Render
    clock: Clock

    def of(self, batch_id: str, *, sample_size: int) -> Preview:
        """Return what a batch would do, or raise `BatchNotFoundError`."""
        batch, counts = self.reader.batch(batch_id)
        limits = self.book.limits
        return Preview(
            batch=batch,
            counts=counts,
            totals=tuple(self._total(batch, each) for each in batch.template.steps),
            samples=tuple(
                Sample(order, tuple(self._shown(batch, order, each) for each in _steps(batch)))
                for order in self.reader.sample(batch_id, most=sample_size)
            ),
            must_type=batch.size > limits.typed_above,
            needs_second_person=batch.size > limits.two_people_above,
        )

    def _total(self, batch: Batch, step: BatchStep) -> StepTotal:
        if step.effect.kind is not EffectKind.COUPON:
            return StepTotal(step, batch.size)
        kind = self.book.coupons[step.effect.values["template"]]
        return StepTotal(step, batch.size, Money(kind.amount_minor * batch.size, kind.currency))

    def _shown(self, batch: Batch, order: Order, step: BatchStep) -> Shown:
        values = step.effect.values
        if step.effect.kind is EffectKind.COUPON:
            coupon = coupon_of(batch, order, step, self.book.coupons, at=self.clock())
            return Shown(step, f"{coupon.asked.template}: {coupon.asked.amount}, {coupon.code}")
        if step.effect.kind is not EffectKind.NOTICE:
            return Shown(step, next(iter(values.values()), ""))
        said = notice_values(batch, order, self.book.coupons, at=self.clock())
        title, body = self.render(values["template"], said, "")
        return Shown(step, f"to {values['to']}", title, body)


def _steps(batch: Batch) -> tuple[BatchStep, ...]:
    return batch.template.steps
