"""What to tell a person about what asking a provider brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from concord.probes.v1.probe_service_pb2 import ReportProbeRequest

RESULTS: Final[Mapping[int, str]] = {
    ReportProbeRequest.RESULT_ANSWERED: (
        "The provider answered, and still owes the evidence; see `concord order explain`."
    ),
    ReportProbeRequest.RESULT_NOT_FOUND: (
        "The provider knows no such trade. That is no proof that it is unpaid: it is asked again."
    ),
    ReportProbeRequest.RESULT_UNREACHABLE: (
        "The provider could not be reached, or its answer not believed: it is asked again."
    ),
    ReportProbeRequest.RESULT_THROTTLED: "The provider wants fewer questions: it is asked later.",
    ReportProbeRequest.RESULT_REFUSED: (
        "The provider, or the connector, does not take the question. The code says why: key, "
        "right, account, amount. A person must act."
    ),
    ReportProbeRequest.RESULT_SUBMITTED: (
        "The provider took the order to give the money back; the result follows."
    ),
}
