"""Moments inside JSON columns: RFC 3339, always UTC."""

from datetime import UTC, datetime


def to_text(moment: datetime) -> str:
    """Return an aware moment as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat()


def from_text(text: str) -> datetime:
    """Return RFC 3339 as an aware moment in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
