"""Notices, deliveries and attempts as messages of the contract."""

from concord.notices.v1 import notice_service_pb2 as pb
from service.application.notice_ports import Contact
from service.domain.desk.notices import Delivery, DeliveryState, Notice, Sending
from service.wire import timestamp


def notice_message(notice: Notice) -> pb.Notice:
    """Return a notice with its deliveries."""
    asked = notice.asked
    message = pb.Notice(
        name=f"notices/{notice.notice_id}",
        state=pb.Notice.State.Value(f"STATE_{notice.state.value}"),
        template=asked.template,
        recipient=asked.recipient,
        order=_resource("orders", asked.order_id),
        case=_resource("cases", asked.case_id),
        batch=_resource("batches", asked.batch_id),
        severity=pb.Notice.Severity.Value(f"SEVERITY_{asked.severity.value}"),
        title=notice.title,
        body=notice.body,
        deliveries=[delivery_message(each) for each in notice.deliveries],
        problem=notice.problem,
        queue_time=timestamp(notice.queued_at),
    )
    if notice.composed_at:
        message.compose_time.CopyFrom(timestamp(notice.composed_at))
    return message


def delivery_message(delivery: Delivery) -> pb.Delivery:
    """Return a delivery."""
    message = pb.Delivery(
        delivery_id=delivery.delivery_id,
        state=pb.Delivery.State.Value(f"STATE_{delivery.state.value}"),
        channel=delivery.channel,
        address=delivery.address,
        attempts=delivery.attempts,
        code=delivery.code,
    )
    if delivery.state is DeliveryState.WAITING:
        message.due_time.CopyFrom(timestamp(delivery.due_at))
    if delivery.sent_at:
        message.send_time.CopyFrom(timestamp(delivery.sent_at))
    return message


def sending_message(sending: Sending) -> pb.Sending:
    """Return an attempt as it is given to whoever sends."""
    return pb.Sending(
        name=f"sendings/{sending.sending_id}",
        channel=sending.channel,
        address=sending.address,
        text=sending.text,
        title=sending.deliveries[0].title if sending.deliveries else "",
        parts=[
            pb.Sending.Part(
                delivery_id=each.delivery_id, template=each.template, values=dict(each.values)
            )
            for each in sending.deliveries
        ],
        lease_time=timestamp(sending.lease_until),
    )


def contact_message(contact: Contact) -> pb.Contact:
    """Return where somebody is reached."""
    return pb.Contact(
        recipient=contact.recipient,
        addresses=[f"{channel}:{address}" for channel, address in contact.addresses],
        language=contact.language,
    )


def _resource(collection: str, name: str) -> str:
    return f"{collection}/{name}" if name else ""
