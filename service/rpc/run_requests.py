"""Reads what connectors ask for and report: every field checked, all violations at once."""

from datetime import UTC, datetime, timedelta
from typing import Final

from concord.channels.v1 import channel_service_pb2 as pb
from concord.channels.v1 import run_pb2
from service.application.feed_running import RunClaim
from service.domain.channels.planning import PlatformTerms
from service.domain.channels.runs import Report, Result, Seen
from service.rpc.channel_answers import RUNS
from service.rpc.order_requests import read_ref
from service.rpc.violations import Violations

CLAIM: Final = 10
CLAIM_MAX: Final = 100
LEASE_S: Final = 120
LEASE_S_LEAST: Final = 5
LEASE_S_MAX: Final = 600
PLATFORMS_MAX: Final = 50
CODE_MAX: Final = 64
ASKED_MAX: Final = 20
ASKED_LONGEST: Final = 500
SEEN_MAX: Final = 2_000
# Amazon's tokens are a KiB or two.
TOKEN_MAX: Final = 4_000
# No run of any platform comes near; it keeps what is added up within its column.
COUNT_MAX: Final = 100_000
# A clock that is off by more than ten years tells nothing.
OFFSET_MS_MAX: Final = 10 * 366 * 86_400_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def claim(request: pb.ClaimRunsRequest, fresh_id: str) -> RunClaim:
    """Read who wants work, and of which platforms."""
    read = Violations()
    worker = read.text("worker", request.worker, longest=CODE_MAX, needed=True)
    if not 1 <= len(request.platforms) <= PLATFORMS_MAX:
        read.add("platforms", f"send 1 to {PLATFORMS_MAX} platforms that you can ask")
    platforms = {}
    for at, each in enumerate(request.platforms[:PLATFORMS_MAX]):
        path = f"platforms[{at}]"
        name = read.word(f"{path}.name", each.name)
        for field in ("window_max_s", "lag_s", "past_max_days"):
            if getattr(each, field) < 0:
                read.add(f"{path}.{field}", "send 0 or more")
        platforms[name] = PlatformTerms(
            name,
            window_max=timedelta(seconds=each.window_max_s),
            lag=timedelta(seconds=each.lag_s),
            past_max=timedelta(days=min(each.past_max_days, 36_600)),
        )
    lease_s = request.lease_s or LEASE_S
    if not LEASE_S_LEAST <= lease_s <= LEASE_S_MAX:
        read.add("lease_s", f"send {LEASE_S_LEAST} to {LEASE_S_MAX}, or 0 for {LEASE_S}")
    most = read.number("limit", request.limit, most=CLAIM_MAX, default=CLAIM)
    read.refuse()
    # The row says who has it, should a worker stand still.
    return RunClaim(f"{worker}:{fresh_id}", platforms, most, timedelta(seconds=lease_s))


def report(request: run_pb2.ReportRunRequest) -> tuple[str, Report]:
    """Read of which run something is told, and what."""
    read = Violations()
    run_id = read.resource("name", request.name, RUNS)
    if len(request.asked) > ASKED_MAX:
        read.add("asked", f"send the newest {ASKED_MAX}")
    if len(request.seen) > SEEN_MAX:
        read.add("seen", f"send {SEEN_MAX} at most, and report more often")
    for name in ("pages", "rows", "new_receipts"):
        if not 0 <= getattr(request, name) <= COUNT_MAX:
            read.add(name, f"send 0 to {COUNT_MAX}")
    if request.retry_after_s < 0:
        read.add("retry_after_s", "send 0 or more")
    told = Report(
        lease=read.text("lease", request.lease, needed=True),
        result=_result(request, read),
        asked=tuple(
            read.text(f"asked[{at}]", each, longest=ASKED_LONGEST)
            for at, each in enumerate(request.asked[:ASKED_MAX])
        ),
        pages=request.pages,
        rows=request.rows,
        new_receipts=request.new_receipts,
        seen=tuple(
            _seen(f"seen[{at}]", each, read) for at, each in enumerate(request.seen[:SEEN_MAX])
        ),
        clock_offset_ms=_offset(request, read),
        code=read.text("code", request.code, longest=CODE_MAX),
        retry_after=timedelta(seconds=request.retry_after_s),
        page_token=read.text("page_token", request.page_token, longest=TOKEN_MAX),
        covered_at=_covered(request, read),
    )
    if told.result is Result.PART and not told.page_token:
        read.add("page_token", "with a part, send where to go on")
    read.refuse()
    return run_id, told


def _result(request: run_pb2.ReportRunRequest, read: Violations) -> Result:
    kind = run_pb2.ReportRunRequest.Result
    numbers = {kind.Value(f"RESULT_{each.value}"): each for each in Result}
    if request.result not in numbers:
        read.add("result", "send what asking brought, such as RESULT_COMPLETED")
    return numbers.get(request.result, Result.UNREACHABLE)


def _seen(path: str, told: run_pb2.ReportRunRequest.Seen, read: Violations) -> Seen:
    changed = None
    if told.HasField("change_time"):
        changed = read.moment(f"{path}.change_time", told.change_time, default=_EPOCH)
    return Seen(read_ref(f"{path}.ref", told.ref, read), changed, told.repeated)


def _offset(request: run_pb2.ReportRunRequest, read: Violations) -> int | None:
    if not request.HasField("clock_offset_ms"):
        return None
    if abs(request.clock_offset_ms) > OFFSET_MS_MAX:
        read.add("clock_offset_ms", "send the difference of two clocks in milliseconds")
    return request.clock_offset_ms


def _covered(request: run_pb2.ReportRunRequest, read: Violations) -> datetime | None:
    if not request.HasField("covered_time"):
        return None
    return read.moment("covered_time", request.covered_time, default=_EPOCH)
