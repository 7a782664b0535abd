"""The contract as protoc sees it: descriptors with their comments, and the topics in them."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

from concord.options.v1 import options_pb2
from service.kafka.topics import PUBLISHED
from streams.topics import LIVES, READ, SENT

ROOT: Final = Path(__file__).resolve().parents[2]

# Numbers that name the parts of a descriptor in the path of a comment (descriptor.proto).
MESSAGE: Final = 4
ENUM: Final = 5
SERVICE: Final = 6
FIELD: Final = 2
METHOD: Final = 2
NESTED_MESSAGE: Final = 3
NESTED_ENUM: Final = 4
VALUE: Final = 2

# Which agent of the streams reads a message (`start`: each worker before it joins its group). A
# message that is read and not listed stops the generator.
AGENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "ReceiptEvent": ("intake", "channel-repeats"),
    "ReceiptWeighed": ("channel-outcomes",),
    "OrderEvent": ("stages",),
    "CustomerEvent": ("risk",),
    "ProfileChange": ("profiles",),
    "StagePartial": ("stage-windows",),
    "ChannelPartial": ("channel-minutes",),
    "Flag": ("flag-actions",),
    "BrokerLife": ("start",),
}
# What is written for others than our own processes.
NOBODY: Final = "whoever subscribes"


@dataclass(frozen=True)
class File:
    """One proto file with its comments."""

    proto: FileDescriptorProto
    comments: Mapping[tuple[int, ...], str]

    def said(self, *path: int) -> str:
        """Return the comment on a part, as one line."""
        return " ".join(self.comments.get(path, "").split())


@dataclass(frozen=True)
class Topic:
    """A topic as its message declares it, and who writes and reads it."""

    name: str
    key: str
    retention_days: int
    message: DescriptorProto
    package: str
    path: str
    about: str

    @property
    def full_name(self) -> str:
        """The message's full name."""
        return f"{self.package}.{self.message.name}"

    @property
    def writer(self) -> str:
        """The process that writes it."""
        if self.full_name in {each.message_name for each in PUBLISHED.values()}:
            return "relay"
        sent = {each.DESCRIPTOR.full_name for each in SENT}
        return "streams" if self.full_name in sent else "relay (marker)"

    @property
    def readers(self) -> tuple[str, ...]:
        """The agents that read it."""
        read = {each.DESCRIPTOR.name for each in (*READ, LIVES)}
        if read != set(AGENTS):
            raise AssertionError("say in AGENTS who reads each message")
        return AGENTS.get(self.message.name, ())

    @property
    def has_heartbeat(self) -> bool:
        """Whether the relay tells here that nothing happened."""
        return any(each.name in {"heartbeat", "heartbeat_time"} for each in self.message.field)

    @property
    def is_numbered(self) -> bool:
        """Whether its records are numbered within their key."""
        return any(each.name == "sequence" for each in self.message.field)


@cache
def files() -> tuple[File, ...]:
    """Return our files, by name."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.binpb"
        hook = str(ROOT / "protos" / "build_hook.py")
        subprocess.run([sys.executable, hook, "--image", str(image)], check=True)  # noqa: S603  # ours
        found = FileDescriptorSet.FromString(image.read_bytes())
    ours = (each for each in found.file if each.name.startswith("concord/"))
    return tuple(_file(each) for each in sorted(ours, key=lambda each: each.name))


def _file(proto: FileDescriptorProto) -> File:
    comments = {
        tuple(each.path): each.leading_comments or each.trailing_comments
        for each in proto.source_code_info.location
    }
    # The comment above `package` is the one on the file.
    return File(proto, comments | {(): comments.get((2,), "")})


def topics() -> list[Topic]:
    """Return every topic of the contract, by name."""
    return sorted(_topics(), key=lambda each: each.name)


def _topics() -> Iterator[Topic]:
    for file in files():
        for index, message in enumerate(file.proto.message_type):
            said = message.options.Extensions[options_pb2.topic]
            if said.name:
                yield Topic(
                    name=said.name,
                    key=said.key,
                    retention_days=said.retention_days,
                    message=message,
                    package=file.proto.package,
                    path=f"protos/{file.proto.name}",
                    about=file.said(MESSAGE, index),
                )


def type_of(field: FieldDescriptorProto) -> str:
    """Return the type of a field as the proto spells it, without our package prefixes."""
    name = field.type_name.removeprefix(".")
    if not name:
        name = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    name = name.removeprefix("google.protobuf.").removeprefix("google.type.")
    parts = name.split(".v1.")
    is_list = field.label == FieldDescriptorProto.LABEL_REPEATED
    return f"repeated {parts[-1]}" if is_list else parts[-1]


def is_personal(field: FieldDescriptorProto) -> bool:
    """Whether the field can name or reach a person."""
    options: Any = field.options
    return bool(options.Extensions[options_pb2.personal])
