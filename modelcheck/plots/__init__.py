"""Figures: how a training went, what a model takes for what, what augmentation does. Nothing here needs a display."""

from __future__ import annotations

from pathlib import Path

from modelcheck.errors import UsageError
from modelcheck.files import check_writable

ENDINGS = (".png", ".svg", ".pdf")


def check_figure(path: Path, option: str) -> None:
    """Raise before the work where a figure could not be written after it.

    Raises:
        UsageError: the file's ending is of no format that there is, or it cannot be written.
    """
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{option} {path}: a figure's file ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    check_writable(path, option)
