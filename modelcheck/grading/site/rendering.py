"""Templates into files. Whatever a template shows is made printable and escaped, on its way out, without exception."""

from __future__ import annotations

import base64
import datetime
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from modelcheck.author_trace import printable
from modelcheck.files import write_beside
from modelcheck.words import counted, loss_text, percent

_MOST_LINES = 40
_PIECES = 1000
_DEEPEST_INDENT = 8


def write_page(path: Path, template: str, **context: Any) -> None:
    """Write the page that the template makes of the context, whole or not at all.

    Raises:
        UsageError: the file cannot be written.
    """
    stream = _environment().get_template(template).stream(context)
    stream.enable_buffering(_PIECES)  # a page of many submissions is millions of them, if they are kept apart
    write_beside(path, "".join(stream).encode())


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "short": printable,
        "said": _said,
        "number": _number,
        "points": points_text,
        "percent": percent,
        "loss": loss_text,
        "shape": _shape,
    }
    style, script = _source(made, "style.css"), _source(made, "sort.js")
    made.globals |= {
        "style": style,
        "script": script,
        "style_hash": _hash(style),
        "script_hash": _hash(script),
        "counted": counted,
    }
    return made


def _source(environment: Environment, name: str) -> Markup:
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _hash(text: str) -> str:
    """What a Content-Security-Policy calls the text by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _shown(value: object) -> object:
    """The value without characters that would act instead of being seen; markup is our own templates'."""
    return printable(value) if type(value) is str else value


def _said(text: str) -> Markup:
    """A text of several lines, with their indentation; of very many the first."""
    lines = text.split("\n", _MOST_LINES)
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"… and {lines[_MOST_LINES].count(chr(10)) + 1:,} more lines"]
    return Markup("\n").join(_indent(line) + escape(printable(line)) for line in lines)


def _indent(line: str) -> str:
    return " " * min(len(line) - len(line.lstrip(" ")), _DEEPEST_INDENT)


def _number(value: int) -> str:
    return f"{value:,}"


def points_text(value: float) -> str:
    """Points with as few decimals as it takes, at most two."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "one number"


def moment(when: datetime.datetime) -> str:
    """The moment in UTC, to the minute."""
    return f"{when.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC"
