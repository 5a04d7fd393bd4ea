"""What goes to the isolated process and what comes back: one request, a capture, and a few words about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from modelcheck.author_trace import printable
from modelcheck.facts.structs import Layer
from modelcheck.facts.walked import WalkedFacts
from modelcheck.inputs import Inputs
from modelcheck.origin import Origin, Pick

CAPTURE_FILE = "capture.mcz"
RESULT_FILE = "result.json"
STACK_FILE = "stack.txt"
LONGEST_LINE = 2_000
MOST_LINES = 100
MOST_ENTRIES = 10_000
MOST_COUNTED = 2**63
_MOST_INDENT = 16


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the author's code may take, from the moment on when it starts: importing torch is not counted.

    Args:
        wall_s: time on the clock.
        cpu_s: processor time of one process, all threads together.
        memory_mib: memory of all processes of its group together; of one process its address space also, where the
            system limits that.
        file_mib: size of any one file, the capture's among them.
        open_files: at the same time.
        processes: and threads at the same time; only a sandbox can limit them, as others of the user's count as well.
        output_kib: how much of the end of what is printed is kept.
    """

    wall_s: float = 120.0
    cpu_s: int = 120
    memory_mib: int = 8192
    file_mib: int = 2048
    open_files: int = 256
    processes: int = 64
    output_kib: int = 16


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to capture.

    ``inputs`` is None where they are to be inferred; ``arguments`` are Python literals as text, as JSON has no tuples,
    bytes or infinities; ``folder`` is where the results go; ``path`` is where modules are looked for after all others.
    """

    target: str
    inputs: Inputs | None
    arguments: dict[str, str]
    seed: int
    pick: Pick | None
    folder: str
    path: tuple[str, ...]
    limits: Limits


class Captured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="is", tag="captured"):
    """The capture is in its file."""

    origin: Origin | None


class Refused(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="is", tag="refused"):
    """Nothing has the target's name, or what was asked for does not go with it."""

    message: str


class Failed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="is", tag="failed"):
    """The author's code could not be loaded, captured or run; ``code`` says in which step.

    ``walked`` and ``layers`` are what a walk over the modules told, where forward runs.
    """

    code: Annotated[str, Meta(pattern=r"^MC[0-9]{3}\Z")]
    message: str
    file: str | None
    line: Annotated[int, Meta(ge=0, le=10**9)] | None
    walked: WalkedFacts | None = None
    layers: tuple[Layer, ...] = ()
    origin: Origin | None = None


Answer = Captured | Refused | Failed


def encode_answer(answer: Answer) -> bytes:
    """The bytes of ``RESULT_FILE``."""
    return msgspec.json.encode(_cleaned(msgspec.to_builtins(answer)))


def decode_answer(data: bytes) -> Answer:
    """What the bytes say, with texts that are safe to show.

    Raises:
        ValueError: they do not follow the format, or say far too much.
    """
    try:
        return msgspec.convert(_cleaned(msgspec.to_builtins(msgspec.json.decode(data, type=Answer))), Answer)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _cleaned(value: Any) -> Any:
    """The value with every text in it made safe to show.

    Raises:
        ValueError: a list is too long.
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        if len(value) > MOST_ENTRIES:
            raise ValueError(f"it lists {len(value):,} entries")
        return [_cleaned(one) for one in value]
    if isinstance(value, int) and abs(value) > MOST_COUNTED:
        raise ValueError(f"it counts to {value:.3g}")
    return value


def clean(text: str) -> str:
    """The text with its line breaks, where every line is safe to show and not longer than a person reads."""
    lines = text.split("\n", MOST_LINES)[:MOST_LINES]
    return "\n".join(shown_line(line) for line in lines)


def shown_line(line: str, limit: int = LONGEST_LINE) -> str:
    """The line made safe to show, and as far indented as it was."""
    indent = min(len(line) - len(line.lstrip(" ")), _MOST_INDENT)
    return " " * indent + printable(line, limit)
