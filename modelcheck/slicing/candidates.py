"""The classes in an author's files that could be the model, and what the files do with each of them; nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from modelcheck.slicing.binding import Statement, leaves
from modelcheck.slicing.chunks import Chunk
from modelcheck.slicing.project import Project
from modelcheck.slicing.source import Unreadable

_TEST = re.compile(r"(?:^|[/\\])(?:tests?[/\\].*|test_[^/\\]*|[^/\\]*_test)\.py$", re.IGNORECASE)
_SCRIPT = re.compile(r"(?:train|main|run|app|eval|test).*\.(?:py|ipynb)", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"^(\w+)[ \t]*(?::[^=\n]+)?=[ \t]*(?:torch[ \t]*\.[ \t]*)?(?:nn[ \t]*\.[ \t]*)?Sequential[ \t]*\("
)


_CLASS = re.compile(r"^[ \t]*class[ \t]", re.MULTILINE)


@dataclass(frozen=True)
class Use:
    """A call of a candidate in the author's files, outside of other candidates."""

    path: Path
    file: str
    line: int
    call: ast.Call
    local: frozenset[str]  # names that mean something else there: the function's own
    is_test: bool


@dataclass(frozen=True)
class Candidate:
    """A definition that could be the model.

    Args:
        path: of its file.
        name: of the class, or of the variable that holds a ``Sequential``.
        statement: the top-level statement that defines it.
        node: the definition itself, which that statement is or holds.
    """

    path: Path
    name: str
    statement: Statement
    node: ast.stmt

    @property
    def key(self) -> tuple[Path, str]:
        """What tells candidates apart: of several definitions in a file the last is the one."""
        return self.path, self.name


