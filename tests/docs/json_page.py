"""``docs/json.md``: every key of a report, from the types that it is written from."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from modelcheck.report import Report

_HEAD = """\
<!-- Written from the types in modelcheck/report.py and modelcheck/facts by
     `pytest tests/docs/test_json_page.py --rewrite-golden`: edit those. -->

# The JSON

```bash
modelcheck inspect reference_model:Net --policy mnist-20k --format json > report.json
```

Attributes of what `modelcheck.inspect` returns have the same names. Accuracies are fractions of one, times are
seconds. Additions are made without a new `schema_version`; what is here keeps its name and meaning. `--pick all` writes
a list of reports. A value that is text *or nothing* may be `null`; one that *may be left out* is left out where it has
its default.
"""


def page() -> str:
    """The page as it must be."""
    return _HEAD + "".join(_chapter(struct) for struct in _reachable(Report))


def _reachable(struct: type) -> Iterator[type]:
    """The struct and all that its fields name, each once, in the order of the keys."""
    found, waiting = [], [struct]
    while waiting:
        one = waiting.pop(0)
        if one not in found:
            found.append(one)
            waiting[:0] = [part for kind in _kinds(one).values() for part in _structs(kind)]
    return iter(found)


def _kinds(struct: type) -> dict[str, Any]:
    hints = get_type_hints(struct)
    return {field.name: hints[field.name] for field in msgspec.structs.fields(struct)}


def _structs(kind: Any) -> Iterator[type]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for one in get_args(kind):
        yield from _structs(one)


def _chapter(struct: type) -> str:
    text, _, arguments = inspect.cleandoc(struct.__doc__ or "").partition("Args:\n")
    told = dict(_told(arguments))
    rows = [f"| `{name}` | {_said(kind)}{_omitted(struct, name)} |" for name, kind in _kinds(struct).items()]
    head = ["| key | value |", "| --- | --- |"]
    if told:
        rows = [f"{row} {told.get(name, '')} |" for name, row in zip(_kinds(struct), rows, strict=True)]
        head = ["| key | value | what it is |", "| --- | --- | --- |"]
    return "\n".join([f"\n## {struct.__name__}\n", _plain(text), "", *head, *rows, ""])


def _told(arguments: str) -> Iterator[tuple[str, str]]:
    """What a docstring says of each key; one line may be about several."""
    for names, text in re.findall(r"^    ([\w, ]+): (.*(?:\n {8}.*)*)", arguments, re.MULTILINE):
        for name in names.split(", "):
            yield name, _plain(text)


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split()).replace("None", "null").replace("|", "\\|")


def _omitted(struct: type, name: str) -> str:
    (field,) = (one for one in msgspec.structs.fields(struct) if one.name == name)
    omits = struct.__struct_config__.omit_defaults  # type: ignore[attr-defined]
    return "; may be left out" if omits and not field.required else ""


def _said(kind: Any) -> str:
    """The type in words."""
    if kind is type(None):
        return "nothing"
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(f"`{msgspec.json.encode(one).decode()}`" for one in inside)
    if origin in (Union, types.UnionType):
        return " or ".join(_said(one) for one in inside)
    if origin is tuple:
        several = inside[-1] is Ellipsis
        return f"list of {_said(inside[0])}" if several else f"list: {', '.join(_said(one) for one in inside)}"
    if origin is dict:
        return f"object of {_said(inside[1])}"
    if issubclass(kind, msgspec.Struct):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    return {str: "text", int: "integer", float: "number", bool: "true or false"}[kind]
