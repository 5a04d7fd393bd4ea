"""TOML tables into structs, with errors that a person can act on."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from modelcheck.errors import UsageError
from modelcheck.names import unknown_name

S = TypeVar("S", bound=msgspec.Struct)


def from_table(table: dict[str, Any], struct: type[S], source: Path | str, *, at: str = "", **given: Any) -> S:
    """The struct that a TOML table describes.

    Args:
        table: as ``tomllib`` gives it.
        struct: with structs as the types of its sub-tables.
        source: the file, for the error.
        at: the table's own path in the file, for the error.
        given: fields that are set here and must not be keys of the file.

    Raises:
        UsageError: a key is unknown, missing or has a wrong value; the text names the file, the key's path
            and the nearest known name.
    """
    prefix = f"{at}." if at else ""
    for key_path, key, known in _unknown_keys(table, struct, prefix, tuple(given)):
        raise UsageError(f"{source}: {key_path}: {unknown_name('key', key, known)}")
    try:
        return msgspec.convert({**table, **given}, struct)
    except msgspec.ValidationError as error:
        raise UsageError(f"{source}: {_explain(str(error), table, struct, prefix)}") from error


def _unknown_keys(
    table: dict[str, Any], struct: type[msgspec.Struct], prefix: str, hidden: tuple[str, ...] = ()
) -> Iterator[tuple[str, str, list[str]]]:
    """Path, key and known keys of each key that the struct has no field for."""
    types = {name: kind for name, kind in _types(struct).items() if name not in hidden}
    for key, value in table.items():
        if key not in types:
            yield prefix + key, key, list(types)
        elif isinstance(value, dict) and (inner := _struct_in(types[key])):
            yield from _unknown_keys(value, inner, f"{prefix}{key}.")


def _types(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Type of each field by the key that it has in the file."""
    return {field.encode_name: field.type for field in msgspec.structs.fields(struct)}


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that a field holds, optional or not."""
    kinds = (kind, *typing.get_args(kind))
    return next((one for one in kinds if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)


def _explain(message: str, table: dict[str, Any], struct: type[msgspec.Struct], prefix: str) -> str:
    """The error's text with the key's path in front, and the nearest name where one of a few was expected."""
    text, _, at = message.partition(" - at `$")
    key_path = re.sub(r"\[\.\.\.\]", "", at.rstrip("`").lstrip("."))
    shown = (prefix + key_path).rstrip(".")
    if not text.startswith("Invalid enum value"):
        return f"{shown}: {text}." if shown else f"{text}."
    value, known = _lookup(table, struct, key_path.split("."))
    near = difflib.get_close_matches(str(value).lower(), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"{shown}: expected one of {', '.join(known)}, found {value!r}{hint}"


def _lookup(table: dict[str, Any], struct: type[msgspec.Struct], keys: list[str]) -> tuple[Any, list[str]]:
    """The value at the path, and the strings that its field allows."""
    kind = _types(struct)[keys[0]]
    inner = _struct_in(kind)
    if len(keys) > 1 and inner:
        return _lookup(table[keys[0]], inner, keys[1:])
    kinds = (kind, *typing.get_args(kind))
    return table[keys[0]], [arg for k in kinds if typing.get_origin(k) is Literal for arg in typing.get_args(k)]
