"""Output formats, one a file: ``json.py`` holds ``render`` for ``--format json``.

A file may also have ``render_all``, which makes one text of several reports (without it one follows the other), and
``SEVERAL = False``, where there can be only one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
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


def render_all(name: str, reports: Sequence[Report], *, width: int, color: bool) -> str:
    """Several reports in the format of that name, as one text.

    Raises:
        KeyError: there is none.
    """
    module = _module(name)
    if hasattr(module, "render_all"):
        text: str = module.render_all(reports, width=width, color=color)
        return text
    return "\n".join(module.render(report, width=width, color=color) for report in reports)


def takes_several(name: str) -> bool:
    """Whether several reports can be one text of that format.

    Raises:
        KeyError: there is none.
    """
    return bool(getattr(_module(name), "SEVERAL", True))


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
