"""`concord check` adds up what pages of findings say, names who violates what, and ends with 1."""

from __future__ import annotations

import json

from clients.sdk.testing import FakeConcord
from concord.audit.v1.audit_service_pb2 import (
    CheckInvariantsRequest,
    CheckInvariantsResponse,
    Finding,
    Invariant,
    ListInvariantsResponse,
    Violation,
)

from .conftest import Run


def a_register() -> ListInvariantsResponse:
    texts = {
        "name_en": "legal path",
        "name_zh": "路径合法",
        "advice_en": "look into it",
        "advice_zh": "请核实",
    }
    return ListInvariantsResponse(
        invariants=[
            Invariant(invariant_id="I4", told_by=[Invariant.TOLD_QUERY], **texts),
            Invariant(
                invariant_id="I6",
                name_en="confluence",
                name_zh="与到达顺序无关",
                told_by=[Invariant.TOLD_SUITE],
                suites=["tests/integration/service/test_confluence.py"],
            ),
        ]
    )


def a_finding(checked: int, *violations: Violation, count: int = 0) -> Finding:
    return Finding(
        invariant_id="I4",
        checked=checked,
        violation_count=count or len(violations),
        violations=violations,
    )


def tell(fake: FakeConcord, *findings: Finding) -> None:
    """Answer a page for each finding."""
    fake.answer("ListInvariants", a_register())

    def page(request: CheckInvariantsRequest) -> CheckInvariantsResponse:
        number = int(request.page_token or 0)
        following = str(number + 1) if number + 1 < len(findings) else ""
        return CheckInvariantsResponse(findings=[findings[number]], next_page_token=following)

    fake.answer("CheckInvariants", *[page] * len(findings))


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_what_holds_is_said_with_how_much_was_looked_at(fake: FakeConcord, concord: Run) -> None:
    tell(fake, a_finding(1_200), a_finding(300))

    shown = concord("check", "--lang", "en")

    assert shown.exit_code == 0
    assert lines(shown.stdout) == [
        "Id Invariant Checked Violations What to do",
        "✓ I4 legal path 1,500 0",
        "– I6 confluence tests/integration/service/test_confluence.py",
    ]


def test_who_violates_it_is_named_in_chinese_too(fake: FakeConcord, concord: Run) -> None:
    tell(
        fake,
        a_finding(200, Violation(subject="ord-1", problem="row 2 is missing")),
        a_finding(200, Violation(subject="ord-9", problem="row 7 is missing"), count=40),
    )

    shown = concord("check", "--lang", "zh")

    assert shown.exit_code == 1
    assert lines(shown.stdout) == [
        "Id 不变量 已检查 违反 如何处理",
        "✗ I4 路径合法 400 41 请核实",
        "– I6 与到达顺序无关 tests/integration/service/test_confluence.py",
        "✗ I4 ord-1: row 2 is missing",
        "✗ I4 ord-9: row 7 is missing",
    ]


def test_programs_get_the_register_and_one_finding_for_each(
    fake: FakeConcord, concord: Run
) -> None:
    tell(fake, a_finding(10), a_finding(5, Violation(subject="ord-1", problem="gap")))

    shown = concord("check", "--json")

    told = json.loads(shown.stdout)
    assert shown.exit_code == 1
    assert [each["invariantId"] for each in told["invariants"]] == ["I4", "I6"]
    assert told["findings"] == [
        {
            "invariantId": "I4",
            "checked": "15",
            "violationCount": "1",
            "violations": [{"subject": "ord-1", "problem": "gap"}],
        }
    ]


def test_one_order_is_asked_for_by_its_name(fake: FakeConcord, concord: Run) -> None:
    tell(fake, a_finding(1))

    concord("check", "ord-1")

    [request] = fake.requests("CheckInvariants")
    assert request.order == "orders/ord-1"
