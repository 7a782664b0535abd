"""Loads the channel templates that ship with Concord: `streams/templates/*.yaml`."""

from importlib import resources
from types import MappingProxyType

import yaml

from streams.logic.normalising import Pseudonym, Templates, templates_from


def load_templates(pseudonym: Pseudonym | None = None) -> Templates:
    """Return every shipped template.

    Without a pseudonym, customers that would have to be hashed are left out of facts.

    Raises:
        TemplateError: a file contradicts the format of `docs/templates.md`.
    """
    folder = resources.files("streams").joinpath("templates")
    documents = [
        yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in sorted(folder.iterdir(), key=lambda each: each.name)
        if file.name.endswith(".yaml")
    ]
    return Templates(MappingProxyType(templates_from(documents)), pseudonym)
