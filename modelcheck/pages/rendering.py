"""Templates into pages. Whatever a template shows is made printable and escaped, on its way out, without exception."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache, partial
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from modelcheck.author_trace import printable
from modelcheck.telling.problems import message_lines
from modelcheck.telling.rows import shape_text
from modelcheck.words import counted, loss_text, percent

_PIECES = 1000


def page(template: str, *, package: str = __package__, **context: Any) -> str:
    """The page that the template makes of the context.

    Args:
        template: the file's name.
        package: whose ``templates`` folder it lies in; those here can be extended and imported by it.
        context: what it shows.
    """
    return "".join(_pieces(template, package, context))


def encoded_page(template: str, *, package: str = __package__, **context: Any) -> bytes:
    """The page in UTF-8, without holding all of it as text."""
    return b"".join(piece.encode() for piece in _pieces(template, package, context))


def _pieces(template: str, package: str, context: dict[str, Any]) -> Iterable[str]:
    stream = _environment(package).get_template(template).stream(context)
    stream.enable_buffering(_PIECES)  # a page of many submissions is millions of them, if they are kept apart
    return stream


@cache
def _environment(package: str) -> Environment:
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(__package__)]),
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
        "shape": shape_text,
        "hashed": _hashed,
    }
    made.globals |= {"source": cache(partial(_source, made)), "counted": counted}
    return made


def _source(environment: Environment, name: str) -> Markup:
    """A style sheet or a script, as it stands in its file."""
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _hashed(text: str) -> str:
    """What a Content-Security-Policy calls the text by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _shown(value: object) -> object:
    """The value without characters that would act instead of being seen; markup is our own templates'."""
    return printable(value) if type(value) is str else value


def _said(text: str) -> Markup:
    """A text of several lines, with their indentation; of very many the first."""
    return Markup("\n").join(map(escape, message_lines(text)))


def _number(value: int) -> str:
    return f"{value:,}"


def points_text(value: float) -> str:
    """Points with as few decimals as it takes, at most two."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")
