"""The contract with its comments: the protos, compiled with their source text's places."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"

# Numbers of the repeated fields in descriptor.proto, of which places in a file are made.
MESSAGE, ENUM, SERVICE = 4, 5, 6
FIELD, NESTED, NESTED_ENUM = 2, 3, 4
VALUE, METHOD = 2, 2


def sources() -> list[str]:
    """Return every proto of the contract, as protoc names them."""
    return sorted(str(each.relative_to(PROTOS)) for each in (PROTOS / "concord").rglob("*.proto"))


def image() -> bytes:
    """Compile the contract to a descriptor image, with imports and comments."""
    includes = [
        PROTOS,
        Path(str(files("grpc_tools") / "_proto")),
        Path(annotations_pb2.__file__).parents[2],
    ]
    with TemporaryDirectory() as folder:
        made = Path(folder) / "image.binpb"
        subprocess.run(
            [
                sys.executable, "-m", "grpc_tools.protoc",
                *(f"-I{each}" for each in includes),
                "--include_imports", "--include_source_info",
                f"--descriptor_set_out={made}", *sources(),
            ],
            cwd=PROTOS, check=True, timeout=60,
        )  # fmt: skip
        return made.read_bytes()


@cache
def compiled() -> FileDescriptorSet:
    """Return the compiled contract."""
    return FileDescriptorSet.FromString(image())


def comments_of(name: str) -> dict[str, str]:
    """Return the comment before everything that has a name in a file; empty where none is."""
    (file,) = (each for each in compiled().file if each.name == name)
    places = {
        tuple(each.path): each.leading_comments.strip() for each in file.source_code_info.location
    }
    return {name: places.get(path, "") for name, path in _named(file)}


def _named(file: FileDescriptorProto) -> list[tuple[str, tuple[int, ...]]]:
    found: list[tuple[str, tuple[int, ...]]] = []
    for index, message in enumerate(file.message_type):
        found += _of_message(message, message.name, (MESSAGE, index))
    for index, enum in enumerate(file.enum_type):
        found += _of_enum(enum, "", (ENUM, index))
    for index, service in enumerate(file.service):
        found.append((service.name, (SERVICE, index)))
        found += [
            (f"{service.name}.{method.name}", (SERVICE, index, METHOD, number))
            for number, method in enumerate(service.method)
        ]
    return found


def _of_message(
    message: DescriptorProto, name: str, path: tuple[int, ...]
) -> list[tuple[str, tuple[int, ...]]]:
    found = [(name, path)]
    found += [
        (f"{name}.{field.name}", (*path, FIELD, index)) for index, field in enumerate(message.field)
    ]
    for index, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            found += _of_message(nested, f"{name}.{nested.name}", (*path, NESTED, index))
    for index, enum in enumerate(message.enum_type):
        found += _of_enum(enum, f"{name}.", (*path, NESTED_ENUM, index))
    return found


def _of_enum(
    enum: EnumDescriptorProto, within: str, path: tuple[int, ...]
) -> list[tuple[str, tuple[int, ...]]]:
    values = [
        (f"{within}{value.name}", (*path, VALUE, index)) for index, value in enumerate(enum.value)
    ]
    return [(f"{within}{enum.name}", path), *values]
