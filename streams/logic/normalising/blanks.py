"""Takes out what platforms write where they have nothing to say: `-`, a zero, the year 1."""

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
