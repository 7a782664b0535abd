"""Names made from what they name, so that the same thing has the same name wherever it is met."""

import hashlib
import uuid


def named(namespace: uuid.UUID, text: str) -> str:
    """Return `uuid.uuid5` as text, without the object: a third of its price, for each receipt."""
    digest = hashlib.sha1(namespace.bytes + text.encode(), usedforsecurity=False).digest()
    told = bytearray(digest[:16])
    told[6] = told[6] & 0x0F | 0x50
    told[8] = told[8] & 0x3F | 0x80
    name = told.hex()
    return f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
