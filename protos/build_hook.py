"""Generates the Python side of the contract: protos/concord/**/*.proto to protos/gen/concord/**.

The build of a wheel or an editable install runs it as hatchling's custom hook; `make protos` runs
it as a script. The result is never committed and never edited. Nothing is written when the
protos, this file and the tools are what they were.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.metadata
import importlib.resources
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROTOS: Final = Path(__file__).resolve().parent
GENERATED: Final = PROTOS / "gen"

# Another version of any of these may write other code from the same protos.
GENERATORS: Final = ("grpcio-tools", "mypy-protobuf", "googleapis-common-protos")


class CustomBuildHook(BuildHookInterface[Any]):
    """Generates before hatchling collects files, and adds the result to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the generated `concord` packages into the wheel; an editable one finds them here."""
        generate()
        if version != "editable" and self.target_name == "wheel":
            build_data["force_include"][str(GENERATED / "concord")] = "concord"


def generate() -> bool:
    """Make protos/gen agree with the protos; return whether anything had to be generated."""
    GENERATED.mkdir(exist_ok=True)
    with (GENERATED / ".lock").open("w") as lock:
        # Two `make` runs at once would mix their files.
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = GENERATED / ".stamp"
        wanted = fingerprint()
        if stamp.exists() and stamp.read_text() == wanted:
            return False
        with tempfile.TemporaryDirectory(dir=GENERATED, prefix=".making-") as made:
            compile_to(Path(made))
            replace_changed(Path(made), GENERATED)
        stamp.write_text(wanted)
        return True


def sources() -> list[Path]:
    """Return every proto of the contract, in a fixed order."""
    return sorted((PROTOS / "concord").rglob("*.proto"))


def fingerprint() -> str:
    """Return a digest of everything that decides what is generated."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name in GENERATORS:
        digest.update(f"{name}=={importlib.metadata.version(name)}\n".encode())
    for source in sources():
        digest.update(f"{source.relative_to(PROTOS)}\n".encode())
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()


def compile_to(folder: Path) -> None:
    """Write messages, stubs and their types into the folder."""
    run_protoc(
        f"--plugin=protoc-gen-mypy={_plugin('protoc-gen-mypy')}",
        f"--plugin=protoc-gen-mypy_grpc={_plugin('protoc-gen-mypy_grpc')}",
        f"--python_out={folder}",
        f"--grpc_python_out={folder}",
        # mypy-protobuf's types rather than protoc's own: they tell sync from asyncio stubs, and
        # carry the comments of the contract into the editor.
        f"--mypy_out=quiet:{folder}",
        f"--mypy_grpc_out=quiet:{folder}",
    )
    # Without it a type checker ignores the stubs of an installed wheel.
    for package in sorted({source.parent for source in sources()}):
        (folder / package.relative_to(PROTOS) / "py.typed").touch()


def write_image(path: Path, *, has_comments: bool) -> None:
    """Write the descriptor image that buf reads without a network: lint needs the comments."""
    comments = ("--include_source_info",) if has_comments else ()
    run_protoc("--include_imports", *comments, f"--descriptor_set_out={path}")


def run_protoc(*options: str) -> None:
    """Run protoc over the whole contract, or raise with its exit code; it has printed why."""
    names = [str(source.relative_to(PROTOS)) for source in sources()]
    if not names:
        return
    includes = (PROTOS, _common_protos(), importlib.resources.files("grpc_tools") / "_proto")
    code = protoc.main(["protoc", *(f"-I{path}" for path in includes), *options, *names])
    if code != 0:
        raise SystemExit(f"protoc ended with {code}; its message is above")


def replace_changed(made: Path, kept: Path) -> None:
    """Move what differs, and drop what is no longer made.

    File by file, each by rename, so that a process that imports meanwhile never sees half a
    module, and unchanged files keep their time for mypy's and Python's caches.
    """
    wanted = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
    for name in sorted(wanted):
        old, new = kept / name, made / name
        if not old.exists() or old.read_bytes() != new.read_bytes():
            old.parent.mkdir(parents=True, exist_ok=True)
            os.replace(new, old)
    for path in sorted((kept / "concord").rglob("*"), reverse=True):
        if path.is_file() and path.suffix != ".pyc" and path.relative_to(kept) not in wanted:
            path.unlink()
        elif path.is_dir() and not any(path.rglob("*.py*")):
            shutil.rmtree(path)


def _common_protos() -> Path:
    """Return the folder in which googleapis-common-protos keeps google/api/*.proto."""
    status = importlib.metadata.distribution("googleapis-common-protos").locate_file(
        "google/rpc/status.proto"
    )
    return Path(str(status)).parents[2]


def _plugin(name: str) -> str:
    """Return the path of a protoc plugin: beside this interpreter first, never another venv's."""
    beside = Path(sys.executable).parent
    path = shutil.which(name, path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")
    if path is None:
        raise SystemExit(f"{name} is not installed; run `make setup`")
    return path


def main() -> None:
    """Generate, or write a descriptor image."""
    parser = argparse.ArgumentParser(description=generate.__doc__)
    parser.add_argument("--image", type=Path, help="write a descriptor image instead")
    parser.add_argument("--baseline", type=Path, help="write one without comments instead")
    arguments = parser.parse_args()
    if arguments.image or arguments.baseline:
        write_image(arguments.image or arguments.baseline, has_comments=bool(arguments.image))
    elif generate():
        print(f"protos: generated {len(sources())} files' code in protos/gen")


if __name__ == "__main__":
    main()
