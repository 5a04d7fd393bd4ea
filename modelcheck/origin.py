"""Where a model came from: what was chosen, filled in, set aside and left out on the way from a file to a module.

What the author's process says of itself, shown to people; nothing is decided by it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Pick = Literal["primary", "largest"]  # of several models that could be meant: the likeliest, or the one of most weights
EffectKind = Literal["trains", "downloads", "prints", "reads input", "plots", "installs", "writes", "runs"]


class Argument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A constructor's argument that the submission itself shows at an instantiation; ``value`` as Python writes it."""

    name: str
    value: str
    file: str
    line: int


class Effect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statement of the file that was not executed, because the model does not need it."""

    kind: EffectKind
    text: str
    file: str
    line: int


class Missing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An import that cannot be had here, and that the model did not need."""

    name: str
    file: str
    line: int


class Origin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the model came from.

    Args:
        file: the author's file, relative to what the target names; for a notebook with the cell.
        line: where the definition starts.
        name: of the class, the function or the object.
        because: why this one, where the target did not name it; None where it did.
        others: the other candidates, as targets.
        arguments: what was filled in for the constructor.
        missing: imports that are not installed and were not needed.
        set_aside: shell lines and magics, which no Python can run.
        left_out: statements with effects that the model does not need.
    """

    file: str
    line: int
    name: str
    because: str | None = None
    others: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    missing: tuple[Missing, ...] = ()
    set_aside: tuple[Effect, ...] = ()
    left_out: tuple[Effect, ...] = ()
