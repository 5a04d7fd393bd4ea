from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from modelcheck.errors import UsageError
from modelcheck.training.names import unknown_name

S = TypeVar("S", bound=msgspec.Struct)


def from_table(table: dict[str, Any], struct: type[S], path: Path, **given: Any) -> S:
    """The struct that a TOML table describes.

    Args:
        table: as ``tomllib`` gives it.
        struct: with structs as the types of its sub-tables.
        path: the file, for the error.
        given: fields that are set here and must not be keys of the file.

    Raises:
        UsageError: a key is unknown, missing or has a wrong value; the text names the file, the key's path
            and the nearest known name.
    """
    for key_path, key, known in _unknown_keys(table, struct, "", tuple(given)):
        raise UsageError(f"{path}: {key_path}: {unknown_name('key', key, known)}")
    try:
        return msgspec.convert({**table, **given}, struct)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {_explain(str(error), table, struct)}") from error


def _unknown_keys(
    table: dict[str, Any], struct: type[msgspec.Struct], prefix: str, hidden: tuple[str, ...] = ()
) -> Iterator[tuple[str, str, list[str]]]:
    """Path, key and known keys of each key that the struct has no field for."""
    types = {field.name: field.type for field in msgspec.structs.fields(struct) if field.name not in hidden}
    for key, value in table.items():
        if key not in types:
            yield prefix + key, key, list(types)
        elif isinstance(value, dict) and _is_struct(types[key]):
            yield from _unknown_keys(value, types[key], f"{prefix}{key}.")


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _explain(message: str, table: dict[str, Any], struct: type[msgspec.Struct]) -> str:
    """The error's text with the key's path in front, and the nearest name where one of a few was expected."""
    text, _, at = message.partition(" - at `$")
    key_path = re.sub(r"\[\.\.\.\]", "", at.rstrip("`").lstrip("."))
    if not text.startswith("Invalid enum value"):
        return f"{key_path}: {text}." if key_path else f"{text}."
    value, known = _lookup(table, struct, key_path.split("."))
    near = difflib.get_close_matches(str(value).lower(), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"{key_path}: expected one of {', '.join(known)}, found {value!r}{hint}"


def _lookup(table: dict[str, Any], struct: type[msgspec.Struct], keys: list[str]) -> tuple[Any, list[str]]:
    """The value at the path, and the strings that its field allows."""
    fields = {field.name: field.type for field in msgspec.structs.fields(struct)}
    if len(keys) > 1:
        return _lookup(table[keys[0]], fields[keys[0]], keys[1:])
    kind = fields[keys[0]]
    kinds = (kind, *typing.get_args(kind))
    return table[keys[0]], [
        arg for k in kinds if typing.get_origin(k) is Literal for arg in typing.get_args(k)
    ]
