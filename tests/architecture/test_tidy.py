"""House rules, run over every file that is committed; each ban names what to do instead."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES_MAX = 400
FUNCTION_LINES_MAX = 60
# Where the environment is read and the real clock and ids come from.
COMPOSITION = re.compile(
    r"(bootstrap|config|settings)\.py$|^service/process\.py$|^(deploy|tests|protos)/"
)
PRODUCTION = re.compile(r"^(service|streams|clients|deploy)/.*\.py$")
PYTHON = re.compile(r"\.py$")
TESTS = re.compile(r"^tests/.*\.py$")
EVERYTHING = re.compile(r"")
NOWHERE = re.compile(r"(?!)")

# pattern: (which files, except which, what to do instead)
BANNED: dict[str, tuple[re.Pattern[str], re.Pattern[str], str]] = {
    r"\bdatetime\.(now|utcnow|today)\(": (
        PRODUCTION, COMPOSITION, "take a Clock; only the composition root owns the real one"),
    r"\btime\.time\(\)": (
        re.compile(r"^service/(domain|application)/|^streams/logic/"), NOWHERE, "take a Clock"),
    r"\buuid[14]\(": (
        PRODUCTION, COMPOSITION, "take Ids; only the composition root owns the real one"),
    r"\bos\.(environ|getenv)\b": (PRODUCTION, COMPOSITION, "read settings in config.py"),
    r"except Exception[^\n]*:\s*(#[^\n]*)?\n\s*(pass|continue|return)\b": (
        PYTHON, NOWHERE, "an error swallowed is data lost"),
    r"except:": (PYTHON, NOWHERE, "name the errors"),
    r"\bfloat\([^)]*amount|amount[^\n]*: float\b": (
        PRODUCTION, NOWHERE, "money is integer minor units"),
    r"\bfrom unittest import mock\b|\bunittest\.mock\b|\bMagicMock\b": (
        TESTS, NOWHERE, "write a fake that implements the Protocol and passes tests/contract"),
    r"\bsleep\((?!0\b)\d": (
        TESTS, NOWHERE, "wait for a condition with a deadline, or use a failpoint"),
    r"pytest\.mark\.(skip|xfail)\b": (
        TESTS, NOWHERE, "a test that does not run is no test; mend it or delete it"),
    r"# type: ignore(?!\[)": (PYTHON, NOWHERE, "say which error, and why"),
    r"# noqa(?!: [A-Z])": (PYTHON, NOWHERE, "say which rule, and why"),
    r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))(?! )": (
        PYTHON, re.compile(r"money"), "open an issue and write TODO(#number)"),
    r"(?<![\w.~-])/(root|work|home)/": (
        EVERYTHING, NOWHERE, "no file names a folder of one machine"),
    r"\b(pypi\.org|pythonhosted\.org|registry\.npmjs|buf\.build|artifactory|nexus)\b": (
        EVERYTHING, NOWHERE, "no file names a registry"),
    r"\bexcept \w*Error:\s*\n\s*return (None|False)\s*(#.*)?\n(?=\s*\n\s*\n)": (
        re.compile(r"^service/(domain|application)/"), NOWHERE,
        "raise what the caller can tell apart"),
    r"\bCANCELED\b|\bcanceled\b": (PYTHON, NOWHERE, "spell it CANCELLED"),
    r"\bstrptime\(|\bfromisoformat\(|tzinfo=None|\butcfromtimestamp\(|\.replace\(tzinfo": (
        re.compile(r"^clients/connectors/"), re.compile(r"/pulling/times\.py$"),
        "declare a form of clients.connectors.pulling.times: a time has a zone from the start"),
}  # fmt: skip
VAGUE = {"utils", "util", "common", "helpers", "helper", "core", "models", "base", "manager"}


@cache
def committed() -> tuple[str, ...]:
    """Return every file that is committed, or about to be."""
    told = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return tuple(each for each in told.stdout.split("\0") if each and (ROOT / each).is_file())


@cache
def text_of(name: str) -> str:
    """Return a file's text; nothing of one that is none."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def python_files() -> list[str]:
    return [each for each in committed() if each.endswith(".py")]


@pytest.mark.parametrize("pattern", BANNED)
def test_nothing_is_written_that_is_banned(pattern: str) -> None:
    where, but, instead = BANNED[pattern]
    own = str(Path(__file__).relative_to(ROOT))

    found = [
        f"{name}:{text_of(name).count(chr(10), 0, each.start()) + 1}: {each[0]!r}"
        for name in committed()
        if name != own and where.search(name) and not but.search(name)
        for each in re.finditer(pattern, text_of(name))
    ]

    assert not found, f"{instead}: {found}"


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        name: count
        for name in python_files()
        if (count := text_of(name).count("\n")) > LINES_MAX
        # A migration is written once, by a tool.
        and "/migrations/versions/" not in name
    }

    assert not long


def test_no_function_is_longer_than_60_lines() -> None:
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name in python_files()
        if "/migrations/versions/" not in name
        for node in ast.walk(ast.parse(text_of(name)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        # Of the body: the parameters of a command are its options, each with its help.
        and (node.end_lineno or 0) - node.body[0].lineno >= FUNCTION_LINES_MAX
    ]

    assert not long


def test_files_are_named_for_what_they_answer() -> None:
    vague = [name for name in python_files() if VAGUE & {Path(name).stem, *Path(name).parent.parts}]

    assert not vague


def test_no_module_hides_one_of_the_standard_library() -> None:
    hiding = {"logging", "json", "time", "types", "enum", "email", "calendar", "queue", "select"}

    assert not [name for name in python_files() if Path(name).stem in hiding]


def test_every_module_opens_with_a_sentence() -> None:
    silent = [
        name
        for name in python_files()
        if text_of(name).strip() and not (ast.get_docstring(ast.parse(text_of(name))) or "").strip()
    ]

    assert not silent


def test_what_is_generated_is_not_committed() -> None:
    generated = re.compile(r"_pb2(_grpc)?\.pyi?$|^protos/gen/|\.pyc$|^uv\.lock$|\.egg-info/")

    assert not [name for name in committed() if generated.search(name)]


def test_test_names_are_sentences() -> None:
    terse = [
        f"{name}: {node.name}"
        for name in python_files()
        if Path(name).name.startswith("test_")
        for node in ast.walk(ast.parse(text_of(name)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and node.name.count("_") < 2
    ]

    assert not terse


def test_topics_are_named_in_the_contract_alone() -> None:
    topic = re.compile(r"['\"]concord\.(orders|customers|receipts|outcomes|cases|flags)\.v1['\"]")
    named = [
        f"{name}: {topic.findall(text_of(name))}"
        for name in python_files()
        if PRODUCTION.search(name) and topic.search(text_of(name))
    ]

    assert not named
