"""The documents agree with the code: pages are fresh, links lead somewhere, settings are listed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
PACKAGES: Final = ("service", "streams", "clients", "deploy")

LINK: Final = re.compile(r"\]\((?!https?:)([^)#\s]+)?(?:#([\w-]+))?\)")
CODE: Final = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
# A path in the tree, as the documents name it: `service/domain/truth.py`, `tests/model/`.
PATH: Final = re.compile(
    r"`((?:service|streams|clients|deploy|docs|protos|tests)/[\w./-]*[\w/]|Makefile|pyproject\.toml)`"
)
SETTING: Final = re.compile(r"\bCONCORD_[A-Z][A-Z_]*[A-Z]\b")
README_LINES_MAX: Final = 150


def test_the_generated_pages_are_fresh() -> None:
    told = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert told.returncode == 0, f"{told.stdout}{told.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_every_path_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    dead = [target for target in _linked(page, text) if not target.exists()]
    dead += [ROOT / path for path in PATH.findall(text) if not (ROOT / path).exists()]

    assert not dead


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_anchor_is_a_heading(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = [
        f"{name or page.name}#{anchor}"
        for name, anchor in LINK.findall(CODE.sub("", text))
        if anchor and anchor not in _anchors(page.parent / name if name else page)
    ]

    assert not missing


def test_every_setting_is_listed_and_every_listed_setting_is_read() -> None:
    listed = set(SETTING.findall((DOCS / "configuration.md").read_text(encoding="utf-8")))
    used = {
        name
        for path in (*_sources(), ROOT / "Makefile", ROOT / "deploy" / "setup.py")
        for name in SETTING.findall(path.read_text(encoding="utf-8"))
    }
    tests = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in SETTING.findall(path.read_text(encoding="utf-8"))
    }

    assert not used - listed, "read by the code, and not in docs/configuration.md"
    assert not listed - used - tests, "in docs/configuration.md, and read by nobody"


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < README_LINES_MAX


def test_every_decision_has_a_number_and_the_three_parts() -> None:
    records = sorted((DOCS / "adr").glob("*.md"))
    numbers = [path.name[:4] for path in records]

    assert numbers == [f"{each:04}" for each in range(1, len(records) + 1)]
    for path in records:
        heads = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert heads == ["Context", "Decision", "Consequences"], path.name


def test_the_topics_are_valid_yaml_with_no_reference_to_nowhere() -> None:
    document = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
    text = (DOCS / "asyncapi.yaml").read_text(encoding="utf-8")

    assert document["asyncapi"] == "3.0.0"
    for reference in re.findall(r"\$ref: '?([^'\n]+)'?", text):
        if not reference.startswith("#"):
            assert (DOCS / reference).exists(), reference
            continue
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def _linked(page: Path, text: str) -> list[Path]:
    return [page.parent / name for name, _ in LINK.findall(CODE.sub("", text)) if name]


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def _sources() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
