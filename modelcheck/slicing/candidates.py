"""The classes in an author's files that could be the model, and what the files do with each of them; nothing is run."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from modelcheck.slicing.binding import Statement, leaves
from modelcheck.slicing.calls import Calls, Key, Use, chunks_of
from modelcheck.slicing.chunks import Chunk
from modelcheck.slicing.project import Project

_TEST_NAME = re.compile(r"(?:^|[/\\])(?:tests?[/\\].*|test_[^/\\]*|[^/\\]*_test)\.py$", re.IGNORECASE)
_TEST_TEXT = re.compile(r"^[ \t]*(?:def test_|(?:import|from)[ \t]+(?:pytest|unittest)\b)", re.MULTILINE)
_SCRIPT = re.compile(r"(?:train|main|run|app|eval|test).*\.(?:py|ipynb)", re.IGNORECASE)
_ENTRY = re.compile(r"_*(?:main|train|test|run|fit|eval|demo|cli|objective|experiment)", re.IGNORECASE)
_CLASS = re.compile(r"^[ \t]*class[ \t]", re.MULTILINE)
_MODULE = re.compile(r"(?:(?<!Data)Module|(?:^|\.)Sequential|(?:^|\.)ModuleList)$")
_LAYER = re.compile(r"^(?:torch\.)?nn\.")
_MAKER = re.compile(
    r"^[ \t]+class[ \t]+\w+[ \t]*\([^)\n]*Module\)|^[ \t]+return[ \t]+(?:torch\.)?nn\.Sequential\(", re.MULTILINE
)
_OF_ITSELF = ("isinstance", "issubclass", "super")  # which a copied class may ask by its former name
_BROKEN = re.compile(r"class[ \t]+\w+[ \t]*\([^)\n]*(?:Module|Sequential)\b")
_ASSIGNED = re.compile(
    r"^(\w+)[ \t]*(?::[^=\n]+)?=[ \t]*(?:torch[ \t]*\.[ \t]*)?(?:nn[ \t]*\.[ \t]*)?Sequential[ \t]*\("
)


@dataclass(frozen=True)
class Candidate:
    """A definition that could be the model.

    Args:
        path: of its file.
        name: of the class, or of the variable that holds a ``Sequential``.
        statement: the top-level statement that defines it.
        node: the definition itself, which that statement is or holds.
        tier: which comes into question first: classes of modules, what makes one, changed layers.
    """

    path: Path
    name: str
    statement: Statement
    node: ast.stmt
    tier: int = 0

    @property
    def key(self) -> Key:
        """What tells candidates apart: of several definitions in a file the last is the one."""
        return self.path, self.name


class Candidates:
    """All candidates of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def all(self) -> tuple[Candidate, ...]:
        """The classes of modules by file and place, functions that define one, variables that hold a ``Sequential``.

        Last the classes that only change a layer.
        """
        classes: dict[Key, Candidate] = {}
        bases: dict[str, list[str]] = {}
        for path, chunk in chunks_of(self.project):
            for statement in chunk.statements if _CLASS.search(chunk.text) else ():
                for node in leaves(statement.node):
                    if isinstance(node, ast.ClassDef) and node.bases:
                        bases.setdefault(node.name, []).extend(map(ast.unparse, node.bases))
                        classes.pop((path, node.name), None)
                        classes[path, node.name] = Candidate(path, node.name, statement, node)
        models, layers = _derived(bases, _MODULE), _derived(bases, _LAYER)
        found = [one for one in classes.values() if one.name in models]
        changed = [one for one in classes.values() if one.name in layers - models]
        return (*found, *self._makers(), *(dataclasses.replace(one, tier=2) for one in changed))

    def _makers(self) -> list[Candidate]:
        found: dict[Key, Candidate] = {}
        for path, chunk in chunks_of(self.project):
            variable = _ASSIGNED.match(chunk.text)
            makes = chunk.defines and not chunk.is_class and _MAKER.search(chunk.text)
            name = variable[1] if variable else chunk.defines if makes else None
            if name and chunk.statements:
                found[path, name] = Candidate(path, name, chunk.statements[0], chunk.statements[0].node, tier=1)
        return list(found.values())

    @cached_property
    def broken(self) -> tuple[Chunk, ...]:
        """The definitions of classes of modules that are no Python."""
        return tuple(
            chunk
            for _, chunk in chunks_of(self.project)
            if _BROKEN.match(chunk.text) and not chunk.statements and chunk.problem
        )

    @cached_property
    def parts(self) -> dict[Key, frozenset[Path]]:
        """The candidates that others are made of or derived from, with the files of these."""
        named: dict[str, list[Candidate]] = {}
        for one in self.all:
            # a function that makes it stands for it
            for name in {one.name, *(use.within for use in self.calls[one.key] if use.within)}:
                named.setdefault(name, []).append(one)
        found: dict[Key, set[Path]] = {}
        for other in self.all:
            for one in (one for word in self._words[other.key] for one in named.get(word, ())):
                # a file that has a class of that name means its own
                if one.name != other.name and (one.path == other.path or (other.path, one.name) not in self._by_key):
                    found.setdefault(one.key, set()).add(other.path)
        return {key: frozenset(paths) for key, paths in found.items()}

    def _chunks(self, path: Path) -> tuple[Chunk, ...]:
        return self.project.source(path).chunks

    @cached_property
    def _by_key(self) -> dict[Key, Candidate]:
        return {one.key: one for one in self.all}

    @cached_property
    def _words(self) -> dict[Key, frozenset[str]]:
        """The names that each candidate mentions."""
        return {one.key: frozenset(_mentioned(one.node)) for one in self.all}

    def is_part(self, one: Candidate) -> bool:
        """Whether it is only there for others: no file makes it by itself, but perhaps its own to try it out."""
        around = self.parts.get(one.key)
        if around is None:
            return False
        users = {use.user for use in self.uses[one.key]}
        return not any(user != one.path or user in around or self.is_script(user) for user in users)

    @cached_property
    def calls(self) -> dict[Key, tuple[Use, ...]]:
        """Where each candidate is called, by functions and top-level statements, whether these are called or not."""
        return self._calls.of([one.key for one in self.all])

    @cached_property
    def _calls(self) -> Calls:
        return Calls(self.project, [one.node for one in self.all])

    @cached_property
    def uses(self) -> dict[Key, tuple[Use, ...]]:
        """The calls that happen when the author's files are run.

        One in a function counts where that is called, or is what a program starts with (``main``, ``train``). Of
        several that a script assigns to one variable the last one does.
        """
        makers = {(use.path, use.within) for uses in self.calls.values() for use in uses if use.within}
        callers = self._calls.of([(path, name) for path, name in makers if name])
        found: dict[Key, list[Use]] = {}
        for key, uses in self.calls.items():
            happening = found[key] = []
            for use in uses:
                called = callers.get((use.path, use.within), ()) if use.within else ()
                happening += [dataclasses.replace(use, user=one.path) for one in called if one.within != use.within]
                if not use.within or (not called and _ENTRY.match(use.within)):
                    happening.append(use)
        last: dict[tuple[Path, int, str], int] = {}
        for use in (use for uses in found.values() for use in uses if use.variable and use.path.suffix == ".py"):
            place = use.path, use.block, use.variable or ""
            last[place] = max(use.line, last.get(place, 0))
        return {
            key: tuple(use for use in uses if last.get((use.path, use.block, use.variable or ""), use.line) == use.line)
            for key, uses in found.items()
        }

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The names that the files hand on without calling them, as in a table of models, candidates apart."""
        own = {id(one.node) for one in self.all}
        return frozenset(
            name
            for path, chunk in chunks_of(self.project)
            if any(word in chunk.text for word in self._names)
            for statement in chunk.statements
            for node in leaves(statement.node)
            if id(node) not in own and not isinstance(node, (ast.Import, ast.ImportFrom))
            for name in _mentioned(node, calls=False)
            if not self.is_test(path)
        )

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(one.name for one in self.all)

    def calls_of(self, path: Path, name: str) -> tuple[Use, ...]:
        """The calls of what a name means in a file: of its own definition, or of the one that it imports."""
        meant = self._calls.meant(path, ast.Name(name), [one.key for one in self.all])
        return tuple(use for key in meant for use in self.calls[key])

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
        """Equal for candidates that are written alike, with what they are made of."""
        source = self.project.source(one.path)
        statements = [each for word in sorted(self._words[one.key] - {one.name}) for each in source.defining(word)]
        imported = (self.project.imported(one.path, node) for each in statements for node in leaves(each.node))
        texts = [chunk.text for found in imported for path in sorted(found) for chunk in self._chunks(path)]
        return "\n".join([*(ast.dump(node) for node in (one.node, *(each.node for each in statements))), *texts])


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


def _mentioned(node: ast.AST, *, calls: bool = True) -> Iterator[str]:
    """The names that code uses: not in annotations, in ``isinstance`` or ``super``, or as attributes of itself.

    Without ``calls``, not the names of what is called.
    """
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _OF_ITSELF:
        return
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute) and not (
        isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
    ):
        yield node.attr
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns") or (name == "func" and not calls and not isinstance(value, ast.Call)):
            continue
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, ast.AST):
                yield from _mentioned(inner, calls=calls)
