"""What every call about customers is about, for those who cut its connection."""

from __future__ import annotations

from typing import Final

from google.protobuf.message import Message

from concord.customers.v1 import customer_service_pb2 as api
from service import bootstrap
from service.application.ports import Unit
from service.domain.customers.book import Book
from service.domain.customers.knowing import see
from service.domain.customers.people import Evidence, buyer_id_of, merge_id_of, origin_of
from service.domain.customers.scoring import Weighed
from tests.faults.wire.preparing import Preparing, Target

SERVICE: Final = "customers.v1.CustomerService"


def two(preparing: Preparing, count: int) -> list[Target]:
    """Know two customers for each call."""
    return _made(preparing, count, "")


def suggested(preparing: Preparing, count: int) -> list[Target]:
    """Know two customers who may be one."""
    return _made(preparing, count, "suggested")


def merged(preparing: Preparing, count: int) -> list[Target]:
    """Know two customers who are one."""
    return _made(preparing, count, "merged")


def _made(preparing: Preparing, count: int, how: str) -> list[Target]:
    targets = preparing.names(count)

    def work(unit: Unit) -> None:
        at, book = bootstrap.now(), Book({}, {})
        for each in targets:
            for key in _keys(each):
                see(book, key=key, order_id="", place=("nowhere", key), placed_at=at)
            one, other = map(_customer, _keys(each))
            ends = _buyers(each)
            weighed = Weighed(600, (Evidence("ADDRESS_SIMILAR", 600),), ends)
            if how == "suggested":
                book.suggest(one, other, weighed, at=at)
            elif how == "merged":
                book.join(one, other, weighed, at=at)
        unit.save_book(book)

    preparing.transact(work)
    return targets


def _keys(target: Target) -> tuple[str, str]:
    return f"one-{target.tag}", f"two-{target.tag}"


def _buyers(target: Target) -> tuple[str, str]:
    one, other = (buyer_id_of(each, "") for each in _keys(target))
    return one, other


def _customer(key: str) -> str:
    return origin_of(buyer_id_of(key, ""))


def customer_of(target: Target) -> str:
    """Return the name of one of a target's customers."""
    return f"customers/{_customer(_keys(target)[0])}"


def merge_of(target: Target) -> str:
    """Return the name of a target's merge."""
    return f"merges/{merge_id_of(_buyers(target), 0)}"


def joining(target: Target, rid: str) -> Message:
    """Ask that two be one."""
    one, other = (f"customers/{_customer(each)}" for each in _keys(target))
    return api.MergeCustomersRequest(customer=one, other=other, reason="one", request_id=rid)


CALLS: Final = (
    (f"{SERVICE}.MergeCustomers", two, joining),
    (
        f"{SERVICE}.AcceptMerge",
        suggested,
        lambda target, rid: api.AcceptMergeRequest(name=merge_of(target), request_id=rid),
    ),
    (
        f"{SERVICE}.DismissMerge",
        suggested,
        lambda target, rid: api.DismissMergeRequest(name=merge_of(target), request_id=rid),
    ),
    (
        f"{SERVICE}.UndoMerge",
        merged,
        lambda target, rid: api.UndoMergeRequest(
            name=merge_of(target), reason="two", request_id=rid
        ),
    ),
)
