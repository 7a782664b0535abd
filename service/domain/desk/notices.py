"""Notices: what somebody is to be told, to whom it goes, and what becomes of each delivery."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from service.domain.desk.taxonomy import Severity


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeAsked:
    """That somebody be told something, once: the same `key` again asks for nothing.

    `recipient` is `customer` (of the order), `role:finance`, or `address:wecom:warehouse`, an
    address that the notifier knows by that name. `values` fill the template's placeholders.
    """

    key: str
    template: str
    recipient: str
    values: Mapping[str, str] = field(default_factory=_nothing, repr=False)
    order_id: str = ""
    case_id: str = ""
    batch_id: str = ""
    severity: Severity = Severity.NORMAL
    # `zh` or `en`; empty: the recipient's own, or else the installation's.
    language: str = ""
