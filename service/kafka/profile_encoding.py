"""Changes of profiles as the bytes that are published."""

from datetime import datetime

from concord.customers.v1 import profile_change_pb2 as pb
from service.domain.customers.profiles import Bought, ProfileChange
from service.wire import money, timestamp


class ProtobufProfileEncoder:
    """Implements `service.application.profiling.ProfileEncoder`."""

    def profile_event(self, change: ProfileChange, n: int, *, at: datetime) -> bytes:
        """Encode what changed of a customer's profile."""
        event = pb.ProfileChange(
            event_id=f"{change.customer_id}:{n}",
            customer=change.customer_id,
            sequence=n,
            event_time=timestamp(at),
            cause=pb.ProfileChange.Cause.Value(f"CAUSE_{change.cause.value}"),
            removed=[_bought(each) for each in change.removed],
            added=[_bought(each) for each in change.added],
        )
        return event.SerializeToString(deterministic=True)


def _bought(bought: Bought) -> pb.ProfileChange.Bought:
    return pb.ProfileChange.Bought(
        order=f"orders/{bought.order_id}",
        channel=bought.channel,
        shop=bought.shop,
        total=money(bought.total),
        day=bought.day,
        returned=bought.is_returned,
        categories=bought.categories,
    )
