"""The file of schedules: what ships holds what is promised, and what is wrong in one is named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.domain.inquiries import InquiryKind
from service.domain.providers import ASKABLE
from service.schedules import SHIPPED, load, read

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("provider", sorted(ASKABLE))
def test_a_payment_is_asked_for_within_a_minute_and_past_the_providers_own_retries(
    provider: str,
) -> None:
    schedule = load(SHIPPED).of(provider, "PAYMENT")

    assert schedule.intervals[0] <= MINUTE
    longest = timedelta(days=3) if provider == "stripe" else timedelta(hours=25)
    assert schedule.give_up_after >= longest
    assert schedule.intervals[-1] > schedule.intervals[0]


@pytest.mark.parametrize("provider", sorted(ASKABLE))
@pytest.mark.parametrize("kind", InquiryKind)
def test_every_question_has_a_schedule_that_never_shrinks(provider: str, kind: InquiryKind) -> None:
    schedule = load(SHIPPED).table[provider, kind.value]

    assert list(schedule.intervals) == sorted(schedule.intervals)


def a_document(**changed: object) -> dict[str, Any]:
    entry = {"intervals": ["30s", "1h"], "give_up_after": "25h"}
    kinds = {"payment": entry, "capture": entry, "refund": entry}
    return {"providers": {**dict.fromkeys(ASKABLE, kinds), **changed}}


def test_another_file_may_be_named(tmp_path: Path) -> None:
    file = tmp_path / "fast.yaml"
    file.write_text(yaml.safe_dump({**a_document(), "missed": {"first": "0.5s", "most": "2ms"}}))
    with pytest.raises(ValueError, match=r"missed.first is longer than missed.most"):
        load(str(file))

    file.write_text(yaml.safe_dump({**a_document(), "missed": {"first": "5ms", "most": "1.5s"}}))
    schedule = load(str(file)).of("stripe", "CAPTURE")
    assert schedule.missed_most == timedelta(seconds=1.5)
    assert schedule.intervals == (timedelta(seconds=30), timedelta(hours=1))


WRONG: dict[str, tuple[object, str]] = {
    "nothing": (None, "the file must be a mapping"),
    "a provider that nobody asks": (a_document(adyen={}), "'adyen', which is none of"),
    "a provider that is missing": (a_document(alipay=None), "providers.alipay must be a mapping"),
    "an unknown kind": (
        a_document(alipay={"payments": {}}),
        "providers.alipay has 'payments', which is none of capture, payment, refund",
    ),
    "no list": (
        a_document(alipay={"payment": {"intervals": "30s", "give_up_after": "25h"}}),
        "providers.alipay.payment.intervals must be a list",
    ),
    "a shrinking list": (
        a_document(alipay={"payment": {"intervals": ["1h", "1m"], "give_up_after": "25h"}}),
        "providers.alipay.payment.intervals must not shrink",
    ),
    "a number without unit": (
        a_document(alipay={"payment": {"intervals": [30], "give_up_after": "25h"}}),
        "providers.alipay.payment.intervals[0] is 30, and no span",
    ),
    "for ever": (
        a_document(alipay={"payment": {"intervals": ["1s"], "give_up_after": "999999999d"}}),
        "providers.alipay.payment.give_up_after is '999999999d'",
    ),
    "no time at all": (
        a_document(alipay={"payment": {"intervals": ["0s"], "give_up_after": "25h"}}),
        "providers.alipay.payment.intervals[0] is '0s'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_with_its_place(case: str) -> None:
    document, problem = WRONG[case]

    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the text is what is tested
        read(document)

    assert problem in str(refused.value)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the text is what is tested
        read(a_document(alipay=None, stripe=None))

    assert "providers.alipay" in str(refused.value)
    assert "providers.stripe" in str(refused.value)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"missing.yaml cannot be read"):
        load(str(tmp_path / "missing.yaml"))
    broken = tmp_path / "broken.yaml"
    broken.write_text("providers: [")
    with pytest.raises(ValueError, match=r"broken.yaml is no YAML at line 1"):
        load(str(broken))
