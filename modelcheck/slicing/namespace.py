"""The global names of a module that is executed statement by statement, as its names are asked for."""

from __future__ import annotations
import __future__

import ast
import builtins
import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from modelcheck.author_trace import DefinitionFailed
from modelcheck.slicing.binding import Place, Statement
from modelcheck.slicing.source import END, Source

Around = Callable[[], AbstractContextManager[Any]]
StarImport = Callable[[ast.ImportFrom], Mapping[str, Any]]


class Namespace(dict[str, Any]):
    """Looks a name up; where it has no value yet, runs the statement that defines it.

    A statement sees the names as they are at its place in the file: the last definition before it, or where there is
    none the first one after it, as when cells were run in another order. A function that is called from outside sees
    them as they are at the end. What changes a value in place (``x.append(1)``) is run with the definition.

    CPython looks global names up through ``__missing__`` where a function's globals are such a dictionary, and the
    body of a class through ``__getitem__`` of builtins that are.

    Args:
        source: where the statements are.
        names: those that the module has from the start, such as ``__name__``.
        importing: ``__import__`` for the module's statements.
        everything: the names that ``from x import *`` would give, as a mapping that may find them on demand.
        around: within what context statements run.
        is_own: whether an imported value is the author's, which statements may change.
    """

    def __init__(
        self,
        source: Source,
        names: Mapping[str, Any],
        importing: Callable[..., Any],
        everything: StarImport,
        around: Around = contextlib.nullcontext,
        is_own: Callable[[Any], bool] = lambda value: False,
    ) -> None:
        super().__init__(names)
        self["__builtins__"] = _Builtins(self, importing)
        self.source = source
        self.end: Place = END
        self.executed: set[Place] = set()
        self._everything = everything
        self._around = around
        self._is_own = is_own
        self._running: list[Place] = []
        self._values: dict[tuple[str, Place], Any] = {}
        self._parts: set[tuple[str, Place]] = set()  # what was run for which name
        self._whole: set[Place] = set()  # statements that were run as they stand, and so for every name
        self._installed: dict[str, Place] = {}
        self._pinned: dict[str, Statement] = {}
        self._varying: set[str] = set()  # installed names that may have another value at another place
        self._vain: dict[str, set[Place]] = {}  # statements that gave a name no value, such as an `if` not taken
        self._asked: set[str] = set()  # of modules that import everything from each other

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name) and not self.source.stars and not self.source.defining(name):
            raise KeyError(name)
        before = self._running[-1] if self._running else self.end
        try:
            return self.at(name, before)
        except NotDefined:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        return dict.__contains__(self, name) or (isinstance(name, str) and self.has(name))

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a name, executed if it takes that."""
        try:
            return self[name]
        except KeyError:
            return default

    def at(self, name: str, before: Place) -> Any:
        """The value of a name at a place in the source.

        Raises:
            NotDefined: no statement gives it one.
            SyntaxError: the statement that does is no Python.
            DefinitionFailed: it raised an exception that Python would take for the name's absence.
        """
        try:
            with self._around() if not self._running else contextlib.nullcontext():
                return self._resolved(name, before)
        finally:
            if not self._running:
                self._forget(self.end)

    def define(self, name: str, statement: Statement, end: Place) -> Any:
        """The value that this statement gives the name, as it is at ``end``, before which functions see the names."""
        self.end = end
        self._pinned[name] = statement
        self.pop(name, None)
        return self.at(name, end)

    def has(self, name: str) -> bool:
        """Whether something in the source defines the name, apart from imports of everything."""
        return bool(self.source.defining(name))

    def run(self, statement: Statement, name: str) -> Any:
        """The value that a statement gives a name; it is run once for each name at most."""
        key = (name, statement.place)
        if key not in self._values:
            self._execute(statement, name)
        if key not in self._values:
            raise NotDefined(name)
        return self._values[key]

    def _resolved(self, name: str, before: Place) -> Any:
        while (statement := self._in_force(name, before)) is not None:
            try:
                value = self._imported(name, before) if statement.is_dotted(name) else self.run(statement, name)
            except NotDefined:
                if self._pinned.get(name) is statement:
                    raise
                self._vain.setdefault(name, set()).add(statement.place)
                continue
            dict.__setitem__(self, name, value)
            self._install(name, statement.place)
            for change in self._changes(name, statement, before):
                self._execute(change, name)
            return dict.__getitem__(self, name)
        if problem := self.source.problem(name):
            raise problem
        return self._from_everything(name, before)

    def _install(self, name: str, place: Place) -> None:
        self._installed[name] = place
        if len(self.source.defining(name)) > 1 or self.source.changing(name):
            self._varying.add(name)

    def _imported(self, name: str, before: Place) -> Any:
        """The package that ``import name.a`` and ``import name.b`` give together; one that fails may not be needed."""
        failure: ImportError | None = None
        value = None
        for statement in self.source.defining(name):
            if statement.is_dotted(name) and (statement.place < before or value is None):
                try:
                    value = self.run(statement, name)
                except ImportError as error:
                    failure = error
        if value is None and failure is not None:
            raise failure
        return value

    def _in_force(self, name: str, before: Place) -> Statement | None:
        if before == self.end and name in self._pinned and self._pinned[name].place not in self._running:
            return self._pinned[name]
        return self.source.in_force(name, before, frozenset((*self._running, *self._vain.get(name, ()))))

    def _changes(self, name: str, definition: Statement, before: Place) -> list[Statement]:
        """The statements that change the value after its definition and were not run yet; a library is not changed."""
        if not self.source.changing(name):
            return []
        if definition.imports(name) and not self._is_own(self._values.get((name, definition.place))):
            return []
        return [
            one
            for one in self.source.changing(name)
            if definition.place < one.place < before
            and (name, one.place) not in self._parts
            and one.place not in self._whole
            and not one.is_main
        ]

    def _from_everything(self, name: str, before: Place) -> Any:
        if name in self._asked:
            raise NotDefined(name)
        self._asked.add(name)
        try:
            return self._from_stars(name, before)
        finally:
            self._asked.discard(name)

    def _from_stars(self, name: str, before: Place) -> Any:
        failure: ImportError | None = None
        for statement in sorted(self.source.stars, key=lambda one: (one.place < before, one.place), reverse=True):
            nodes = [node for node in ast.walk(statement.node) if isinstance(node, ast.ImportFrom)]
            for node in (node for node in nodes if node.names[0].name == "*"):
                try:
                    given = self._everything(node)
                    if name in given:
                        self.executed.add(statement.place)
                        dict.__setitem__(self, name, given[name])
                        return given[name]
                except ImportError as error:
                    text = f"{error} (it may be what 'from {node.module} import *' in line {node.lineno} would give)"
                    failure = type(error)(text, name=error.name)
        if failure is not None and not hasattr(builtins, name):
            raise failure
        raise NotDefined(name)

    def _execute(self, statement: Statement, name: str) -> None:
        part, given = statement.part(name)
        self._parts.add((name, statement.place))
        self.executed.add(statement.place)
        module = ast.fix_missing_locations(ast.Module(body=[part], type_ignores=[]))
        flags = __future__.annotations.compiler_flag  # what only annotates is not evaluated
        code = compile(module, statement.file, "exec", flags=flags, dont_inherit=True)
        self._running.append(statement.place)
        try:
            self._forget(statement.place)
            exec(code, self)
        except KeyError as error:
            self._parts.discard((name, statement.place))
            raise DefinitionFailed(name) from error
        except BaseException:
            self._parts.discard((name, statement.place))
            raise
        else:
            if part is statement.node:
                self._whole.add(statement.place)
            for one in given & self.keys():
                self._install(one, statement.place)
                self._values[one, statement.place] = dict.__getitem__(self, one)
        finally:
            self._running.pop()
            if self._running:
                self._forget(self._running[-1])

    def _forget(self, before: Place) -> None:
        """Forget the values that are not the ones at a place, so that they are looked up again."""
        for name in list(self._varying):
            place = self._installed[name]
            right = self._in_force(name, before)
            if right is not None and (right.place != place or self._changes(name, right, before)):
                self.pop(name, None)
                del self._installed[name]
                self._varying.discard(name)


class _Builtins(dict[str, Any]):
    """Python's own names, after those that the module would define."""

    def __init__(self, namespace: Namespace, importing: Callable[..., Any]) -> None:
        super().__init__(vars(builtins), __import__=importing)
        self._namespace = namespace

    def __getitem__(self, name: str) -> Any:
        with contextlib.suppress(KeyError):
            return self._namespace[name]
        return dict.__getitem__(self, name)


class NotDefined(Exception):
    """No statement of the source gives the name a value."""
