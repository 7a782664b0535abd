"""Every failpoint of the code, and which work comes by it; a test holds the list to the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]

ORDERS: Final = "concord.orders.v1.OrderService"
# The calls that come by each place of the service.
BY_CALL: Final = {
    "rpc:before_work": f"{ORDERS}.ConfirmPayment",
    "rpc:before_answer": f"{ORDERS}.ConfirmPayment",
    "storage:before_begin": f"{ORDERS}.ConfirmPayment",
    "storage:before_commit": f"{ORDERS}.ConfirmPayment",
    "storage:after_commit": f"{ORDERS}.ConfirmPayment",
    "unit:after_request": "concord.inventory.v1.InventoryService.SetStock",
    "unit:after_answer": "concord.inventory.v1.InventoryService.SetStock",
    "unit:after_answers": f"{ORDERS}.ConfirmPayment",
    "unit:after_orders": f"{ORDERS}.CreateOrder",
    "unit:after_refs": f"{ORDERS}.CreateOrder",
    "unit:after_outbox": f"{ORDERS}.CreateOrder",
    "unit:after_customers": f"{ORDERS}.CreateOrder",
    "unit:after_cases": "concord.cases.v1.CaseService.OpenCase",
    "unit:after_receipts": "concord.intake.v1.IntakeService.SubmitReceipts",
    "unit:after_outcomes": "concord.intake.v1.IntakeService.ApplyFacts",
    "unit:after_probes": "concord.probes.v1.ProbeService.ReportProbe",
    "unit:after_claim": "concord.probes.v1.ProbeService.ClaimProbes",
    "unit:after_stock": "concord.inventory.v1.InventoryService.AdjustStock",
    "unit:after_pick_lists": "concord.fulfilment.v1.FulfilmentService.StartPicking",
    "unit:after_flag": "concord.insights.v1.InsightService.ActOnFlag",
}
# What the service's clockwork comes by.
BY_CLOCKWORK: Final = ("unit:after_timers", "unit:after_reservation")
BY_RELAY: Final = (
    "relay:after_claim",
    "relay:before_send",
    "relay:after_send",
    "relay:before_mark",
    "relay:after_mark",
)
# Where the relay has noticed an outage already.
BY_OUTAGE: Final = ("relay:outage",)
BY_WORKER: Final = (
    "guard:before_chunk",
    "guard:after_chunk",
    "intake:before_apply",
    "intake:after_apply",
)
ACTIONS: Final = ("raise", "hang", "kill", "commit-then-raise")


def in_code(*packages: str) -> Iterator[str]:
    """Yield the name of every place that the code of these packages reaches."""
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr == "reach"
                ):
                    (name,) = node.args
                    assert isinstance(name, ast.Constant), f"{path.name}: a name that is computed"
                    yield str(name.value)
