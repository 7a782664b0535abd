"""Writes batches, their orders and coupons as messages."""

from collections.abc import Mapping

from concord.batches.v1 import batch_service_pb2 as pb
from concord.orders.v1 import order_pb2
from service.application.batch_previewing import Preview, Sample, Shown, StepTotal
from service.domain.desk.batches import Batch, BatchTemplate, Counts, Member, Selection
from service.domain.desk.coupons import Coupon
from service.wire import money, state_number, timestamp

COLLECTION = "batches"


def template_message(template: BatchTemplate) -> pb.BatchTemplate:
    """Return a template."""
    return pb.BatchTemplate(
        name=template.name,
        version=template.version,
        title_zh=template.title.get("zh", ""),
        title_en=template.title.get("en", ""),
        roles=sorted(template.roles),
        states=[state_number(each) for each in template.states],
        condition=template.condition,
        inputs=[
            pb.BatchTemplate.Input(
                name=each.name,
                title_zh=each.title.get("zh", ""),
                title_en=each.title.get("en", ""),
                kind=each.kind.value,
                default_value=each.default or "",
                required=not each.default,
            )
            for each in template.inputs
        ],
        steps=[
            pb.BatchTemplate.Step(
                name=each.name, kind=each.effect.kind.value, values=each.effect.values
            )
            for each in template.steps
        ],
    )


def batch_message(batch: Batch, counts: Counts) -> pb.Batch:
    """Return a batch, and how far it is."""
    message = pb.Batch(
        name=f"{COLLECTION}/{batch.batch_id}",
        template=batch.template.key,
        state=pb.Batch.State.Value(f"STATE_{batch.state.value}"),
        counts=counts_message(counts),
        selection=_selection(batch.selection),
        inputs=batch.inputs,
        size=batch.size,
        creator=batch.creator,
        confirmer=batch.confirmer,
        create_time=timestamp(batch.created_at),
        reason=batch.reason,
        to_type=batch.to_type,
        allowed_acts=batch.allowed,
        etag=str(batch.version),
    )
    if batch.confirmed_at:
        message.confirm_time.CopyFrom(timestamp(batch.confirmed_at))
    if batch.ended_at:
        message.end_time.CopyFrom(timestamp(batch.ended_at))
    return message


def counts_message(counts: Counts) -> pb.BatchCounts:
    """Return how far a batch is."""
    return pb.BatchCounts(
        waiting=counts.waiting,
        done=counts.done,
        failed=counts.failed,
        excluded=counts.excluded,
    )


def reasons(found: Mapping[str, int]) -> list[pb.ReasonCount]:
    """Return how many orders there are for each reason."""
    return [pb.ReasonCount(reason=reason, count=count) for reason, count in found.items()]


def member_message(
    member: Member, brought: Mapping[str, str], template: BatchTemplate
) -> pb.BatchMember:
    """Return one order of a batch."""
    steps = template.steps
    return pb.BatchMember(
        order=f"orders/{member.order_id}",
        number=member.number,
        state=pb.BatchMember.State.Value(f"STATE_{member.state.value}"),
        reason=member.reason,
        detail=member.detail,
        step=steps[member.next_step].name if member.next_step < len(steps) else "",
        brought=brought,
        attempts=member.attempts,
        change_time=timestamp(member.changed_at),
    )


def preview_message(preview: Preview) -> pb.BatchPreview:
    """Return what a batch would do."""
    return pb.BatchPreview(
        batch=batch_message(preview.batch, preview.counts),
        steps=[_total(each) for each in preview.totals],
        samples=[_sample(each) for each in preview.samples],
        must_type=preview.must_type,
        needs_second_person=preview.needs_second_person,
    )


def coupon_message(coupon: Coupon) -> pb.Coupon:
    """Return a coupon."""
    asked = coupon.asked
    message = pb.Coupon(
        code=coupon.code,
        template=asked.template,
        amount=money(asked.amount),
        order=f"orders/{asked.order_id}",
        customer=asked.customer,
        batch=f"{COLLECTION}/{asked.batch_id}" if asked.batch_id else "",
        issue_time=timestamp(coupon.issued_at),
        expire_time=timestamp(coupon.expires_at),
    )
    message.case = f"cases/{asked.case_id}" if asked.case_id else ""
    return message


def _selection(selection: Selection) -> pb.BatchSelection:
    return pb.BatchSelection(
        tags=selection.tags,
        channels=selection.channels,
        states=[state_number(each) for each in selection.states],
        orders=[f"orders/{each}" for each in selection.orders],
        refs=[
            order_pb2.OrderRef(namespace=each.namespace, value=each.value)
            for each in selection.refs
        ],
        condition=selection.condition,
    )


def _total(total: StepTotal) -> pb.BatchPreview.StepCount:
    return pb.BatchPreview.StepCount(
        step=total.step.name,
        kind=total.step.effect.kind.value,
        count=total.count,
        amount=money(total.amount) if total.amount else None,
    )


def _sample(sample: Sample) -> pb.BatchPreview.Sample:
    return pb.BatchPreview.Sample(
        order=f"orders/{sample.order.order_id}",
        number=sample.order.refs[0].value,
        steps=[_shown(each) for each in sample.steps],
    )


def _shown(shown: Shown) -> pb.BatchPreview.Shown:
    return pb.BatchPreview.Shown(
        step=shown.step.name,
        kind=shown.step.effect.kind.value,
        text=shown.text,
        notice_title=shown.title,
        notice_body=shown.body,
    )
