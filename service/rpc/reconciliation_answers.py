"""Writes statements, comparisons and differences as messages."""

from collections.abc import Sequence

from concord.orders.v1 import order_pb2
from concord.reconciliations.v1 import reconciliation_pb2, statement_pb2
from service.domain.reconciling.comparing import KindCount, Phase, Reconciliation
from service.domain.reconciling.differences import Difference
from service.domain.reconciling.explaining import explanation, summary
from service.domain.reconciling.statements import Statement
from service.rpc.reconciliation_requests import COLLECTION, DIFFERENCES_COLLECTION
from service.wire import timestamp


def statement_message(statement: Statement) -> statement_pb2.Statement:
    """Return a statement."""
    message = statement_pb2.Statement(
        name=f"statements/{statement.statement_id}",
        kind=statement_pb2.Statement.Kind.Value(f"KIND_{statement.kind.value}"),
        channel=statement.of.channel,
        shop=statement.of.shop,
        day=statement.of.day.isoformat(),
        zone=statement.zone,
        lines=statement.lines,
        expected_lines=statement.expected or 0,
        begin_time=timestamp(statement.began_at),
        line_time=timestamp(statement.line_at),
    )
    if statement.closed_at:
        message.close_time.CopyFrom(timestamp(statement.closed_at))
    return message


def reconciliation_message(
    of: Reconciliation, counts: Sequence[KindCount]
) -> reconciliation_pb2.Reconciliation:
    """Return a comparison with what it found."""
    begin, end = of.window
    is_done = of.phase is Phase.DONE
    said = summary(
        of.of.channel,
        of.of.shop,
        of.of.day,
        lines=of.lines,
        found=sum(each.found for each in counts),
        repaired=sum(each.repaired for each in counts),
        is_done=is_done,
    )
    state = reconciliation_pb2.Reconciliation
    message = reconciliation_pb2.Reconciliation(
        name=f"{COLLECTION}/{of.reconciliation_id}",
        channel=of.of.channel,
        shop=of.of.shop,
        day=of.of.day.isoformat(),
        zone=of.zone,
        start_time=timestamp(begin),
        end_time=timestamp(end),
        state=state.STATE_DONE if is_done else state.STATE_RUNNING,
        revision=of.revision,
        lines=of.lines,
        orders=of.orders,
        payments=of.payments,
        agreeing=of.agreeing,
        counts=[_count(each) for each in counts],
        notes=of.notes,
        begin_time=timestamp(of.began_at),
        summary_zh=said.zh,
        summary_en=said.en,
    )
    if of.done_at:
        message.done_time.CopyFrom(timestamp(of.done_at))
    return message


def difference_message(of: Difference) -> reconciliation_pb2.Difference:
    """Return a difference with its explanation."""
    finding, said = of.finding, explanation(of)
    return reconciliation_pb2.Difference(
        name=f"{DIFFERENCES_COLLECTION}/{of.difference_id}",
        reconciliation=f"{COLLECTION}/{of.reconciliation_id}",
        kind=reconciliation_pb2.Difference.Kind.Value(f"KIND_{finding.kind.value}"),
        ref=order_pb2.OrderRef(namespace=finding.ref.namespace, value=finding.ref.value),
        order=f"orders/{finding.order_id}" if finding.order_id else "",
        file_value=finding.file,
        order_value=finding.ours,
        payment_value=finding.payments,
        state=reconciliation_pb2.Difference.State.Value(f"STATE_{of.state.value}"),
        repair=of.repair,
        case=f"cases/{of.case_id}" if of.case_id else "",
        find_time=timestamp(of.found_at),
        change_time=timestamp(of.changed_at),
        explanation_zh=said.zh,
        explanation_en=said.en,
    )


def _count(count: KindCount) -> reconciliation_pb2.Reconciliation.Count:
    return reconciliation_pb2.Reconciliation.Count(
        kind=reconciliation_pb2.Difference.Kind.Value(f"KIND_{count.kind.value}"),
        found=count.found,
        repaired=count.repaired,
        open=count.open,
    )
