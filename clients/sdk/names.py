"""Resource names: `orders/ord-1` and the bare `ord-1` are both taken."""

from __future__ import annotations


def resource(collection: str, name: str) -> str:
    """Return the full resource name."""
    return name if not name or name.startswith(f"{collection}/") else f"{collection}/{name}"
