"""Where the author's files call what some of them define, through imports and other names too; nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from modelcheck.slicing.binding import Place, leaves
from modelcheck.slicing.chunks import Chunk
from modelcheck.slicing.project import Project
from modelcheck.slicing.source import END, Unreadable

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEEPEST = 3  # packages that import from packages

Key = tuple[Path, str]  # a file, and a name that it defines


@dataclass(frozen=True)
class Use:
    """A call in the author's files of what one of them defines.

    Args:
        path: of the file in which it stands.
        user: of the file that makes it happen: another one, where it stands in a function that is called from there.
        file: what tracebacks call its file, or its cell.
        line: in it.
        call: with the arguments.
        local: names that mean something else there: the function's own.
        within: the top-level function in which it stands.
        variable: what it is assigned to.
        block: which block of statements the assignment stands in.
        place: of the statement; the end of the file for one in a function.
    """

    path: Path
    user: Path
    file: str
    line: int
    call: ast.Call
    local: frozenset[str]
    within: str | None
    variable: str | None
    block: int
    place: Place


class Calls:
    """The calls in a project's files.

    Args:
        project: the files.
        apart: the definitions in which no call counts.
    """

    def __init__(self, project: Project, apart: Collection[ast.stmt]) -> None:
        self.project = project
        self._apart = {id(node) for node in apart}
        self._renamed: dict[Path, dict[str | None, str]] = {}

    def of(self, keys: Sequence[Key]) -> dict[Key, tuple[Use, ...]]:
        """Where the files call what these files define under these names."""
        found: dict[Key, list[Use]] = {key: [] for key in keys}
        names = {name for _, name in keys}
        for path, chunk in chunks_of(self.project):
            known = names | {alias for alias, name in self._aliases(path).items() if name in names}
            if not _called(frozenset(known)).search(chunk.text):
                continue
            for statement in chunk.statements:
                within = getattr(statement.node, "name", None) if isinstance(statement.node, _FUNCTIONS) else None
                place = END if within else statement.place
                for call, local, variable, block in _calls(statement.node, self._apart):
                    for key in self.meant(path, call.func, keys):
                        use = Use(path, path, chunk.file, call.lineno, call, local, within, variable, block, place)
                        found[key].append(use)
        return {key: tuple(uses) for key, uses in found.items()}

    def meant(self, path: Path, function: ast.expr, keys: Sequence[Key]) -> Iterator[Key]:
        """What a called expression may mean in a file: its own definition, or those that it imports."""
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", None)
        meaning = self._aliases(path).get(name, name) if isinstance(function, ast.Name) else name
        same = [key for key in keys if key[1] == meaning]
        if not same:
            return
        if isinstance(function, ast.Name) and (path, name) in same:
            yield path, function.id
            return
        root = function
        while isinstance(root, ast.Attribute):
            root = root.value
        imported = self._imported(path, root.id) if isinstance(root, ast.Name) else set()
        meant = [key for key in same if key[0] in imported]
        yield from meant or (same if len(same) == 1 and same[0][0] != path else [])

    def _aliases(self, path: Path) -> dict[str | None, str]:
        """What a file imports under another name: the name there, and its own."""
        if path not in self._renamed:
            self._renamed[path] = {
                alias.asname: alias.name
                for chunk in self.project.source(path).chunks
                if chunk.defines is None and re.search(r"\bimport\b[^\n]*\bas\b", chunk.text)
                for statement in chunk.statements
                for node in leaves(statement.node)
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
                if alias.asname
            }
        return self._renamed[path]

    def _imported(self, path: Path, name: str) -> set[Path]:
        """The files of the project from which a name in a file may come, through packages too."""
        source = self.project.source(path)
        found: set[Path] = set()
        for statement in (*source.defining(name), *source.stars):
            for node in leaves(statement.node):
                found |= self._files_of(path, node)
        return found

    def _files_of(self, importer: Path, node: ast.stmt, depth: int = 0) -> set[Path]:
        found = self.project.imported(importer, node)
        for package in list(found):
            if package.name == "__init__.py" and depth < _DEEPEST:
                for chunk in self.project.source(package).chunks:
                    for statement in chunk.statements if "import" in chunk.text else ():
                        found |= self._files_of(package, statement.node, depth + 1)
        return found


def chunks_of(project: Project) -> Iterator[tuple[Path, Chunk]]:
    """The chunks of all files that can be read."""
    for path in list(project.files):
        try:
            source = project.source(path)
        except Unreadable:  # what a folder holds besides
            continue
        yield from ((path, chunk) for chunk in source.chunks)


@cache
def _called(names: frozenset[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(names))) or '(?!)'})\s*\(")


def _calls(
    node: ast.AST,
    apart: set[int],
    local: frozenset[str] = frozenset(),
    variable: str | None = None,
    block: int = 0,
) -> Iterator[tuple[ast.Call, frozenset[str], str | None, int]]:
    """The calls in a statement, definitions apart.

    With the names that are local to the functions around each, the variable that it is assigned to, and the block.
    """
    if id(node) in apart and isinstance(node, ast.ClassDef):
        return
    if isinstance(node, (*_FUNCTIONS, ast.Lambda)):
        arguments = node.args
        local |= {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        local |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        variable = node.targets[0].id
    if isinstance(node, ast.Call):
        yield node, local, variable, block
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                inner = hash((id(node), name)) if isinstance(child, ast.stmt) else block
                yield from _calls(child, apart, local, variable, inner)
