"""Output formats, one a file: ``json.py`` holds ``render`` for ``--format json``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from types import ModuleType
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


def joined(name: str, texts: Sequence[str]) -> str:
    """Several reports of one format as one text: as the format's own ``join`` makes it, else one after the other."""
    join: Callable[[Sequence[str]], str] = getattr(_module(name), "join", "\n".join)
    return join(texts)


def format_names() -> tuple[str, ...]:
    """The formats' names, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def renderer(name: str) -> Render:
    """The function that renders the format of that name.

    Raises:
        KeyError: there is none.
    """
    render: Render = _module(name).render
    return render


def _module(name: str) -> ModuleType:
    if name not in format_names():
        raise KeyError(name)
    return importlib.import_module(f"{__name__}.{name}")
