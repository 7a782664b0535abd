"""Batches: many orders handled at once, by a template, on a list that is frozen first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from clients.sdk.calls import Call, Feed, M, Pages, SubClient, listed, unary, watched
from clients.sdk.names import resource
from clients.sdk.policy import LONG_DEADLINE_S
from concord.batches.v1 import batch_service_pb2 as api
from concord.batches.v1.batch_service_pb2_grpc import BatchServiceStub


class Batches(SubClient[M]):
    """`BatchService`."""

    @unary
    def list_templates(self) -> Call[api.ListBatchTemplatesResponse]:
        """Return what may be done to many orders at once."""
        return _call("ListBatchTemplates", api.ListBatchTemplatesRequest())

    @unary
    def create(
        self,
        template: str,
        selection: api.BatchSelection,
        *,
        inputs: Mapping[str, str] | None = None,
        reason: str = "",
        request_id: str = "",
    ) -> Call[api.Batch]:
        """Freeze a list of orders; nothing happens to them yet.

        Raises:
            BatchTemplateNotFoundError: there is no such template.
            BatchRoleRefusedError: it is for other roles.
            InvalidRequestError: the selection takes every order, or too many; a condition cannot
                be read; what the template asks for is not said.
        """
        request = api.CreateBatchRequest(
            template=template,
            selection=selection,
            inputs=inputs or {},
            reason=reason,
            request_id=request_id or self.ids(),
        )
        # Twenty thousand orders are looked at one by one.
        return _call("CreateBatch", request, LONG_DEADLINE_S)

    @unary
    def get(self, name: str) -> Call[api.Batch]:
        """Return one batch, how far it is, and why orders were left out or failed.

        Raises:
            BatchNotFoundError: there is none.
        """
        return _call("GetBatch", api.GetBatchRequest(name=_name(name)))

    @listed
    def list(
        self,
        *,
        template: str = "",
        states: tuple[api.Batch.State.ValueType, ...] = (),
        page_size: int = 0,
        page_token: str = "",
    ) -> Pages[api.Batch]:
        """Iterate over batches, newest first."""
        request = api.ListBatchesRequest(
            template=template, states=states, page_size=page_size, page_token=page_token
        )
        return Pages(_call("ListBatches", request), lambda page: page.batches)

    @unary
    def preview(self, name: str, *, sample_size: int = 0) -> Call[api.BatchPreview]:
        """Say what a batch would do, with the exact texts for some of its orders."""
        request = api.PreviewBatchRequest(name=_name(name), sample_size=sample_size)
        return _call("PreviewBatch", request)

    @unary
    def confirm(self, name: str, *, typed: str = "", request_id: str = "") -> Call[api.Batch]:
        """Let a batch run.

        Raises:
            BatchNotInStateError: it was confirmed, or called off.
            BatchEmptyError: no order is on its list.
            BatchNotConfirmedError: it is large, and `typed` is not what it is.
            SecondPersonNeededError: it is larger still, and the caller made it.
        """
        request = api.ConfirmBatchRequest(
            name=_name(name), typed=typed, request_id=request_id or self.ids()
        )
        return _call("ConfirmBatch", request)

    @unary
    def pause(self, name: str, *, request_id: str = "") -> Call[api.Batch]:
        """Stop a batch for a while; once it is answered, nothing happens to any order.

        Raises:
            BatchNotInStateError: it does not run.
        """
        request = api.PauseBatchRequest(name=_name(name), request_id=request_id or self.ids())
        return _call("PauseBatch", request)

    @unary
    def resume(self, name: str, *, request_id: str = "") -> Call[api.Batch]:
        """Let a paused batch go on.

        Raises:
            BatchNotInStateError: it is not paused.
        """
        request = api.ResumeBatchRequest(name=_name(name), request_id=request_id or self.ids())
        return _call("ResumeBatch", request)

    @unary
    def cancel(self, name: str, *, request_id: str = "") -> Call[api.Batch]:
        """Call a batch off; what was done stays done.

        Raises:
            BatchNotInStateError: it is over.
        """
        request = api.CancelBatchRequest(name=_name(name), request_id=request_id or self.ids())
        return _call("CancelBatch", request)

    @unary
    def retry(self, name: str, *, request_id: str = "") -> Call[api.Batch]:
        """Take the orders that failed again, and no other.

        Raises:
            BatchNotInStateError: it is not done.
            BatchEmptyError: none failed.
        """
        request = api.RetryBatchRequest(name=_name(name), request_id=request_id or self.ids())
        return _call("RetryBatch", request)

    @listed
    def list_members(
        self,
        name: str,
        *,
        state: api.BatchMember.State.ValueType = api.BatchMember.STATE_UNSPECIFIED,
        page_size: int = 0,
        page_token: str = "",
    ) -> Pages[api.BatchMember]:
        """Iterate over the orders of a batch, with what became of each."""
        request = api.ListBatchMembersRequest(
            name=_name(name), state=state, page_size=page_size, page_token=page_token
        )
        return Pages(_call("ListBatchMembers", request), lambda page: page.members)

    @watched
    def watch(self, name: str) -> Feed[api.Batch]:
        """Iterate over a batch: as it is at first, then with each change.

        Leave off when it is DONE or CANCELLED: the service ends the stream there, and a watch
        would ask again.
        """
        request = api.WatchBatchRequest(name=_name(name))
        return Feed(_call("WatchBatch", request), has_cursor=False)

    @unary
    def list_coupons(
        self, *, order: str = "", customer: str = "", batch: str = ""
    ) -> Call[api.ListCouponsResponse]:
        """Return coupons that were given, the newest 500."""
        request = api.ListCouponsRequest(
            order=resource("orders", order), customer=customer, batch=_name(batch)
        )
        return _call("ListCoupons", request)


def _name(name: str) -> str:
    return resource("batches", name)


def _call(method: str, request: Message, timeout_s: float | None = None) -> Call[Any]:
    return Call(BatchServiceStub, method, request, timeout_s)
