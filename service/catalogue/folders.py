"""Finds and opens the catalogue's files: what is shipped, and over it a folder of one's own."""

from collections.abc import Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from yaml.nodes import MappingNode, Node

from service.catalogue.marked import Mistake, Reading

SHIPPED: Final = "shipped"


def roots(name: str) -> tuple[tuple[Traversable, str], ...]:
    """Return the folders of a catalogue, each with what its files are called by.

    Raises:
        ValueError: the folder is none.
    """
    shipped: tuple[Traversable, str] = (resources.files("service").joinpath("catalogue"), "")
    if name == SHIPPED:
        return (shipped,)
    if not Path(name).is_dir():
        message = f"{name} is no folder"
        raise ValueError(message)
    return shipped, (Path(name), f"{name.rstrip('/')}/")


def documents(name: str, part: str) -> Iterator[tuple[Reading, Node | None]]:
    """Yield each file of one part of a catalogue, in the order in which they replace each other.

    A file that cannot be opened has no node; its reading says why.
    """
    for root, prefix in roots(name):
        folder = root.joinpath(part)
        if folder.is_dir():
            for file in sorted(folder.iterdir(), key=lambda each: each.name):
                if file.name.endswith((".yaml", ".yml")):
                    yield opened(file, f"{prefix}{part}/{file.name}")


def opened(file: Traversable, name: str) -> tuple[Reading, Node | None]:
    """Return a file's document under the name by which its mistakes call it."""
    reading = Reading(name)
    try:
        return reading, reading.document(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        advice = "save it as UTF-8, readable for all"
        reading.mistakes.append(Mistake(name, 1, 1, "the file cannot be read", advice))
        return reading, None


def entries(node: Node | None) -> Sequence[tuple[Node, Node]]:
    """Return the keys and values of a mapping; of anything else none, whoever reads it tells."""
    return node.value if isinstance(node, MappingNode) else ()
