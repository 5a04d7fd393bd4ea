"""Finds the definition that a target names, in a file or in the files of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelcheck.author_trace import author_code, printable, shown_path
from modelcheck.errors import LoadError
from modelcheck.slicing.binding import Place as Position
from modelcheck.slicing.candidates import Candidate
from modelcheck.slicing.chunks import Chunk
from modelcheck.slicing.project import namespace_of
from modelcheck.slicing.source import END, Source, Unreadable
from modelcheck.target.place import MOST_LISTED, TargetNotFound, nearest
from modelcheck.target.submission import Submission


@dataclass(frozen=True)
class Definition:
    """A definition in a file, and up to which statement its functions see the file's names."""

    path: Path
    name: str
    chunk: Chunk
    end: Position

    def value(self, submission: Submission) -> Any:
        """What it defines, executed with what it needs."""
        module = submission.project.module(self.path)
        with author_code(LoadError, f"{shown_path(self.chunk.file)} could not be loaded"):
            if not self.chunk.statements and self.chunk.problem:
                raise self.chunk.problem
            for statement in self.chunk.statements:
                if self.name in statement.binds:
                    return namespace_of(module).define(self.name, statement, self.end)
            return namespace_of(module)[self.name]


def in_the_file(submission: Submission) -> Definition:
    """The definition in the one file that the target names."""
    assert submission.file is not None
    return _in_file(submission, submission.source(), submission.file, _head(submission))


def candidates_named(submission: Submission) -> list[Candidate]:
    """The candidates in a folder that have the target's name."""
    return [one for one in submission.among if one.name == _head(submission)]


def in_the_folder(submission: Submission) -> Definition:
    """The one definition in a folder that has the target's name, and the line or cell that it asks for.

    Raises:
        TargetNotFound: there is none, or there are several.
    """
    named = candidates_named(submission)
    found = [one for one in (_chosen_in(submission, candidate) for candidate in named) if one is not None]
    if not named:
        found = _anywhere(submission, _head(submission))
    if len(found) == 1:
        return found[0]
    if not found:
        raise TargetNotFound(_no_such_name(submission, _head(submission)))
    files = ", ".join(shown_path(one.path) for one in found[:MOST_LISTED])
    where = printable(submission.place.where)
    raise TargetNotFound(f"{where}: {printable(submission.place.name)} is in {files}: name the file too")


def definition_of(one: Candidate) -> Definition:
    """A candidate's definition, as the file leaves it."""
    return Definition(one.path, one.name, one.chunk, END)


def _head(submission: Submission) -> str:
    return submission.place.name.split(".")[0]


def _anywhere(submission: Submission, name: str) -> list[Definition]:
    """Functions and variables of that name in a folder."""
    found = []
    for path in submission.project.files:
        try:
            source = submission.project.source(path)
        except Unreadable:
            continue
        if any(not statement.imports(name) for statement in source.defining(name)):
            found.append(_in_file(submission, source, path, name))
    return found


def _chosen_in(submission: Submission, one: Candidate) -> Definition | None:
    try:
        return _in_file(submission, submission.project.source(one.path), one.path, one.name)
    except TargetNotFound:
        return None


def _in_file(submission: Submission, source: Source, path: Path, name: str) -> Definition:
    """The definition of a name in a file: the last one, or the one at the line or in the cell that is asked for."""
    place = submission.place
    chunks = list(source.defined.get(name, ()))
    sound = [chunk for chunk in chunks if chunk.statements]
    if source.path.suffix.lower() == ".ipynb" and sound:
        chunks = sound  # a cell that is no Python defines nothing
    if place.line or place.cell:
        chosen = [chunk for chunk in chunks if _is_at(source, chunk, place.line, place.cell)]
        if not chosen:
            raise TargetNotFound(_not_there(submission, source, name, chunks))
        return _definition(path, name, chosen[-1], chunks)
    if chunks:
        return _definition(path, name, chunks[-1], chunks)
    statements = source.defining(name)
    if statements:
        return Definition(path, name, source.chunks[statements[-1].place[0]], END)
    module = submission.project.module(path)
    with author_code(LoadError, f"{shown_path(path)} could not be loaded"):
        if not hasattr(module, name):
            raise TargetNotFound(_no_such_name(submission, name))
    return Definition(path, name, source.chunks[0], END)


def _is_at(source: Source, chunk: Chunk, line: int | None, cell: int | None) -> bool:
    part = next(part for part in source.parts if chunk in part.chunks)
    if cell is not None:
        return part.cell == cell
    assert line is not None
    last = chunk.line + chunk.text.rstrip().count("\n")
    return part.cell is None and chunk.line <= line <= last


def _definition(path: Path, name: str, chunk: Chunk, chunks: Sequence[Chunk]) -> Definition:
    later = [other.index for other in chunks if other.index > chunk.index]
    return Definition(path, name, chunk, (later[0], 0) if later else END)


def _not_there(submission: Submission, source: Source, name: str, chunks: Sequence[Chunk]) -> str:
    where = printable(submission.place.where)
    wanted = f"cell {submission.place.cell}" if submission.place.cell else f"line {submission.place.line}"
    cells = {chunk.index: part.cell for part in source.parts for chunk in part.chunks}
    places = [f"@cell{cells[one.index]}" if cells[one.index] else f"@{one.line}" for one in chunks]
    if not places:
        return _no_such_name(submission, name)
    there = ", ".join(f"{printable(submission.place.where)}:{name}{at}" for at in places[:MOST_LISTED])
    return f"{where}: no definition of {printable(name)} in {wanted}; there are {there}"


def _no_such_name(submission: Submission, name: str) -> str:
    place = submission.place
    known: set[str] = set()
    for path in [submission.file] if submission.file else submission.project.files:
        try:
            known |= _names(submission.project.source(path))
        except Unreadable:
            continue
    line = f"{printable(place.where)} has no '{printable(name)}'"
    if near := nearest(name, known):
        line += "; did you mean " + " or ".join(map(printable, near)) + "?"
    models = [submission.target(one) for one in submission.among]
    listed = [f"  {model}" for model in models[:MOST_LISTED]]
    return "\n".join([line, *(["the models there:", *listed] if models else [])])


def _names(source: Source) -> set[str]:
    return {name for chunk in source.chunks for statement in chunk.statements for name in statement.binds} - {"*"}
