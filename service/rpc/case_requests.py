"""Reads requests about cases: what was asked, or every field that cannot be accepted."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from concord.cases.v1 import case_service_pb2 as pb
from service.application.documents import Documents
from service.domain.desk.handling import Document
from service.domain.desk.purchases import PurchaseState
from service.rpc.violations import Violations

NOTE_MAX: Final = 4_000
CODE_MAX: Final = 64
TEXT_MAX: Final = 2_000
GIVEN_MAX: Final = 20
# A photograph of a parcel has 3 MiB; a call may have 16.
CONTENT_MAX: Final = 8 << 20

_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")
_ANSWERS: Final = {
    pb.PurchaseRequest.State.Value(f"STATE_{each.value}"): each
    for each in PurchaseState
    if each is not PurchaseState.OPEN
}


def given(read: Violations, documents: Sequence[pb.GivenDocument]) -> list[tuple[str, str]]:
    """Read documents that come with an act."""
    if len(documents) > GIVEN_MAX:
        read.add("documents", f"send at most {GIVEN_MAX}")
    return [
        (
            read.text(f"documents[{n}].kind", each.kind, longest=CODE_MAX, needed=True),
            read.text(f"documents[{n}].text", each.text, longest=TEXT_MAX, needed=True),
        )
        for n, each in enumerate(documents[:GIVEN_MAX])
    ]


def document(
    read: Violations, request: pb.AddCaseDocumentRequest, documents: Documents, at: datetime
) -> Document:
    """Read a document; the caller keeps its content."""
    kind = read.text("kind", request.kind, longest=CODE_MAX, needed=True)
    text = read.text("text", request.text, longest=TEXT_MAX)
    name = read.text("file_name", request.file_name)
    if bool(request.text) is bool(request.content):
        read.add("content", "send either a text or a file")
    if len(request.content) > CONTENT_MAX:
        read.add("content", f"send at most {CONTENT_MAX} bytes")
    if request.content and not documents.keeps_files:
        read.add("content", "send a text: no files are kept until CONCORD_DOCUMENTS_URL is set")
    if request.media_type and not _MEDIA_TYPE.fullmatch(request.media_type):
        read.add("media_type", "send a media type, such as image/jpeg")
    read.refuse()
    digest = hashlib.sha256(request.content).hexdigest() if request.content else ""
    return Document(
        number=0,
        name=kind,
        actor="",
        added_at=at,
        text=text,
        file_name=name or (kind if request.content else ""),
        media_type=request.media_type,
        size=len(request.content),
        digest=digest,
    )


def answer(read: Violations, state: pb.PurchaseRequest.State.ValueType) -> PurchaseState:
    """Read how far a purchase is."""
    if state not in _ANSWERS:
        known = ", ".join(f"STATE_{each.value}" for each in _ANSWERS.values())
        read.add("state", f"send one of: {known}")
    return _ANSWERS.get(state, PurchaseState.ORDERED)
