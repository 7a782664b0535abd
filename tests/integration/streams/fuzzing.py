"""Feeds the reader bytes that its own branches lead to; a process of its own, for atheris.

Ends with a code other than 0 at an exception, a defect, a reading that takes 5 s, or 1 GiB.
"""

import sys
from datetime import UTC, datetime

import atheris

with atheris.instrument_imports(include=["streams.logic.normalising"]):
    from streams.logic.normalising import Receipt, RejectionReason, read

from streams.template_files import load_templates

TEMPLATES = load_templates()
NAMES = sorted(TEMPLATES.by_name)
CONTENT_TYPES = ("", "text/xml; charset=gbk", "application/x-www-form-urlencoded; charset=utf-8")


def read_any(given: bytes) -> None:
    """Read bytes by a template and in a charset that the first of them choose."""
    provider = atheris.FuzzedDataProvider(given)
    template = NAMES[provider.ConsumeIntInRange(0, len(NAMES) - 1)]
    content_type = CONTENT_TYPES[provider.ConsumeIntInRange(0, len(CONTENT_TYPES) - 1)]
    body = provider.ConsumeBytes(provider.remaining_bytes())
    received = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

    reading = read(
        Receipt("receipts/r", "x", template, "", body, content_type, received), TEMPLATES
    )

    if reading.rejection is not None:
        assert reading.rejection.reason is not RejectionReason.READER_FAILED, reading.rejection
        assert reading.rejection.advice.endswith(".")


if __name__ == "__main__":
    atheris.Setup(sys.argv, read_any)
    atheris.Fuzz()
