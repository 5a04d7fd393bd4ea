"""A script or a notebook as chunks, and which of them define a name."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from modelcheck.intake.notebook import NotANotebook, code_cells
from modelcheck.intake.text import decoded
from modelcheck.slicing.binding import Place, Statement
from modelcheck.slicing.chunks import Chunk, SetAside, cut, dedented

END: Place = (10**9, 0)  # after every statement
_DECORATOR = re.compile(r"^@(\w+)[ \t]*(?:\(|$)", re.MULTILINE)
# cell magics whose cell is Python all the same
_PYTHON_MAGICS = {
    "time",
    "timeit",
    "capture",
    "prun",
    "memit",
    "mprun",
    "snakeviz",
    "notify",
    "wandb",
    "heat",
}
_WRITTEN = re.compile(r"\s*%%(?:writefile|file)[ \t]+['\"]?(?:\./)?([\w-]+\.py)['\"]?[ \t]*(?=\n)")
_CELL_MAGIC = re.compile(r"\s*%%(\w+)[^\n]*")


class Unreadable(Exception):
    """A file that is no source; the text says what is wrong with it."""


@dataclass(frozen=True)
class Part:
    """The whole of a script, or one cell of a notebook, and the chunks that it was cut into."""

    file: str
    cell: int | None
    text: str
    chunks: tuple[Chunk, ...]
    set_aside: tuple[SetAside, ...]

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where in the text each chunk starts, and where the last one ends."""
        lines = (0, *(found.end() for found in re.finditer("\n", self.text)))
        return (*(lines[chunk.line - 1] for chunk in self.chunks), len(self.text))

    def place_at(self, offset: int) -> int:
        """Which chunk holds the character; -1 before the first one."""
        return min(bisect.bisect(self.starts, offset), len(self.chunks)) - 1


class Source:
    """The statements of one file, found by the names that they define.

    Args:
        path: the file.
        parts: the script, or the cells.
        written: the Python files that cells of a notebook write, by name.
    """

    def __init__(self, path: Path, parts: tuple[Part, ...], written: Mapping[str, Part] | None = None) -> None:
        self.path = path
        self.parts = parts
        self.written = written or {}
        self._defining: dict[str, tuple[Statement, ...]] = {}
        self._changing: dict[str, tuple[Statement, ...]] = {}

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """All chunks in order."""
        return tuple(chunk for part in self.parts for chunk in part.chunks)

    @cached_property
    def defined(self) -> dict[str, tuple[Chunk, ...]]:
        """The definitions of classes and functions by name, in order."""
        found: dict[str, list[Chunk]] = {}
        for chunk in self.chunks:
            if chunk.defines:
                found.setdefault(chunk.defines, []).append(chunk)
        return {name: tuple(chunks) for name, chunks in found.items()}

    def defining(self, name: str) -> tuple[Statement, ...]:
        """The statements that give the name a value, in order."""
        if name not in self._defining:
            self._defining[name], self._changing[name] = self._look_for(name)
        return self._defining[name]

    def changing(self, name: str) -> tuple[Statement, ...]:
        """The statements that change what the name stands for, in order."""
        self.defining(name)
        return self._changing[name]

    @cached_property
    def stars(self) -> tuple[Statement, ...]:
        """The statements that import everything from somewhere, in order."""
        return tuple(
            statement
            for chunk in self._mentioning(re.compile(r"\bimport\s*\(?\s*\*|^[ \t]*%run\b", re.MULTILINE))
            for statement in chunk.statements
            if "*" in statement.binds
        )

    def in_force(self, name: str, before: Place, running: frozenset[Place] = frozenset()) -> Statement | None:
        """The statement whose value the name has at a place: the last before it, else the first after it.

        What is only done when the file is run as a script, and what a working loop leaves behind, comes last.
        """
        found = [one for one in self.defining(name) if one.place not in running]
        if not found:
            return None
        earlier = [one for one in found if one.place < before]
        best = min(one.rank(name) for one in (earlier or found))
        ranked = [one for one in (earlier or found) if one.rank(name) == best]
        return ranked[-1] if earlier else ranked[0]

    def problem(self, name: str) -> SyntaxError | None:
        """The error in a statement that would define the name, were it Python."""
        pattern = re.compile(rf"^[ \t]*(?:(?:class|def|async[ \t]+def)[ \t]+{name}\b|{name}[ \t]*=)", re.MULTILINE)
        chunks = (chunk for chunk in self._mentioning(pattern) if not chunk.statements)
        return next((chunk.problem for chunk in chunks if chunk.problem), None)

    def _look_for(self, name: str) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
        pattern = _may_define(name)
        statements = [
            statement
            for chunk in self._mentioning(re.compile(rf"{re.escape(name)}(?!\w)"))
            if chunk.defines in (None, name) or chunk.text.startswith("@")
            if pattern.search(chunk.text) or re.search(r"\bfor\b", chunk.text)
            for statement in chunk.statements
        ]
        defining = tuple(one for one in statements if name in one.binds)
        changing = {one.place: one for one in statements if name in one.changes}
        if defining:
            changing |= {one.place: one for one in self._registering(name)}
        return defining, tuple(changing[place] for place in sorted(changing))

    def _registering(self, name: str) -> Iterator[Statement]:
        """The definitions whose decorator is a function of this file that mentions the name: ``@register``."""
        word = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
        for chunk in self._decorated:
            decorators = (chunk for one in _DECORATOR.findall(chunk.text) for chunk in self.defined.get(one, ()))
            if chunk.defines != name and any(not one.is_class and word.search(one.text) for one in decorators):
                yield from chunk.statements

    @cached_property
    def _decorated(self) -> tuple[Chunk, ...]:
        return tuple(chunk for chunk in self.chunks if chunk.defines and chunk.text.startswith("@"))

    def _mentioning(self, pattern: re.Pattern[str]) -> Iterator[Chunk]:
        for part in self.parts:
            found = pattern.search(part.text)
            while found:
                place = part.place_at(found.start())
                if place >= 0:
                    yield part.chunks[place]
                found = pattern.search(part.text, max(part.starts[place + 1], found.end()))


