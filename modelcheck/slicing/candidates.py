"""The classes in an author's files that could be the model, and what the files do with each of them; nothing is run."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from modelcheck.slicing.binding import Statement, leaves
from modelcheck.slicing.chunks import Chunk
from modelcheck.slicing.project import Project
from modelcheck.slicing.source import Unreadable

_TEST_NAME = re.compile(r"(?:^|[/\\])(?:tests?[/\\].*|test_[^/\\]*|[^/\\]*_test)\.py$", re.IGNORECASE)
_TEST_TEXT = re.compile(r"^[ \t]*(?:def test_|(?:import|from)[ \t]+(?:pytest|unittest)\b)", re.MULTILINE)
_SCRIPT = re.compile(r"(?:train|main|run|app|eval|test).*\.(?:py|ipynb)", re.IGNORECASE)
_ENTRY = re.compile(r"_*(?:main|train|test|run|fit|eval|demo|cli|objective|experiment)", re.IGNORECASE)
_CLASS = re.compile(r"^[ \t]*class[ \t]", re.MULTILINE)
_MODULE = re.compile(r"(?:Module|(?:^|\.)Sequential|(?:^|\.)ModuleList)$")
_LAYER = re.compile(r"^(?:torch\.)?nn\.")
_MAKER = re.compile(
    r"^[ \t]+class[ \t]+\w+[ \t]*\([^)\n]*Module\)|^[ \t]+return[ \t]+(?:torch\.)?nn\.Sequential\(", re.MULTILINE
)
_BROKEN = re.compile(r"class[ \t]+\w+[ \t]*\([^)\n]*(?:Module|Sequential)\b")
_ASSIGNED = re.compile(
    r"^(\w+)[ \t]*(?::[^=\n]+)?=[ \t]*(?:torch[ \t]*\.[ \t]*)?(?:nn[ \t]*\.[ \t]*)?Sequential[ \t]*\("
)

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

_DEEPEST = 3  # packages that import from packages

Key = tuple[Path, str]  # a file, and a name that it defines


@dataclass(frozen=True)
class Use:
    """A call of a candidate in the author's files, outside of other candidates.

    Args:
        path: of the file in which it stands.
        user: of the file that makes it happen: another one, where it stands in a function that is called from there.
        file: what tracebacks call its file, or its cell.
        line: in it.
        call: with the arguments.
        local: names that mean something else there: the function's own.
        within: the top-level function in which it stands.
        variable: what it is assigned to.
    """

    path: Path
    user: Path
    file: str
    line: int
    call: ast.Call
    local: frozenset[str]
    within: str | None
    variable: str | None


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
    def key(self) -> Key:
        """What tells candidates apart: of several definitions in a file the last is the one."""
        return self.path, self.name


class Candidates:
    """All candidates of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._renamed: dict[Path, dict[str | None, str]] = {}

    @cached_property
    def all(self) -> tuple[Candidate, ...]:
        """The classes of modules by file and place.

        Where there are none, the functions that define one and the variables that hold a ``Sequential``; else the
        classes that only change a layer.
        """
        classes: dict[Key, Candidate] = {}
        bases: dict[str, list[str]] = {}
        for path, chunk in self._chunks():
            for statement in chunk.statements if _CLASS.search(chunk.text) else ():
                for node in leaves(statement.node):
                    if isinstance(node, ast.ClassDef) and node.bases:
                        bases.setdefault(node.name, []).extend(map(ast.unparse, node.bases))
                        classes.pop((path, node.name), None)
                        classes[path, node.name] = Candidate(path, node.name, statement, node)
        models, layers = _derived(bases, _MODULE), _derived(bases, _LAYER)
        found = [one for one in classes.values() if one.name in models]
        return tuple(found or self._makers() or [one for one in classes.values() if one.name in layers])

    def _makers(self) -> list[Candidate]:
        found: dict[Key, Candidate] = {}
        for path, chunk in self._chunks():
            variable = _ASSIGNED.match(chunk.text)
            makes = chunk.defines and not chunk.is_class and _MAKER.search(chunk.text)
            name = variable[1] if variable else chunk.defines if makes else None
            if name and chunk.statements:
                found[path, name] = Candidate(path, name, chunk.statements[0], chunk.statements[0].node)
        return list(found.values())

    @cached_property
    def broken(self) -> tuple[Chunk, ...]:
        """The definitions of classes of modules that are no Python."""
        return tuple(
            chunk for _, chunk in self._chunks() if _BROKEN.match(chunk.text) and not chunk.statements and chunk.problem
        )

    def _chunks(self) -> Iterator[tuple[Path, Chunk]]:
        for path in list(self.project.files):
            try:
                source = self.project.source(path)
            except Unreadable:  # what a folder holds besides
                continue
            yield from ((path, chunk) for chunk in source.chunks)

    @cached_property
    def parts(self) -> dict[Key, frozenset[Path]]:
        """The candidates that others are made of or derived from, with the files of these."""
        found = {
            one.key: frozenset(other.path for other in self.all if one.name != other.name and self._refers(other, one))
            for one in self.all
        }
        return {key: paths for key, paths in found.items() if paths}

    def is_part(self, one: Candidate) -> bool:
        """Whether it is only there for others: no file makes it by itself, but perhaps its own to try it out."""
        around = self.parts.get(one.key)
        if around is None:
            return False
        users = {use.user for use in self.uses[one.key]}
        return not any(user != one.path or user in around or self.is_script(user) for user in users)

    def _refers(self, other: Candidate, one: Candidate) -> bool:
        if other.path != one.path and any(two.key == (other.path, one.name) for two in self.all):
            return False  # that file has its own
        helpers = {use.within for use in self.calls[one.key] if use.within}
        return not _words(other.node).isdisjoint({one.name, *helpers})

    @cached_property
    def calls(self) -> dict[Key, tuple[Use, ...]]:
        """Where each candidate is called, by functions and top-level statements, whether these are called or not."""
        return self._calls_of([one.key for one in self.all])

    @cached_property
    def uses(self) -> dict[Key, tuple[Use, ...]]:
        """The calls that happen when the author's files are run.

        One in a function counts where that is called, or is what a program starts with (``main``, ``train``). Of
        several that a script assigns to one variable the last one does.
        """
        makers = {(use.path, use.within) for uses in self.calls.values() for use in uses if use.within}
        callers = self._calls_of([(path, name) for path, name in makers if name])
        found: dict[Key, list[Use]] = {}
        for key, uses in self.calls.items():
            happening = found[key] = []
            for use in uses:
                called = callers.get((use.path, use.within), ()) if use.within else ()
                happening += [dataclasses.replace(use, user=one.path) for one in called if one.within != use.within]
                if not use.within or (not called and _ENTRY.match(use.within)):
                    happening.append(use)
        last: dict[tuple[Path, str | None, str], int] = {}
        for use in (use for uses in found.values() for use in uses if use.variable and use.path.suffix == ".py"):
            place = use.path, use.within, use.variable or ""
            last[place] = max(use.line, last.get(place, 0))
        return {
            key: tuple(
                use for use in uses if last.get((use.path, use.within, use.variable or ""), use.line) == use.line
            )
            for key, uses in found.items()
        }

    def calls_of(self, path: Path, name: str) -> tuple[Use, ...]:
        """The calls of what a name means in a file: of its own definition, or of the one that it imports."""
        meant = self._meant(path, ast.Name(name), [one.key for one in self.all])
        return tuple(use for key in meant for use in self.calls[key])

    def _calls_of(self, keys: Sequence[Key]) -> dict[Key, tuple[Use, ...]]:
        """Where the files call what these files define under these names."""
        found: dict[Key, list[Use]] = {key: [] for key in keys}
        names = {name for _, name in keys}
        own = {id(one.node) for one in self.all}
        for path, chunk in self._chunks():
            known = names | {alias for alias, name in self._aliases(path).items() if name in names}
            if not _called(frozenset(known)).search(chunk.text):
                continue
            for statement in chunk.statements:
                within = getattr(statement.node, "name", None) if isinstance(statement.node, _FUNCTIONS) else None
                for call, local, variable in _calls(statement.node, own):
                    for key in self._meant(path, call.func, keys):
                        use = Use(path, path, chunk.file, call.lineno, call, local, within, variable)
                        found[key].append(use)
        return {key: tuple(uses) for key, uses in found.items()}

    def _meant(self, path: Path, function: ast.expr, keys: Sequence[Key]) -> Iterator[Key]:
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

    def is_test(self, path: Path) -> bool:
        """Whether a file is called like tests and holds some."""
        shown = str(path.relative_to(self.project.root)) if path.is_relative_to(self.project.root) else path.name
        if not _TEST_NAME.search(shown):
            return False
        return any(_TEST_TEXT.search(chunk.text) for chunk in self.project.source(path).chunks)

    def is_script(self, path: Path) -> bool:
        """Whether a file's name says that it is what one runs."""
        return bool(_SCRIPT.search(path.name))

    def like(self, one: Candidate) -> str:
        """Equal for candidates that are written alike, with the parts that they are made of."""
        parts = [other for other in self.all if other.path == one.path and other.name in _words(one.node)]
        return "\n".join(ast.dump(each.node) for each in (*parts, one))


