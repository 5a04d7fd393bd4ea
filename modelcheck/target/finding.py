"""Finds the definition that a target names, in a file or in the files of a folder."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelcheck.author_trace import author_code, printable, shown_path
from modelcheck.errors import LoadError
from modelcheck.slicing.author_module import namespace_of
from modelcheck.slicing.binding import Place as Position
from modelcheck.slicing.binding import Statement, leaves
from modelcheck.slicing.candidates import Candidate
from modelcheck.slicing.namespace import NotDefined
from modelcheck.slicing.source import END, Source, Unreadable
from modelcheck.target.place import MOST_LISTED, TargetNotFound, nearest
from modelcheck.target.submission import Submission

_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_Found = tuple[Statement, ast.stmt]  # a top-level statement, and the definition in it


@dataclass(frozen=True)
class Definition:
    """A definition in a file.

    Args:
        path: of the file.
        name: what it defines.
        statement: the top-level statement that does so; None where the name comes from an import of everything.
        line: where it starts.
        end: up to where in the file its functions see the file's names.
    """

    path: Path
    name: str
    statement: Statement | None
    line: int
    end: Position = END

    @property
    def file(self) -> str:
        """What tracebacks call its file, or its cell."""
        return self.statement.file if self.statement else str(self.path)

    def value(self, submission: Submission) -> Any:
        """What it defines, executed with what it needs."""
        namespace = namespace_of(submission.project.module(self.path))
        with author_code(LoadError, f"{printable(self.name)} could not be loaded", LoadError):
            if self.statement is None:
                return namespace[self.name]
            try:
                return namespace.define(self.name, self.statement, self.end)
            except NotDefined:
                where = f"{shown_path(self.file)}, line {self.line}"
                text = (
                    f"{printable(self.name)} could not be loaded: the statement in {where} does not define it when run"
                )
                raise LoadError(text, file=shown_path(self.file), line=self.line) from None


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
    return Definition(one.path, one.name, one.statement, first_line(one.node))


def first_line(node: ast.stmt) -> int:
    """Where a definition starts, with its decorators."""
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])


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
    found = [
        (statement, node)
        for statement in source.defining(name)
        for node in leaves(statement.node)
        if isinstance(node, _DEFINITIONS) and node.name == name
    ]
    if place.line or place.cell:
        chosen = [one for one in found if _is_at(source, *one, place.line, place.cell)]
        if not chosen:
            raise TargetNotFound(_not_there(submission, source, name, found))
        return _definition(path, name, chosen[-1], found)
    aliases = [one for one in source.defining(name) if one.only_names(name)]
    if found and aliases and aliases[-1].place > found[-1][0].place:  # Net = BigNet
        return Definition(path, name, aliases[-1], aliases[-1].node.lineno)
    broken = [chunk for chunk in source.defined.get(name, ()) if not chunk.statements]
    if found and not (path.suffix == ".py" and broken and broken[-1].index > found[-1][0].place[0]):
        return _definition(path, name, found[-1], found)
    if broken:  # in a notebook such a cell defines nothing; a script with it does not run
        with author_code(LoadError, f"{shown_path(path)} could not be loaded"):
            raise broken[-1].problem or SyntaxError(name)
    if statements := source.defining(name):
        return Definition(path, name, statements[-1], statements[-1].node.lineno)
    module = submission.project.module(path)
    with author_code(LoadError, f"{shown_path(path)} could not be loaded", TargetNotFound):
        if not hasattr(module, name):
            raise TargetNotFound(_no_such_name(submission, name))
    return Definition(path, name, None, 1)


def _is_at(source: Source, statement: Statement, node: ast.stmt, line: int | None, cell: int | None) -> bool:
    if cell is not None:
        return _cell(source, statement) == cell
    assert line is not None
    return _cell(source, statement) is None and first_line(node) <= line <= (node.end_lineno or node.lineno)


def _cell(source: Source, statement: Statement) -> int | None:
    return next((part.cell for part in source.parts if part.file == statement.file), None)


def _definition(path: Path, name: str, chosen: _Found, found: Sequence[_Found]) -> Definition:
    statement, node = chosen
    later = [other.place for other, _ in found if other.place > statement.place]
    return Definition(path, name, statement, first_line(node), later[0] if later else END)


def _not_there(submission: Submission, source: Source, name: str, found: Sequence[_Found]) -> str:
    where = printable(submission.place.where)
    wanted = f"cell {submission.place.cell}" if submission.place.cell else f"line {submission.place.line}"
    if not found:
        return _no_such_name(submission, name)
    cells = [_cell(source, statement) for statement, _ in found]
    places = [f"cell{cell}" if cell else str(first_line(node)) for cell, (_, node) in zip(cells, found, strict=True)]
    there = ", ".join(submission.place.target(f"{name}@{place}") for place in places[:MOST_LISTED])
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
