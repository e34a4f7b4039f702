"""SAPIENT (BSI Flex 335 v2): messages as JSON or protobuf, checked against the standard's own
marks, framed for TCP.

On the wire each message is four bytes of length, little-endian, and a protobuf `SapientMessage`.
What must be there, and what must be a UUID or a ULID, is read from the options that the standard's
.proto files carry, so that the checks cannot drift from them.
"""

from __future__ import annotations

import re
import struct
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from sapient_msg import proto_options_pb2
from sapient_msg.bsi_flex_335_v2_0 import sapient_message_pb2

LARGEST = 2**20  # bytes of one message
DEEPEST = 32  # messages within messages
HEAD = struct.Struct("<I")
ICD = "BSI Flex 335 v2.0"

UNMARKED_ULIDS = frozenset(
    {"FollowObject.follow_object_id"}
)  # ULIDs by the standard's text that its .proto files do not mark

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def from_json(text: str | bytes) -> tuple[Any, list[str]]:
    """A message from JSON, and everything wrong with it; None where it is no message at all.

    text  the document
    """
    try:
        message = json_format.Parse(text, sapient_message_pb2.SapientMessage(), max_recursion_depth=DEEPEST)
    except (json_format.ParseError, UnicodeDecodeError, ValueError, RecursionError) as error:
        return None, [f"is no SAPIENT message: {_short(str(error))}"]
    return message, list(faults_of(message))


def from_dict(told: dict[str, Any]) -> Any:
    """A message from plain values, names as in the standard.

    told  plain values, names as in the standard

    ValueError, saying what is wrong, where it is not valid.
    """
    message = json_format.ParseDict(told, sapient_message_pb2.SapientMessage(), max_recursion_depth=DEEPEST)
    faults = list(faults_of(message))
    if faults:
        raise ValueError("; ".join(faults))
    return message


def from_bytes(data: bytes) -> tuple[Any, list[str]]:
    """A message from protobuf, and everything wrong with it; None where it is no message at all.

    data  the bytes
    """
    message = sapient_message_pb2.SapientMessage()
    try:
        message.ParseFromString(data)
    except (DecodeError, RecursionError) as error:
        return None, [f"is no SAPIENT message: {_short(str(error))}"]
    return message, list(faults_of(message))


def framed(message: Any) -> bytes:
    """The message as it travels over TCP."""
    data = message.SerializeToString()
    return HEAD.pack(len(data)) + bytes(data)


def faults_of(message: Any, where: str = "", depth: int = 0) -> Iterator[str]:
    """Everything in a message that the standard does not allow, as sentences with the place.

    where  place of the message, for faults
    depth  how deep in the message it stands
    """
    descriptor = message.DESCRIPTOR
    if depth > DEEPEST:
        yield f"{where} is nested too deeply"
        return
    for name in _mandatory_oneofs(descriptor):
        if message.WhichOneof(name) is None:
            members = ", ".join(field.name for field in descriptor.oneofs_by_name[name].fields)
            yield f"{where or descriptor.name}: one of {members} must be there"
    for field, mandatory, must_be_uuid, must_be_ulid in _marks(descriptor):
        place = f"{where}.{field.name}" if where else field.name
        values = _values(message, field)
        if mandatory and not any(_filled(value, field) for value in values):
            yield f"{place} is missing"
        for value in values:
            if must_be_uuid and value and not _is_uuid(value):
                yield f"{place} is {_short(value)!r}, no UUID"
            if must_be_ulid and value and not _ULID.fullmatch(value.upper()):
                yield f"{place} is {_short(value)!r}, no ULID"
            if field.message_type is not None and not field.message_type.full_name.startswith("google."):
                yield from faults_of(value, place, depth + 1)
            elif field.enum_type is not None and value not in field.enum_type.values_by_number:
                yield f"{place} is {value}, which has no meaning"


@cache
def _marks(descriptor: Any) -> tuple[tuple[Any, bool, bool, bool], ...]:
    """Each field of a message: mandatory, a UUID, a ULID."""
    found = []
    for field in descriptor.fields:
        options = field.GetOptions().Extensions[proto_options_pb2.field_options]
        ulid = bool(options.is_ulid) or f"{descriptor.name}.{field.name}" in UNMARKED_ULIDS
        found.append((field, bool(options.is_mandatory), bool(options.is_uuid), ulid))
    return tuple(found)


@cache
def _mandatory_oneofs(descriptor: Any) -> tuple[str, ...]:
    return tuple(
        o.name for o in descriptor.oneofs if o.GetOptions().Extensions[proto_options_pb2.oneof_options].is_mandatory
    )


def _values(message: Any, field: Any) -> list[Any]:
    """What stands in a field: nothing, one value, or many."""
    if field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED:
        return list(getattr(message, field.name))
    if field.has_presence:
        return [getattr(message, field.name)] if message.HasField(field.name) else []
    return [getattr(message, field.name)]


def _filled(value: Any, field: Any) -> bool:
    """Whether a value says something: neither blank nor the enumeration's "unspecified"."""
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known is None or not known.name.endswith("_UNSPECIFIED")
    return value != "" if isinstance(value, str) else True


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _short(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= 100 else plain[:97] + "…"
