"""Loads the channel templates that ship with Concord: `streams/templates/*.yaml`."""

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType

from streams.logic.normalising import Pseudonym, Templates, templates_from
from streams.template_yaml import read_yaml


def load_templates(pseudonym: Pseudonym | None = None) -> Templates:
    """Return every shipped template.

    Without a pseudonym, customers that would have to be hashed are left out of facts.

    Raises:
        TemplateError: a file contradicts the format of `docs/templates.md`.
    """
    documents = [data for _, _, data in shipped()]
    return Templates(MappingProxyType(templates_from(documents)), pseudonym)


def shipped() -> Iterator[tuple[str, str, object]]:
    """Yield name, text and data of each shipped template, by name."""
    for file in sorted(_folder().iterdir(), key=lambda each: each.name):
        name = file.name.removesuffix(".yaml")
        if name != file.name:
            text = file.read_text(encoding="utf-8")
            yield name, text, read_yaml(text)


def shipped_data(name: str) -> object | None:
    """Return the data of one shipped template; None where there is none of this name."""
    file = _folder().joinpath(f"{name}.yaml")
    return read_yaml(file.read_text(encoding="utf-8")) if file.is_file() else None


def _folder() -> Traversable:
    return resources.files("streams").joinpath("templates")
