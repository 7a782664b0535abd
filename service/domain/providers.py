"""Which providers can be asked what became of a payment, and to give one back."""

from typing import Final

ASKABLE: Final = frozenset({"wechatpay", "alipay", "unionpay", "stripe"})
