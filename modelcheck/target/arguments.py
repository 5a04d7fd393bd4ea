"""``--arg NAME=VALUE``."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from modelcheck.author_trace import printable
from modelcheck.errors import UsageError


def parse_arguments(settings: Iterable[str]) -> dict[str, object]:
    """Keyword arguments from ``NAME=VALUE`` settings, whose values are Python literals.

    Raises:
        UsageError: no ``=``, a name that is none, a name given twice, or a value that is no literal.
    """
    arguments: dict[str, object] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = name.strip()
        if not equals:
            raise UsageError(f"--arg {printable(setting)}: no '=' in it: --arg NAME=VALUE")
        if not name.isidentifier():
            raise UsageError(f"--arg {printable(setting)}: '{printable(name)}' cannot be an argument's name")
        if name in arguments:
            raise UsageError(f"--arg {name} is given twice: give it once")
        arguments[name] = _literal(name, value.strip())
    return arguments


def _literal(name: str, value: str) -> object:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        constant = value.capitalize()
        meant = constant if constant in {"True", "False", "None"} else repr(value)
        shown = printable(f'--arg "{name}={meant}"' if meant != constant else f"--arg {name}={meant}")
        text = f"--arg {name}={printable(value)}: the value is no Python literal; did you mean {shown}?"
        raise UsageError(text) from None
