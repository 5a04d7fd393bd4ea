"""Which sandbox to take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self

from modelcheck.errors import UsageError
from modelcheck.facts.walked import Walked
from modelcheck.grading.sandbox.bubblewrap import Bubblewrap
from modelcheck.grading.sandbox.none import Nothing
from modelcheck.grading.sandbox.process import Process
from modelcheck.inputs import Inputs
from modelcheck.isolated.protocol import Limits
from modelcheck.origin import Origin, Pick

if TYPE_CHECKING:
    from modelcheck.graph.capture import Capture

SandboxName = Literal["bubblewrap", "process", "none"]


class Capturer(Protocol):
    """Captures one submission after another; a context manager."""

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all that was started."""

    def capture(
        self,
        path: Path,
        inputs: Inputs | None,
        seed: int = 0,
        pick: Pick | None = None,
        arguments: Mapping[str, object] | None = None,
    ) -> tuple[Capture | Walked, Origin | None]:
        """The capture of what was handed in, and where it came from; see ``starter.Starter.capture``."""


class Sandbox(Protocol):
    """A way to keep the author's code in; ``weaker`` says what it does not guarantee, for every report."""

    @property
    def name(self) -> SandboxName:
        """As it is asked for."""

    @property
    def weaker(self) -> tuple[str, ...]:
        """What it does not guarantee, in words."""

    def unavailable(self) -> str | None:
        """Why it cannot be used here; None where it can."""

    def start(self, limits: Limits, *, warm: bool = True) -> Capturer:
        """What captures submissions; not warm, torch is imported for each of them anew."""


_SANDBOXES: tuple[Sandbox, ...] = (Bubblewrap(), Process(), Nothing())  # the strongest first


def choose(name: Literal["auto"] | SandboxName = "auto") -> Sandbox:
    """The sandbox with that name; by ``auto`` the strongest that this machine allows, and never none.

    Raises:
        UsageError: it cannot be used here.
    """
    causes = []
    for one in _SANDBOXES:
        if name == one.name or (name == "auto" and one.name != "none"):
            cause = one.unavailable()
            if cause is None:
                return one
            causes.append(f"{one.name}: {cause}")
    why = "".join(f"\n  {cause}" for cause in causes)
    raise UsageError(
        f"there is no sandbox for the submissions on this machine:{why}\n"
        "Install bubblewrap, or ask for --sandbox none where every submission may do what you may do"
    )
