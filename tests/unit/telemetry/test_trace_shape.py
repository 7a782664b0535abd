"""The checks of traces find what is wrong."""

import pytest

from concord.traces.v1.trace_service_pb2 import ListSpansResponse, Span
from tests.trace_shape import check_trace, is_below


def a_span(span: str, parent: str = "", trace: str = "t", **attributes: str) -> Span:
    return Span(
        trace_id=trace, span_id=span, parent_span_id=parent, service="service", name=f"call {span}",
        attributes=[Span.Attribute(key=key, value=value) for key, value in attributes.items()],
    )  # fmt: skip


def test_a_whole_trace_passes() -> None:
    answer = ListSpansResponse(spans=[a_span("1"), a_span("2", "1"), a_span("3", "2")])

    check_trace(answer, passes=[("service", "call 2"), ("service", "call*")])
    assert is_below(answer, answer.spans[2], answer.spans[0])
    assert not is_below(answer, answer.spans[0], answer.spans[2])


@pytest.mark.parametrize(
    ("spans", "problem"),
    [
        ([a_span("1"), a_span("2", "9")], "without their parent"),
        ([a_span("1"), a_span("2", trace="u")], "2 traces"),
        ([a_span("1"), a_span("2")], "2 roots"),
        ([a_span("1"), a_span("2", "1", trace="u")], "without their parent"),
    ],
)
def test_a_torn_trace_does_not(spans: list[Span], problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        check_trace(ListSpansResponse(spans=spans))


def test_a_process_that_is_missing_is_named() -> None:
    with pytest.raises(AssertionError, match="streams"):
        check_trace(ListSpansResponse(spans=[a_span("1")]), passes=[("streams", "process *")])


def test_a_remote_callers_span_may_be_elsewhere() -> None:
    check_trace(ListSpansResponse(spans=[a_span("1", "9"), a_span("2", "1")]), roots=["9"])


def test_what_was_kept_alone_may_lack_its_parent() -> None:
    spans = [a_span("1"), a_span("2", "9", **{"concord.kept_late": "true"})]

    check_trace(ListSpansResponse(spans=spans))
