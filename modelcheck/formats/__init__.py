"""Output formats, one a file: ``json.py`` holds ``render`` for ``--format json``."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol

from modelcheck.report import Report


class Render(Protocol):
    """What a format's file offers."""

    def __call__(self, report: Report, *, width: int, color: bool) -> str:
        """The report as text that ends in a line break.

        Args:
            report: what to show.
            width: columns, for formats made for people.
            color: whether escape sequences are welcome.
        """


def format_names() -> tuple[str, ...]:
    """The formats' names, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def renderer(name: str) -> Render:
    """The function that renders the format of that name.

    Raises:
        KeyError: there is none.
    """
    if name not in format_names():
        raise KeyError(name)
    render: Render = importlib.import_module(f"{__name__}.{name}").render
    return render
