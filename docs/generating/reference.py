"""The page on what goes over the wire, from the descriptors and the comments in the protos."""

from collections.abc import Iterator
from typing import Final

from google.api.field_behavior_pb2 import FieldBehavior, field_behavior
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
)

from generating.contract import (
    ENUM,
    FIELD,
    MESSAGE,
    METHOD,
    NESTED_ENUM,
    NESTED_MESSAGE,
    NOBODY,
    SERVICE,
    VALUE,
    File,
    Topic,
    files,
    is_personal,
    topics,
    type_of,
)
from generating.text import code, table, template

ERRORS: Final = "ErrorReason"


def page() -> str:
    """Return the page."""
    return template("reference.md.in").format(
        services="\n\n".join(_services()),
        errors=_errors(),
        topics=_topics(),
        messages="\n\n".join(_messages()),
    )


def _services() -> Iterator[str]:
    for file in files():
        for index, service in enumerate(file.proto.service):
            rows = [
                (
                    code(method.name),
                    _message_link(method.input_type, is_stream=method.client_streaming),
                    _message_link(method.output_type, is_stream=method.server_streaming),
                    file.said(SERVICE, index, METHOD, at),
                )
                for at, method in enumerate(service.method)
            ]
            yield (
                f"### {service.name}\n\n`{file.proto.package}.{service.name}`. "
                f"{file.said(SERVICE, index)}\n\n"
                + table(("Method", "Takes", "Gives", "What it does, and why it may refuse"), rows)
            )


def _message_link(full_name: str, *, is_stream: bool) -> str:
    name = full_name.rsplit(".v1.", maxsplit=1)[-1]
    return f"{'stream of ' if is_stream else ''}[{name}](#{name.lower()})"


def _errors() -> str:
    for file in files():
        for index, enum in enumerate(file.proto.enum_type):
            if enum.name == ERRORS:
                rows = [_error(file, index, at, enum) for at in range(1, len(enum.value))]
                return table(("Reason", "When", "Example"), rows)
    message = f"the contract has no {ERRORS}"
    raise LookupError(message)


def _error(file: File, index: int, at: int, enum: EnumDescriptorProto) -> tuple[str, ...]:
    text, _, example = file.said(ENUM, index, VALUE, at).partition(" Example: ")
    return code(enum.value[at].name.removeprefix("ERROR_REASON_")), text, example


def _topics() -> str:
    rows = (
        (
            code(each.name),
            f"[{each.message.name}](#{each.message.name.lower()})",
            each.key,
            _kept(each),
            _marks(each),
            each.writer,
            ", ".join(each.readers) or NOBODY,
        )
        for each in topics()
    )
    head = ("Topic", "Message", "Key", "Kept", "Has", "Written by", "Read by, in streams")
    return table(head, rows)


def _kept(topic: Topic) -> str:
    return f"{topic.retention_days} d" if topic.retention_days else "the newest of each key"


def _marks(topic: Topic) -> str:
    has = [("numbers", topic.is_numbered), ("heartbeats", topic.has_heartbeat)]
    return ", ".join(name for name, true in has if true) or "–"


def _messages() -> Iterator[str]:
    for file in files():
        yield f"### {file.proto.name}\n\n{file.said()}"
        for index, message in enumerate(file.proto.message_type):
            yield from _message(file, message, "", (MESSAGE, index))
        for index, enum in enumerate(file.proto.enum_type):
            if enum.name != ERRORS:
                yield _enum(file, enum, "", (ENUM, index))


def _message(
    file: File, message: DescriptorProto, within: str, path: tuple[int, ...]
) -> Iterator[str]:
    name = f"{within}{message.name}"
    text = f"#### {name}\n\n{file.said(*path)}"
    if message.field:
        rows = (
            (
                code(field.name),
                str(field.number),
                type_of(field),
                f"{file.said(*path, FIELD, at)}{_behaviour(field)}",
            )
            for at, field in enumerate(message.field)
        )
        text += "\n\n" + table(("Field", "No.", "Type", "Meaning"), rows)
    yield text
    for at, enum in enumerate(message.enum_type):
        yield _enum(file, enum, f"{name}.", (*path, NESTED_ENUM, at))
    for at, nested in enumerate(message.nested_type):
        yield from _message(file, nested, f"{name}.", (*path, NESTED_MESSAGE, at))


def _enum(file: File, enum: EnumDescriptorProto, within: str, path: tuple[int, ...]) -> str:
    rows = (
        (code(value.name), str(value.number), file.said(*path, VALUE, at))
        for at, value in enumerate(enum.value)
    )
    head = f"#### {within}{enum.name}\n\n{file.said(*path)}\n\n"
    return head + table(("Value", "No.", "Meaning"), rows)


def _behaviour(field: FieldDescriptorProto) -> str:
    marks = [
        FieldBehavior.Name(each).lower().replace("_", " ")
        for each in field.options.Extensions[field_behavior]
    ]
    if is_personal(field):
        marks.append("personal")
    return f" *({', '.join(marks)})*" if marks else ""
