"""Which spans leave a process."""

from collections.abc import Iterator

import pytest
from opentelemetry.trace import SpanKind

from service.telemetry import spans as service_spans
from service.telemetry.sampling import KeepingSampler, LateKeeping
from streams.telemetry import process_chunk
from streams.telemetry.sampling import KeepingSampler as StreamsSampler
from tests.recording import Recording, recording

SAMPLED = "00-11111111111111111111111111111111-2222222222222222-01"
UNSAMPLED = "00-33333333333333333333333333333333-4444444444444444-00"
OTHER = "00-55555555555555555555555555555555-6666666666666666-01"
UNSAMPLED_OTHER = "00-77777777777777777777777777777777-8888888888888888-00"


@pytest.fixture
def nothing_sampled() -> Iterator[Recording]:
    with recording(KeepingSampler(0.0), LateKeeping) as exporter:
        yield exporter


@pytest.fixture
def streams_recording() -> Iterator[Recording]:
    with recording(StreamsSampler(0.0)) as exporter:
        yield exporter


def test_a_sampled_parent_keeps_its_children_at_any_ratio(nothing_sampled: Recording) -> None:
    with service_spans.continue_trace(SAMPLED), service_spans.span("work"):
        pass

    assert nothing_sampled.names() == ["work"]


def test_an_unsampled_call_that_goes_well_is_not_exported(nothing_sampled: Recording) -> None:
    with service_spans.continue_trace(UNSAMPLED), service_spans.span("call", kind=SpanKind.SERVER):
        pass

    assert nothing_sampled.names() == []


def test_an_unsampled_call_that_fails_is_exported_whole(nothing_sampled: Recording) -> None:
    def failing_call() -> None:
        with (
            service_spans.continue_trace(UNSAMPLED),
            service_spans.span("call", kind=SpanKind.SERVER),
        ):
            with service_spans.span("before"):
                pass
            raise LookupError

    with pytest.raises(LookupError):
        failing_call()

    assert nothing_sampled.names() == ["before", "call"]
    assert {span.attributes["concord.kept_late"] for span in nothing_sampled.spans} == {True}
    assert all(span.context.trace_flags.sampled for span in nothing_sampled.spans)


def test_a_contradiction_found_in_an_unsampled_call_is_kept_and_says_so_downstream(
    nothing_sampled: Recording,
) -> None:
    with service_spans.continue_trace(UNSAMPLED), service_spans.span("call", kind=SpanKind.SERVER):
        before = service_spans.current_traceparent()
        service_spans.keep()
        after = service_spans.current_traceparent()

    assert before is not None
    assert before.endswith("-00")
    assert after == before[:-2] + "01"
    assert nothing_sampled.names() == ["call"]


def test_a_span_begun_to_be_kept_is_kept_below_an_unsampled_parent(
    nothing_sampled: Recording,
) -> None:
    context = service_spans.record_span(
        "contradiction",
        traceparent=UNSAMPLED,
        start_ns=1,
        end_ns=2,
        attributes={"concord.keep": True},
    )

    assert nothing_sampled.names() == ["contradiction"]
    assert context is not None
    assert context.startswith(UNSAMPLED[:36])
    assert context.endswith("-01")


def test_a_query_outside_any_work_makes_no_trace() -> None:
    with recording(KeepingSampler(1.0), LateKeeping) as exporter:
        with service_spans.span("SELECT", kind=SpanKind.CLIENT):
            pass
        assert exporter.names() == []


def test_traces_that_never_end_do_not_pile_up(nothing_sampled: Recording) -> None:
    for _ in range(1_200):
        service_spans.begin_span("call", traceparent=None, kind=SpanKind.SERVER)

    with service_spans.span("call", kind=SpanKind.SERVER):
        service_spans.keep()
    assert nothing_sampled.names() == ["call"]