def _derived(bases: Mapping[str, Sequence[str]], base: re.Pattern[str]) -> set[str]:
    """The names of the classes that derive from such a base, in other files and through others too."""
    found: set[str] = set()
    while True:  # a class may be defined before its base
        more = {
            name
            for name, dotted in bases.items()
            if name not in found and any(base.search(each) or each.rpartition(".")[2] in found for each in dotted)
        }
        if not more:
            return found
        found |= more


@cache
def _called(names: frozenset[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(names))) or '(?!)'})\s*\(")


def _words(node: ast.stmt) -> frozenset[str]:
    """The names that a definition mentions, its own apart."""
    names = (getattr(inner, "id", None) or getattr(inner, "attr", None) for inner in ast.walk(node))
    return frozenset(name for name in names if name)


def _calls(
    node: ast.AST, own: set[int], local: frozenset[str] = frozenset(), variable: str | None = None
) -> Iterator[tuple[ast.Call, frozenset[str], str | None]]:
    """The calls in a statement, candidates apart.

    With the names that are local to the functions around each, and the variable that it is assigned to.
    """
    if id(node) in own and isinstance(node, ast.ClassDef):
        return
    if isinstance(node, (*_FUNCTIONS, ast.Lambda)):
        arguments = node.args
        local |= {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        local |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        variable = node.targets[0].id
    if isinstance(node, ast.Call):
        yield node, local, variable
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, own, local, variable)
