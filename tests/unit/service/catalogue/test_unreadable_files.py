"""Every loader of the catalogue names a file that it cannot open."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service import catalogue
from service.catalogue import batch_files, message_files
from service.cel import CelConditions


def _batches(name: str) -> object:
    return batch_files.load_templates(name, catalogue.load(), CelConditions())


@pytest.mark.parametrize(
    ("part", "load"),
    [
        ("types", catalogue.load),
        ("workflows", catalogue.load),
        ("messages", message_files.load),
        ("batches", _batches),
    ],
)
def test_a_file_that_is_not_utf8_is_named(
    part: str, load: Callable[[str], object], tmp_path: Path
) -> None:
    (tmp_path / part).mkdir()
    (tmp_path / part / "own.yaml").write_bytes("templates: {取消: 1}".encode("gbk"))

    with pytest.raises(ValueError, match="save it as UTF-8") as refused:
        load(str(tmp_path))

    assert f"{part}/own.yaml:1" in str(refused.value)


def test_a_catalogue_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder"):
        message_files.load(str(tmp_path / "absent"))
