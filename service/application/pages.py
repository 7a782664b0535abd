"""Pages of what is listed."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page, and the token of the next one; empty on the last."""

    rows: tuple[T, ...]
    next_token: str = ""
