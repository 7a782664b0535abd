"""Whoever reads a file and whoever reads its receipts mean the same columns by the same names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import streams
from clients.files.kinds import KINDS

TEMPLATES = Path(streams.__file__).parent / "templates"
# Keys of a template behind which there is a place in a row.
PLACES = frozenset(
    {"path", "present", "absent", "switch", "sku", "quantity", "value", "sum", "latest"}
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("template", sorted(KINDS))
def test_every_column_that_a_template_reads_is_known_to_the_importer(template: str) -> None:
    written = yaml.safe_load((TEMPLATES / f"{template}.yaml").read_text())
    read = {each.removeprefix("rows[].") for each in places(written)}

    # A name in brackets of the other width is the same column.
    known = {name.replace("（", "(").replace("）", ")") for name in KINDS[template].names}
    assert {each.replace("（", "(").replace("）", ")") for each in read} <= known


def places(written: Any, *, is_place: bool = False) -> Iterator[str]:  # noqa: ANN401  # YAML.
    if isinstance(written, dict):
        for key, value in written.items():
            yield from places(value, is_place=key in PLACES)
    elif isinstance(written, list):
        for each in written:
            yield from places(each, is_place=is_place)
    elif is_place and isinstance(written, str) and CHINESE.search(written):
        yield written.lstrip("^")