def test_a_chunk_is_kept_when_one_of_its_records_is(streams_recording: Recording) -> None:
    with process_chunk(
        "topic", agent="intake", partition=0, offsets=(5, 6), count=2,
        traceparents=[UNSAMPLED, SAMPLED],
    ) as chunk:  # fmt: skip
        kept = chunk.record(SAMPLED, offset=6, order="o-1")
        passed = chunk.record(UNSAMPLED, offset=5)

    assert passed == UNSAMPLED
    record, whole = streams_recording.spans
    assert kept == f"{SAMPLED[:36]}{record.context.span_id:016x}-01"
    assert record.parent.span_id == 0x2222222222222222
    assert record.attributes["order.id"] == "o-1"
    assert [link.context.span_id for link in record.links] == [whole.context.span_id]
    assert [link.context.trace_id for link in whole.links] == [0x11111111111111111111111111111111]


def test_a_chunk_of_unsampled_records_makes_no_span(streams_recording: Recording) -> None:
    with process_chunk(
        "topic", agent="intake", partition=0, offsets=(5, 5), count=1, traceparents=[UNSAMPLED]
    ) as chunk:
        chunk.record(UNSAMPLED, offset=5)

    assert streams_recording.names() == []


def test_a_dead_letter_is_kept_though_its_trace_is_not(streams_recording: Recording) -> None:
    with process_chunk(
        "topic", agent="intake", partition=0, offsets=(5, 5), count=1, traceparents=[UNSAMPLED]
    ) as chunk:
        sent = chunk.send("dead-letters", UNSAMPLED, keep=True)

    assert streams_recording.names() == ["send dead-letters"]
    assert sent is not None
    assert sent.endswith("-01")


def test_a_chunk_that_fails_marks_its_records_failed(streams_recording: Recording) -> None:
    def failing_chunk() -> None:
        with process_chunk(
            "topic", agent="intake", partition=0, offsets=(5, 5), count=1, traceparents=[SAMPLED]
        ) as chunk:
            chunk.record(SAMPLED, offset=5)
            raise LookupError

    with pytest.raises(LookupError):
        failing_chunk()

    assert {span.attributes["error.type"] for span in streams_recording.spans} == {"LookupError"}


@pytest.mark.parametrize(
    "malformed", [None, "", "00-xyz", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"]
)
def test_a_malformed_context_begins_a_trace_of_its_own(malformed: str | None) -> None:
    with recording(KeepingSampler(1.0), LateKeeping) as exporter:
        with service_spans.continue_trace(malformed), service_spans.span("work"):
            pass
        assert exporter.named("work").parent is None


def test_an_item_of_an_unsampled_trace_costs_nothing_and_keeps_its_context(
    nothing_sampled: Recording,
) -> None:
    context = service_spans.record_span("item", traceparent=UNSAMPLED, start_ns=1)

    assert context == UNSAMPLED
    assert nothing_sampled.names() == []


def test_the_only_item_of_a_call_stays_in_its_trace(nothing_sampled: Recording) -> None:
    with service_spans.continue_trace(SAMPLED):
        assert service_spans.begin_traces("take receipt", [""]) == [SAMPLED]


@pytest.mark.parametrize(("caller", "flag"), [(SAMPLED, "01"), (UNSAMPLED, "00")])
def test_items_of_a_batch_have_traces_of_their_own_sampled_as_the_call_is(
    nothing_sampled: Recording, caller: str, flag: str
) -> None:
    with service_spans.continue_trace(caller):
        contexts = service_spans.begin_traces("take receipt", ["", ""])

    assert {context[-2:] for context in contexts if context} == {flag}
    assert len({context[3:35] for context in contexts if context} | {caller[3:35]}) == 3
    linked = {span.links[0].context.trace_id for span in nothing_sampled.spans}
    assert linked == ({int(caller[3:35], 16)} if flag == "01" else set())


def test_an_item_that_came_in_a_context_goes_on_from_there(nothing_sampled: Recording) -> None:
    with service_spans.continue_trace(SAMPLED):
        contexts = service_spans.begin_traces("take receipt", [OTHER, "", UNSAMPLED_OTHER])

    assert [context[3:35] for context in contexts if context][::2] == [
        OTHER[3:35],
        UNSAMPLED_OTHER[3:35],
    ]
    taken = nothing_sampled.spans[0]
    assert taken.parent is not None
    assert f"{taken.parent.span_id:016x}" == OTHER[36:52]
    assert f"{taken.links[0].context.trace_id:032x}" == SAMPLED[3:35]
    assert len(nothing_sampled.spans) == 2
