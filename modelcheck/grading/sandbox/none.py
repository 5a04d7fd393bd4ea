"""No sandbox, which must be asked for: a process of its own within limits, that may do what its user may do."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from modelcheck.errors import LoadError
from modelcheck.facts.walked import Walked
from modelcheck.grading.sandbox.packing import packed, target_of, unpack
from modelcheck.inputs import Inputs
from modelcheck.isolated.outcome import NotFoundThere
from modelcheck.isolated.parent import capture_isolated
from modelcheck.isolated.protocol import Limits
from modelcheck.origin import Origin, Pick

if TYPE_CHECKING:
    from modelcheck.graph.capture import Capture


class Nothing:
    """For submissions that are trusted, and for systems that have no sandbox."""

    name: Literal["none"] = "none"
    weaker: tuple[str, ...] = (
        "the author's code could read and change whatever the grader could, the labels among it, and use the network",
        "what it left running is ended only as far as it can be found",
    )

    def unavailable(self) -> str | None:
        """It always can be used."""
        return None

    def start(self, limits: Limits, *, warm: bool = False) -> UnsandboxedStarter:
        """A starter, which imports torch for each submission anew: a fork would not be safe on every system."""
        return UnsandboxedStarter(limits)


class UnsandboxedStarter:
    """As a sandbox's."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def capture(
        self,
        path: Path,
        inputs: Inputs | None,
        seed: int = 0,
        pick: Pick | None = None,
        arguments: Mapping[str, object] | None = None,
    ) -> tuple[Capture | Walked, Origin | None]:
        """As of a sandbox's starter; what was handed in is copied, and the copy is used."""
        folder = tempfile.TemporaryDirectory(prefix="modelcheck-", ignore_cleanup_errors=True)
        with folder as copy, packed(path) as files:
            unpack(files, Path(copy))
            try:
                return capture_isolated(
                    target_of(path), inputs, arguments, seed, pick, self.limits, directory=Path(copy), tells=False
                )
            except NotFoundThere as error:
                raise LoadError(str(error)) from None
