"""What to do about a failed call: one line for each reason of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OK: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130

EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 refused, or a check failed; 2 usage or configuration; "
    "3 the service cannot be reached or cannot answer now; 130 interrupted."
)

ADVICE: Final[Mapping[str, str]] = {
    "ORDER_NOT_FOUND": "Check the id; an outside number needs its namespace: `douyin:4705…`.",
    "ILLEGAL_TRANSITION": "See `concord order explain {order}`. Allowed now: {allowedActions}.",
    "VERSION_CONFLICT": "Read the order again and decide again; its etag is {etag}.",
    "REQUEST_ID_REUSED": "Leave --request-id out, or repeat exactly the request it was used for.",
    "INVALID_REQUEST": "Correct the fields named above.",
    "REFERENCE_TAKEN": "The reference belongs to {order}: `concord order show {order}`.",
    "ORDER_ON_HOLD": "Release the holds ({holds}) first: `concord order release {order} HOLD_ID`.",
    "OUTBOUND_NOT_APPROVED": "Approve outbound first: `concord order approve {order}`.",
    "AMOUNT_MISMATCH": "Confirm {expected}; what the provider truly sent comes as a receipt.",
    "REFUND_EXCEEDS_PAYMENT": "At most {refundable} can go back.",
    "HOLD_NOT_FOUND": "`concord order show {order}` lists the holds that stand.",
    "CASE_NOT_FOUND": "`concord case list` shows open cases; --all shows those that ended too.",
    "CASE_CLOSED": "A resolved case takes notes only; open another with `concord case open`.",
    "RECEIPT_NOT_FOUND": "`concord receipt list` shows what arrived.",
    "FLAG_NOT_FOUND": "`concord flags` lists the flags.",
    "CURSOR_INVALID": "Start anew, without the cursor.",
    "REFUND_NOT_REQUESTED": "Ask for it first: `concord order request-refund {order} …`.",
    "PROVIDER_UNKNOWN": "Give it back by hand, and write it down: `concord order request-refund`.",
    "PAYMENT_MISSING": "It is not paid: `concord order explain {order}` says what is awaited.",
    "PROBE_NOT_FOUND": "`concord probe list` shows what providers are asked.",
    "LEASE_LOST": "Somebody else asks by now, or the evidence came. Claim probes again.",
    "STREAM_NOT_PARKED": "`concord outbox parked` lists what waits for you.",
    "STOCK_NOT_FOUND": "`concord stock list` shows what is kept; `concord stock set` begins.",
    "STOCK_RESERVED": "At least {reserved} must be there; they belong to orders.",
    "PICK_LIST_NOT_FOUND": "`concord pick list` shows what is to be picked.",
    "PICK_LIST_CLOSED": "It is {state}: put back what was taken; `concord pick show {pickList}`.",
    "CONDITION_FAILED": "Correct where it stands, and try it: `concord workflow check FILE`.",
    "WORKFLOW_NOT_FOUND": "`concord workflow list` shows what there is.",
    "STEP_NOT_ACTIVE": "Allowed now: {allowedActs}; `concord case show {case}` says by whom.",
    "ROLE_NOT_ALLOWED": "It is for {allowedRoles}; CONCORD_ROLE says who you are.",
    "DOCUMENTS_MISSING": "Add them: `concord case document {case} KIND …`: {missing}.",
    "CONDITION_NOT_MET": "It takes: {condition}. `concord case show {case}` shows the rest.",
    "CUT_OFF_PASSED": "It was possible until {until}. {explanationEn}",
    "CASE_CHANGED": "It is {state} at {steps}; allowed now: {allowedActs}. Decide again.",
    "LOAD_CAP_REACHED": "{assignee} has {open}; give it to somebody else of {role}.",
    "CASE_PAUSED": "`concord case resume {case}` lets its clocks run again.",
    "CASE_NOT_PAUSED": "Its clocks run, or its step waits for the customer: nothing to resume.",
    "CASE_NOT_RESOLVED": "It is open: `concord case show {case}`.",
    "DOCUMENT_NOT_FOUND": "`concord case show {case}` lists its documents.",
    "PURCHASE_REQUEST_NOT_FOUND": "`concord purchase list` shows what was asked for.",
    "CUSTOMER_NOT_FOUND": "`concord customer list` shows who is known.",
    "MERGE_NOT_FOUND": "`concord customer merges` shows merges and suggestions.",
    "MERGE_NOT_IN_STATE": "It is {state}: `concord customer merges`.",
    "CUSTOMERS_SAME": "Nothing to do: `concord customer show {customer}`.",
    "NOTICE_NOT_FOUND": "`concord notice list` shows what was to be told.",
    "NOTICE_NOT_RESENDABLE": "See `concord notice show {notice}`; it is {state}.",
    "NOTICE_NOT_UNCERTAIN": "See `concord notice show {notice}`; it is {state}.",
    "SENDING_ENDED": "Somebody settled it, or it was reported before. Claim anew.",
    "BATCH_NOT_FOUND": "`concord batch list` shows batches.",
    "BATCH_TEMPLATE_NOT_FOUND": "`concord batch templates` shows them: {known}.",
    "BATCH_NOT_IN_STATE": "It is {state}; allowed now: {allowedActs}.",
    "BATCH_EMPTY": "Why: `concord batch results {batch} --state excluded`. Then select anew.",
    "BATCH_NOT_CONFIRMED": "`concord batch confirm {batch} --type '{expected}'`.",
    "SECOND_PERSON_NEEDED": "Somebody else must: `concord batch confirm {batch}`.",
    "BATCH_ROLE_REFUSED": "It is for {roles}; CONCORD_ROLE says who you are.",
    "ORDER_MOVED_ON": "It is {state} by now; `concord batch retry` tries it again.",
    "SKU_MAPPING_NOT_FOUND": "`concord sku list --channel {channel}` shows what is known.",
    "PURCHASE_PLAN_NOT_FOUND": "`concord plan list` shows what is to come.",
    "PURCHASE_PLAN_CLOSED": "It is {state}; write down another: `concord plan add`.",
    "IMPORT_NOT_FOUND": "`concord file list` shows what came.",
    "IMPORT_NOT_IN_STATE": "It is {state}: `concord file show {importId}`.",
    "IMPORT_ROW_NOT_FOUND": "`concord file rows {importId}` shows what is kept.",
    "FEED_NOT_FOUND": "`concord channel list` shows the feeds.",
    "FEED_EXISTS": "See `concord channel show {feed}`; or give this one another name.",
    "FEED_NOT_PULLED": "It is {mode}: its messages come by themselves, or as files.",
    "FEED_NOT_IN_STATE": "It is {state}: `concord channel show {feed}`.",
    "FEED_CHANGED": "Read it again and decide again; its etag is {etag}.",
    "RUN_NOT_FOUND": "`concord channel runs` shows what was asked.",
    "RUN_LEASE_LOST": "Somebody else asks by now. Claim runs again.",
    "INCIDENT_NOT_FOUND": "`concord channel incidents` shows what was found.",
    "STATEMENT_NOT_FOUND": "Import the file of {day} first: `concord file import`.",
    "RECONCILIATION_NOT_FOUND": "`concord reconcile list` shows what was compared.",
    "DIFFERENCE_NOT_FOUND": "`concord reconcile show` lists the differences of a day.",
    "STORAGE_UNAVAILABLE": "The service cannot reach its database. Try again; `concord doctor`.",
    "CONTENTION": "Many ask for the same order at once. Try again in a moment.",
    "OVERLOADED": "The service is at its limit. Try again in a moment, or ask for less.",
    "DEADLINE_EXCEEDED": "Try again; raise CONCORD_DEADLINE_S if it happens often.",
    "MESSAGE_TOO_LARGE": "Send less at once: at most 1 MiB a receipt, 4 MiB a call.",
    "INTERNAL_ERROR": "A defect: report it with the trace id.",
}

UNREACHABLE_ADVICE: Final = "Is it running? `concord status`, `concord up`, `concord doctor`."
OTHERWISE: Final = "`concord doctor` may tell more."


class _Known(dict[str, str]):
    """Variables of a reason; what the server left out is shown as such."""

    def __missing__(self, key: str) -> str:
        return "…"


def advice_for(reason: str, metadata: Mapping[str, str]) -> str:
    """Return what to do about a reason."""
    return ADVICE.get(reason, OTHERWISE).format_map(_Known(metadata))
