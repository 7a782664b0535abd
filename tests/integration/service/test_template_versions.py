"""Which version of its template read a receipt is shown with its outcome."""

from __future__ import annotations

from concord.intake.v1 import intake_service_pb2 as pb
from tests.integration.service.world import Service, Storing


def test_a_receipt_tells_which_version_of_its_template_read_it(
    service: Service, storing: Storing
) -> None:
    read, unread, older = (f"receipts/{each}" for each in storing.submit(3))
    readings = [pb.Reading(receipt=read, template_version=2), pb.Reading(receipt=older)]
    service.intake.ApplyFacts(pb.ApplyFactsRequest(readings=readings), timeout=20)

    def shown(name: str) -> int:
        return service.intake.GetReceipt(pb.GetReceiptRequest(name=name)).template_version

    assert [shown(each) for each in (read, unread, older)] == [2, 0, 0]
    listed = service.intake.ListReceipts(pb.ListReceiptsRequest(page_size=500)).receipts
    assert {each.name: each.template_version for each in listed}[read] == 2