@cache
def _may_define(name: str) -> re.Pattern[str]:
    """Finds every place in a text where the name is defined or changed, and few others."""
    word = rf"(?<![\w.]){re.escape(name)}(?!\w)"
    return re.compile(
        rf"""
          {word}(?:\s|\\)*(?:=(?!=)|:=|:(?=[^\n]*=)|(?:[-+*/%&|^@]|//|\*\*|<<|>>)=)  # name = 1, name: int = 1, a += 1
        | ^[ \t]*[\w ,.*\[\]()]*?{word}[\w ,.*\[\]()]*=(?!=)                     # name, b = 1, 2
        | \b(?:as|class|def|import|global|case)\s+{word}
        | \bimport\b(?:[\w\t ,.*]|\\\n)*?{word}                                    # from x import a, name
        | \bimport\s*\([^)]*?{word}
        | \bcase\b[^\n]*{word}
        | (?:^|[;:,])[ \t]*{word}(?:\s|\\)*[.\[]                                    # name.x = 1, name.append(1)
        | \b(?:set|del)attr\(\s*{word}
        | ^@{word}\s*[.\[]
        """,
        re.MULTILINE | re.VERBOSE,
    )


def read(path: Path, content: bytes) -> Source:
    """The source that the bytes of a file are.

    Raises:
        Unreadable: a notebook that is none.
    """
    if path.suffix.lower() != ".ipynb":
        text = decoded(content)
        chunks, aside = cut(text, str(path))
        return Source(path, (Part(str(path), None, text, tuple(chunks), tuple(aside)),))
    try:
        cells = code_cells(content)
    except NotANotebook as error:
        raise Unreadable(str(error)) from None
    parts: list[Part] = []
    written: dict[str, Part] = {}
    count = 0
    for cell in cells:
        file = cell_file(path, cell.number)
        magic = _CELL_MAGIC.match(cell.text)
        foreign = magic is not None and magic[1] not in _PYTHON_MAGICS
        if name := _WRITTEN.match(cell.text):
            text = cell.text[: name.end()].count("\n") * "\n" + cell.text[name.end() :]
            own, lines = cut(text, file)
            written[name[1]] = Part(file, cell.number, text, tuple(own), tuple(lines))
        chunks, aside = (
            ([], [SetAside(f"{magic[0].strip()} …", 1)]) if foreign and magic else cut(dedented(cell.text), file, count)
        )
        count += len(chunks)
        parts.append(Part(file, cell.number, cell.text, tuple(chunks), tuple(aside)))
    return Source(path, tuple(parts), written)


def cell_file(path: Path, number: int) -> str:
    """What the code of a notebook's cell is called in tracebacks."""
    return f"{path}, cell {number}"
