"""A folder of one's own stands over what is shipped."""

from pathlib import Path

import pytest

from service import catalogue
from service.config import ConfigurationError, settings
from service.domain.desk.catalogue import PLAIN

ADDRESSES = {
    "CONCORD_DATABASE_URL": "postgresql://concord@127.0.0.1/concord",
    "CONCORD_SERVICE_ADDRESS": "127.0.0.1:1",
    "CONCORD_METRICS_ADDRESS": "127.0.0.1:2",
    "CONCORD_REDIS_URL": "redis://127.0.0.1/0",
    "CONCORD_KAFKA_BOOTSTRAP": "127.0.0.1:3",
}
SWAP = """
workflow: swap
version: {version}
title: {{zh: 换购, en: Swap}}
start: agree
steps:
  agree:
    title: {{zh: 商定, en: Agree}}
    role: customer_service
    acts:
      agree: {{title: {{zh: 同意, en: Agree}}, outcome: SWAPPED}}
"""
TYPE = """
types:
  SWAP:
    title: {zh: 换购, en: Swap}
    side: CUSTOMER
    severity: LOW
    owner: customer_service
    respond: 4h
    resolve: 8h
    warn: 1h
    calendar: service
    workflow: swap
    may_open: [customer_service]
"""


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        kind, _, stem = name.partition("_")
        (path / kind).mkdir(parents=True, exist_ok=True)
        (path / kind / f"{stem}.yaml").write_text(text, encoding="utf-8")
    return path


def test_a_folder_adds_to_what_is_shipped_and_the_highest_version_begins(tmp_path: Path) -> None:
    own = folder(
        tmp_path,
        types_own=TYPE,
        workflows_swap=SWAP.format(version=1),
        workflows_later=SWAP.format(version=2),
    )

    loaded = catalogue.load(str(own))

    assert loaded.type("SWAP").workflow == "swap"
    assert loaded.type("OUT_OF_STOCK") == catalogue.load().type("OUT_OF_STOCK")
    newest = loaded.newest("swap")
    assert newest is not None
    assert newest.key == "swap@2"
    assert loaded.workflows["swap@1"].version == 1


def test_a_version_with_another_text_is_refused(tmp_path: Path) -> None:
    own = folder(
        tmp_path,
        workflows_a=SWAP.format(version=1),
        workflows_b=SWAP.format(version=1).replace("SWAPPED", "AGREED"),
    )

    with pytest.raises(catalogue.CatalogueError) as caught:
        catalogue.load(str(own))

    (mistake,) = caught.value.mistakes
    assert (mistake.line, mistake.file.endswith("workflows/b.yaml")) == (3, True)
    assert "known with another text" in mistake.what
    assert "write `version: 2`" in mistake.advice


def test_comments_and_line_breaks_do_not_make_another_version(tmp_path: Path) -> None:
    plain = SWAP.format(version=1)
    own = folder(
        tmp_path, workflows_a=plain, workflows_b="# Note.\n" + plain.replace(": {", ":  {")
    )

    assert catalogue.load(str(own)).newest("swap") is not None


def test_a_service_does_not_start_with_a_folder_that_has_mistakes(tmp_path: Path) -> None:
    own = folder(tmp_path, workflows_a=SWAP.format(version=1).replace("role:", "rolle:"))

    with pytest.raises(ConfigurationError, match=r"CONCORD_CATALOGUE: .*a.yaml:9: `rolle` is"):
        settings("serve", {**ADDRESSES, "CONCORD_CATALOGUE": str(own)})
    with pytest.raises(ConfigurationError, match="is no folder"):
        settings("serve", {**ADDRESSES, "CONCORD_CATALOGUE": str(tmp_path / "none")})


def test_only_who_serves_reads_it() -> None:
    assert settings("serve", ADDRESSES).terms.catalogue is catalogue.load()
    assert settings("relay", ADDRESSES).terms.catalogue is PLAIN
