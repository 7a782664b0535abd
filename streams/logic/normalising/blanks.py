"""Takes off what platforms write around values, and what they write where they have none.

A dash, a zero or the year 1 for nothing; quotes, tabs, `="…"` and an apostrophe so that a
spreadsheet keeps the digits of a number.
"""

from dataclasses import dataclass

from streams.logic.normalising.texts import written


@dataclass(frozen=True, slots=True)
class Blank:
    """Texts that stand for no value: in these fields, or in every field where none is named."""

    texts: frozenset[str]
    fields: frozenset[str] = frozenset()

    def covers(self, field: str, value: object) -> bool:
        """Tell whether a field with this value says nothing."""
        return (not self.fields or field in self.fields) and written(value) in self.texts


def unquoted(value: object) -> object:
    """Return a value with its texts freed of blanks and quotes around them, however deep."""
    if isinstance(value, dict):
        return {key: unquoted(each) for key, each in value.items()}
    if isinstance(value, list):
        return [unquoted(each) for each in value]
    if not isinstance(value, str):
        return value
    text = value.strip()
    bare = text.removeprefix("=")
    if len(bare) > 1 and bare.startswith('"') and bare.endswith('"'):
        return bare[1:-1].strip()
    return text[1:] if text.startswith("'") and text[1:].isdecimal() else text


def without(value: object, blanks: tuple[Blank, ...]) -> object:
    """Return a value without the fields that say nothing, however deep they are."""
    if isinstance(value, dict):
        return {
            key: without(each, blanks)
            for key, each in value.items()
            if not any(blank.covers(key, each) for blank in blanks)
        }
    if isinstance(value, list):
        return [without(each, blanks) for each in value]
    return value
