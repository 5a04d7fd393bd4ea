"""TOML tables into structs, with errors that a person can act on."""

from __future__ import annotations

import re
import tomllib
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from modelcheck.author_trace import printable
from modelcheck.errors import UsageError
from modelcheck.names import nearest, shortened, unknown_name
from modelcheck.toml_places import key_places

S = TypeVar("S", bound=msgspec.Struct)

# msgspec's words for types, in TOML's
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "array": "an array",
    "object": "a table",
    "datetime": "a date and time",
}


def read_toml(path: Path) -> dict[str, Any]:
    """The file's table.

    Raises:
        FileNotFoundError: there is no such file; the caller knows what might be meant.
        UsageError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise
    except IsADirectoryError:
        raise UsageError(f"{path}: a folder, where a TOML file is expected") from None
    except RecursionError:
        raise UsageError(f"{path}: not a readable TOML file: it is nested too deeply.") from None
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, not TOML, a number of 5,000 digits, a NUL in a path
        cause = str(error.strerror if isinstance(error, OSError) else error)
        place = re.search(r" \(at line (\d+), column (\d+)\)\Z", cause)
        where = f"{path}:{place[1]}:{place[2]}" if place else str(path)
        cause = cause[: place.start()] if place else cause
        raise UsageError(f"{printable(where)}: not a readable TOML file: {cause}.") from None


def no_such_toml(path: Path, what: str, presets: Iterable[str]) -> UsageError:
    """What to say of a policy or recipe in TOML that is not there: the file beside it or the preset that was meant."""
    try:
        beside = [one.name for one in path.parent.glob("*.toml")]
    except (OSError, ValueError):
        beside = []
    near = nearest(path.name, beside)
    meant = f"did you mean {printable(str(path.with_name(near)))}?" if near else ""
    preset = f"or, without the path and .toml, {unknown_name(what, path.stem, presets)}"
    return UsageError(f"{path}: no such file; {meant or preset}")


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
    if not isinstance(table, dict):
        raise located(source, at, f"expected a table, found {_shown(table)}.")
    prefix = f"{at}." if at else ""
    for key_path, key, known in _unknown_keys(table, struct, prefix, tuple(given)):
        raise located(source, key_path, unknown_name("key", key, known))
    try:
        return msgspec.convert({**table, **given}, struct)
    except msgspec.ValidationError as error:
        raise located(source, *_explain(str(error), table, struct, prefix)) from error


def located(source: Path | str, at: str, text: str) -> UsageError:
    """The error about the key at that path; of a file with its line and column, or those of what is around it."""
    place = _place(source, at) if isinstance(source, Path) else None
    where = f"{source}:{place[0]}:{place[1]}" if place else str(source)
    return UsageError(f"{where}: {at}: {text}" if at else f"{where}: {text}")


def _place(path: Path, at: str) -> tuple[int, int] | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
        tomllib.loads(text)
        places = key_places(text)
    except (OSError, ValueError, RecursionError):
        return None
    while at and at not in places:
        at = at[: max(at.rfind("."), at.rfind("["), 0)]
    return places.get(at)


def _unknown_keys(
    table: dict[str, Any], struct: type[msgspec.Struct], prefix: str, hidden: tuple[str, ...] = ()
) -> Iterator[tuple[str, str, list[str]]]:
    """Path, key and known keys of each key that the struct has no field for."""
    types = {name: kind for name, kind in _types(struct).items() if name not in hidden}
    for key, value in table.items():
        if key not in types:
            yield prefix + shortened(key), key, list(types)
        elif isinstance(value, dict) and (inner := _struct_in(types[key])):
            yield from _unknown_keys(value, inner, f"{prefix}{key}.")


def _types(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Type of each field by the key that it has in the file."""
    return {field.encode_name: field.type for field in msgspec.structs.fields(struct)}


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that a field holds, optional or not."""
    return next((one for one in _kinds(kind) if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)


def _kinds(kind: Any) -> tuple[Any, ...]:
    """The type, and what its union or annotation is made of."""
    return (kind, *(part for one in typing.get_args(kind) for part in _kinds(one)))


def _explain(message: str, table: dict[str, Any], struct: type[msgspec.Struct], prefix: str) -> tuple[str, str]:
    """The key's path, and in words what was expected there and what was found."""
    text, _, at = message.partition(" - at `$")
    steps = re.findall(r"\.([^.\[]+)|\[([^\]]+)\]", at.rstrip("`"))
    path, kind, value = _follow([key or index for key, index in steps], table, struct)
    return (prefix + path).rstrip("."), _expected(text, kind, value)


def _follow(steps: list[str], value: Any, kind: Any) -> tuple[str, Any, Any]:
    """The key's path in the file, the type that it should have, and the value that it has."""
    path = ""
    for step in steps:
        inner = _struct_in(kind)
        if inner and isinstance(value, dict):
            kind, value = _types(inner)[step], value[step]
            path += f".{step}"
        elif isinstance(value, dict):
            kind = next(typing.get_args(one)[1] for one in _kinds(kind) if typing.get_origin(one) is dict)
            key = next(key for key, one in value.items() if not _fits(one, kind))
            value = value[key]
            path += f".{shortened(key)}"
        else:
            parts = next(typing.get_args(one) for one in _kinds(kind) if typing.get_origin(one) in (tuple, list))
            kind, value = parts[0], value[int(step)]
            path += f"[{step}]"
    return path.lstrip("."), kind, value


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _expected(text: str, kind: Any, value: Any) -> str:
    """What msgspec says, in the words of a TOML file."""
    if missing := re.fullmatch(r"Object missing required field `(.+)`", text):
        return f"the key {missing[1]!r} is missing."
    known = [arg for one in _kinds(kind) if typing.get_origin(one) is Literal for arg in typing.get_args(one)]
    if known:
        near = nearest(str(value), known)
        hint = f"; did you mean {near!r}?" if near else "."
        return f"expected one of {', '.join(known)}, found {_shown(value)}{hint}"
    if not text.startswith(("Expected", "Invalid")):
        return f"{text}."  # a struct's own words
    if text.startswith("Expected `str` matching") and (described := _description(kind)):
        return f"expected {described}, found {_shown(value)}."
    text = re.sub(r", got .*$", "", text).replace(" | null", "")
    text = re.sub(r"`([a-z]+)`", lambda match: _WORDS.get(match[1], match[1]), text)
    is_percent = text.endswith(" <= 1.0") and isinstance(value, int | float) and 1 < value <= 100
    hint = f": {value:g} % is {value / 100:g}" if is_percent else ""
    return f"{text[0].lower()}{text[1:]}, found {_shown(value)}{hint}."


def _description(kind: Any) -> str | None:
    notes = (note for one in _kinds(kind) if typing.get_origin(one) is Annotated for note in one.__metadata__)
    return next((note.description for note in notes if isinstance(note, msgspec.Meta) and note.description), None)


def _shown(value: Any) -> str:
    if isinstance(value, (dict, bool)):
        return "a table" if isinstance(value, dict) else str(value).lower()
    try:
        return shortened(repr(value))
    except ValueError:  # an integer of more digits than Python writes
        return "a very long number"