class Candidates:
    """All candidates of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.unreadable: dict[Path, str] = {}

    @cached_property
    def all(self) -> tuple[Candidate, ...]:
        """The classes of modules by file and place; where there are none, the variables that hold a ``Sequential``."""
        classes: dict[tuple[Path, str], Candidate] = {}
        for path, chunk in self._chunks():
            for statement in chunk.statements if _CLASS.search(chunk.text) else ():
                for node in leaves(statement.node):
                    if isinstance(node, ast.ClassDef) and node.bases:
                        classes.pop((path, node.name), None)
                        classes[path, node.name] = Candidate(path, node.name, statement, node)
        models: set[str] = set()
        while True:  # a class may be defined before its base, or in another file
            more = {one.name for one in classes.values() if one.name not in models and _is_module(one.node, models)}
            if not more:
                break
            models |= more
        found = [one for one in classes.values() if _is_module(one.node, models)]
        return tuple(found) or tuple(self._variables())

    def _chunks(self) -> Iterator[tuple[Path, Chunk]]:
        for path in self.project.files:
            try:
                source = self.project.source(path)
            except Unreadable as error:
                self.unreadable[path] = str(error)
                continue
            yield from ((path, chunk) for chunk in source.chunks)

    def _variables(self) -> Iterator[Candidate]:
        found: dict[tuple[Path, str], Candidate] = {}
        for path, chunk in self._chunks():
            if not chunk.defines and (match := _ASSIGNED.match(chunk.text)):
                for statement in chunk.statements[:1]:
                    found[path, match[1]] = Candidate(path, match[1], statement, statement.node)
        yield from found.values()

    @cached_property
    def parts(self) -> frozenset[tuple[Path, str]]:
        """The candidates that another one is made of or derived from."""
        return frozenset(
            one.key
            for one in self.all
            for other in self.all
            if other.key != one.key and one.name != other.name and self._refers(other, one)
        )

    def _refers(self, other: Candidate, one: Candidate) -> bool:
        if other.path != one.path and any(two.key == (other.path, one.name) for two in self.all):
            return False  # that file has its own
        return one.name in _words(other.node)

    @cached_property
    def uses(self) -> dict[tuple[Path, str], tuple[Use, ...]]:
        """Where each candidate is called, by functions and top-level statements."""
        found: dict[tuple[Path, str], list[Use]] = {one.key: [] for one in self.all}
        names = {one.name for one in self.all}
        own = {id(one.node) for one in self.all}
        calls = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(names)))})\s*\(") if names else None
        for path, chunk in self._chunks():
            if calls is None or not calls.search(chunk.text):
                continue
            for statement in chunk.statements:
                for call, local in _calls(statement.node, own):
                    for candidate in self._meant(path, call.func, names):
                        use = Use(path, chunk.file, call.lineno, call, local, self.is_test(path))
                        found[candidate.key].append(use)
        return {key: tuple(uses) for key, uses in found.items()}

    def _meant(self, path: Path, function: ast.expr, names: set[str]) -> Iterator[Candidate]:
        """The candidates that a called expression may mean in a file: its own, or those that it imports."""
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", None)
        if name not in names:
            return
        same = [one for one in self.all if one.name == name]
        own = [one for one in same if one.path == path]
        if own and isinstance(function, ast.Name):
            yield own[0]
            return
        root = function
        while isinstance(root, ast.Attribute):
            root = root.value
        imported = self._imported(path, root.id) if isinstance(root, ast.Name) else set()
        meant = [one for one in same if one.path in imported]
        yield from meant or (same if len(same) == 1 and not own else [])

    def _imported(self, path: Path, name: str) -> set[Path]:
        """The files of the project from which a name in a file may come, through packages too."""
        source = self.project.source(path)
        found: set[Path] = set()
        for statement in (*source.defining(name), *source.stars):
            for node in leaves(statement.node):
                found |= self._files_of(path, node)
        return found

    def _files_of(self, importer: Path, node: ast.stmt, depth: int = 0) -> set[Path]:
        if isinstance(node, ast.ImportFrom):
            names = [(f"{node.module}." if node.module else "") + alias.name for alias in node.names]
            dotted, level = [*([node.module] if node.module else []), *names], node.level
        elif isinstance(node, ast.Import):
            dotted, level = [alias.name for alias in node.names], 0
        else:
            return set()
        found = {path for name in dotted if (path := self.project.locate(importer, name, level)) is not None}
        for package in list(found):
            if package.name == "__init__.py" and depth < 3:
                for chunk in self.project.source(package).chunks:
                    for statement in chunk.statements if "import" in chunk.text else ():
                        found |= self._files_of(package, statement.node, depth + 1)
        return found

    def is_test(self, path: Path) -> bool:
        """Whether a file's name, or its folder's, says that it holds tests."""
        return bool(_TEST.search(str(path.relative_to(self.project.root))))

    def is_script(self, path: Path) -> bool:
        """Whether a file's name says that it is what one runs."""
        return bool(_SCRIPT.search(path.name))

    def like(self, one: Candidate) -> str:
        """Equal for candidates that are written alike, with the parts that they are made of."""
        parts = [other for other in self.all if other.path == one.path and other.name in _words(one.node)]
        return "\n".join(ast.dump(each.node) for each in (*parts, one))


def _is_module(node: ast.stmt, models: set[str]) -> bool:
    for base in node.bases if isinstance(node, ast.ClassDef) else ():
        dotted = ast.unparse(base)
        last = dotted.rpartition(".")[2]
        if last in models:
            return True
        if last.endswith("Module") or last in ("Sequential", "ModuleList") or re.match(r"(?:torch\.)?nn\.", dotted):
            return True
    return False


def _words(node: ast.stmt) -> frozenset[str]:
    """The names that a definition mentions, its own apart."""
    names = (getattr(inner, "id", None) or getattr(inner, "attr", None) for inner in ast.walk(node))
    return frozenset(name for name in names if name)


def _calls(
    node: ast.AST, own: set[int], local: frozenset[str] = frozenset()
) -> Iterator[tuple[ast.Call, frozenset[str]]]:
    """The calls in a statement, candidates apart, with the names that are local to the functions around them."""
    if id(node) in own and isinstance(node, ast.ClassDef):
        return
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        arguments = node.args
        local |= {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        local |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    if isinstance(node, ast.Call):
        yield node, local
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, own, local)
