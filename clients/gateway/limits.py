"""How much, how long and how many: the limits of the gateway, with their sums."""

from __future__ import annotations

from typing import Final

# The longest that any of the platforms sends is a list of notices of Adyen, some 50 KiB.
BODY_BYTES_MAX: Final = 256 * 1024
# Request line and headers together; platforms send under 2 KiB.
HEAD_BYTES_MAX: Final = 16 * 1024

# WeChat Pay and Douyin wait 5 s; the way there and back may take one of them. All three run from
# the first byte of the request, so a slow sender leaves us less, and never the platform.
HEAD_WITHIN_S: Final = 2.0
BODY_WITHIN_S: Final = 3.0
ANSWER_WITHIN_S: Final = 4.0

# A platform sends bursts over the same connections; an idle one costs some 10 KiB.
IDLE_S: Final = 30
# Of the ten seconds that a supervisor gives. What is in flight takes `ANSWER_WITHIN_S` at most.
DRAIN_S: Final = 8

# Connections for each callback that may be in flight: most of them are idle. Those beyond are told
# 503, which is `come again` to every platform.
CONNECTIONS_FOR_EACH: Final = 4

# 2,000 callbacks a second over 5 ms are ten receipts: enough to share one transaction, and no
# sender notices the wait.
LINGER_S: Final = 0.005
# Of 1 KiB each; the service takes 1,000 receipts and 4 MiB.
BATCH_MAX: Final = 200
BATCH_BYTES_MAX: Final = 2 * 1024 * 1024
# While one batch commits, the next is on its way. More would only make batches smaller: the
# service writes them one after the other on the same disk.
PIPELINE: Final = 3
