"""Which names a statement defines or changes, and the part of a compound statement that does so."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

Place = tuple[int, int]  # of a statement: its chunk, and its number in it

_BLOCKS = ("body", "orelse", "finalbody")
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_COMPOUND = (*_LOOPS, ast.If, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_PLAIN_CALLS = frozenset(
    {"int", "float", "len", "round", "min", "max", "abs", "sum", "str", "range", "tuple", "list", "dict"}
)
# methods that change what they are called on, and do nothing else
_CHANGES = frozenset(
    {
        *("append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "remove", "discard", "clear"),
        *("sort", "reverse", "add_argument", "add_argument_group", "set_defaults", "add_module", "register_buffer"),
    }
)


@dataclass(frozen=True)
class Statement:
    """A top-level statement: its place in the source, its tree, and the file that tracebacks are to name."""

    place: Place
    node: ast.stmt
    file: str

    @cached_property
    def binds(self) -> frozenset[str]:
        """The names that it defines; a ``*`` for an import of everything."""
        return frozenset(name for leaf in leaves(self.node) for name in bound(leaf)) | frozenset(_headed(self.node))

    @cached_property
    def changes(self) -> frozenset[str]:
        """The names of what it changes without defining them: ``x.a = 1``, ``x[0] = 1``, ``x.append(1)``."""
        return frozenset(name for leaf in leaves(self.node) for name in changed(leaf))

    @cached_property
    def is_main(self) -> bool:
        """Whether it is ``if __name__ == "__main__":``."""
        return isinstance(self.node, ast.If) and _is_main_test(self.node.test)

    def rank(self, name: str) -> int:
        """How late it comes into question as the definition of the name: outside of loops that work first."""
        if self.is_main:
            return 2
        return int(isinstance(self.node, _LOOPS) and _works(self.node, name))

    def imports(self, name: str) -> bool:
        """Whether it is an import that gives the name its value."""
        return any(isinstance(leaf, (ast.Import, ast.ImportFrom)) and name in bound(leaf) for leaf in leaves(self.node))

    def is_dotted(self, name: str) -> bool:
        """Whether it is ``import name`` or ``import name.more``, of which several add up."""
        return isinstance(self.node, ast.Import) and any(
            alias.asname is None and alias.name.partition(".")[0] == name for alias in self.node.names
        )

    def only_names(self, name: str) -> bool:
        """Whether it gives the name what another name stands for, and calls nothing."""
        giving = [leaf for leaf in leaves(self.node) if name in bound(leaf)]
        return bool(giving) and all(
            isinstance(leaf, (ast.ImportFrom, ast.Assign, ast.AnnAssign))
            and not any(isinstance(inner, ast.Call) for inner in ast.walk(leaf))
            for leaf in giving
        )

    def part(self, name: str) -> tuple[ast.stmt, frozenset[str]]:
        """What of it defines or changes the name: all of a simple statement, else the blocks that lead there.

        With the names that this part gives their value.
        """
        if not isinstance(self.node, _COMPOUND):
            return self.node, self.binds
        wanted = {name}
        kept: set[int] = set()
        inside = {bound_name for leaf in leaves(self.node) for bound_name in bound(leaf)}
        while True:
            more = [
                leaf for leaf in leaves(self.node) if id(leaf) not in kept and wanted & {*bound(leaf), *changed(leaf)}
            ]
            if not more:
                break
            kept.update(map(id, more))
            wanted.update(name for leaf in more for name in _loaded(leaf) if name in inside)
        part = _pruned(self.node, kept, wanted) or ast.copy_location(ast.Pass(), self.node)
        return part, self.binds & wanted


def leaves(node: ast.stmt) -> Iterator[ast.stmt]:
    """The statement itself, or the simple ones and definitions in its blocks."""
    if not isinstance(node, _COMPOUND):
        yield node
        return
    for block in _blocks(node):
        for inner in block:
            yield from leaves(inner)


def bound(node: ast.stmt) -> Iterator[str]:
    """The names that a simple statement or a definition gives a value."""
    if isinstance(node, _DEFINITIONS):
        yield node.name
    elif isinstance(node, ast.Import):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (alias.asname or alias.name for alias in node.names)
    elif isinstance(node, ast.Assign):
        yield from (name for target in node.targets for name in _targets(target))
    elif isinstance(node, ast.AugAssign) or (isinstance(node, ast.AnnAssign) and node.value is not None):
        yield from _targets(node.target)
    elif isinstance(node, getattr(ast, "TypeAlias", ())):
        yield node.name.id  # type: ignore[attr-defined]
    if isinstance(node, (ast.Assign, ast.Expr, ast.AugAssign, ast.AnnAssign)):
        yield from _walrus(node)


def changed(node: ast.stmt) -> Iterator[str]:
    """The names of what a simple statement or a definition changes in place."""
    targets: Iterable[ast.expr] = ()
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        targets = [node.target]
    elif isinstance(node, _DEFINITIONS):
        # @registry.register("name")
        targets = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        if isinstance(call.func, ast.Attribute) and call.func.attr in _CHANGES:
            targets = [call.func]
        elif isinstance(call.func, ast.Name) and call.func.id in ("setattr", "delattr") and call.args:
            yield from _root(call.args[0])
    for target in targets:
        for inner in _flat(target):
            if isinstance(inner, (ast.Attribute, ast.Subscript)):
                yield from _root(inner)


def _walrus(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.NamedExpr):
        yield node.target.id
    for child in ast.iter_child_nodes(node):
        yield from _walrus(child)


def _root(node: ast.expr) -> Iterator[str]:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _targets(node: ast.expr) -> Iterator[str]:
    yield from (inner.id for inner in _flat(node) if isinstance(inner, ast.Name))


def _flat(node: ast.expr) -> Iterator[ast.expr]:
    """The targets of an assignment, out of tuples and lists."""
    if isinstance(node, (ast.Tuple, ast.List)):
        for inner in node.elts:
            yield from _flat(inner)
    else:
        yield node.value if isinstance(node, ast.Starred) else node


def _headed(node: ast.stmt) -> Iterator[str]:
    """The names that the heads of compound statements define: of loops and of ``with``."""
    if isinstance(node, (ast.For, ast.AsyncFor)):
        yield from _targets(node.target)
    elif isinstance(node, (ast.If, ast.While)):
        yield from _walrus(node.test)
    elif isinstance(node, ast.Match):
        for inner in (inner for case in node.cases for inner in ast.walk(case.pattern)):
            if isinstance(inner, (ast.MatchAs, ast.MatchStar)) and inner.name:
                yield inner.name
            elif isinstance(inner, ast.MatchMapping) and inner.rest:
                yield inner.rest
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        for item in node.items:
            if item.optional_vars is not None:
                yield from _targets(item.optional_vars)
    if isinstance(node, _COMPOUND):
        for block in _blocks(node):
            for inner in block:
                yield from _headed(inner)


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in _BLOCKS:
        if block := getattr(node, name, None):
            yield block
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _loaded(node: ast.AST) -> Iterator[str]:
    yield from (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


def _works(node: ast.stmt, name: str) -> bool:
    """Whether a loop gives the name what a call returns, as training does, or the name is the loop's own variable."""
    giving = [leaf for leaf in leaves(node) if name in bound(leaf)]
    return not giving or any(_is_work(inner) for leaf in giving for inner in ast.walk(leaf))


def _is_work(node: ast.AST) -> bool:
    """Whether it is a call of something else than Python's own functions of values."""
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "math":
        return False
    return not (isinstance(node.func, ast.Name) and node.func.id in _PLAIN_CALLS)


def _is_main_test(test: ast.expr) -> bool:
    names = {inner.id for inner in ast.walk(test) if isinstance(inner, ast.Name)}
    values = {inner.value for inner in ast.walk(test) if isinstance(inner, ast.Constant)}
    return isinstance(test, ast.Compare) and names == {"__name__"} and values == {"__main__"}


def _pruned(node: ast.stmt, kept: set[int], wanted: set[str]) -> ast.stmt | None:
    """The statement with the leaves in ``kept`` and what leads to them; None where nothing does."""
    if not isinstance(node, _COMPOUND):
        return node if id(node) in kept else None
    if not any(id(leaf) in kept for leaf in leaves(node)) and wanted.isdisjoint(_headed(node)):
        return None
    result = copy.copy(node)
    kept = kept | {id(leaf) for leaf in leaves(node) if isinstance(leaf, _belonging(node))}
    tried = _tried(node, kept)
    for name in _BLOCKS:
        if block := getattr(node, name, None):
            these = kept | tried if name == "body" else kept
            setattr(result, name, _block(block, these, wanted, node, needed=name != "orelse"))
    for name in ("handlers", "cases"):
        for place, part in enumerate(parts := list(getattr(node, name, ()))):
            parts[place] = copy.copy(part)
            parts[place].body = _block(part.body, kept, wanted, node, needed=True)
        if parts:
            setattr(result, name, parts)
    if isinstance(result, ast.If) and _is_main_test(result.test):
        result.test = ast.copy_location(ast.Constant(value=True), result.test)
    return result


def _tried(node: ast.stmt, kept: set[int]) -> set[int]:
    """What a ``try`` tries, prints apart, where its handlers or its ``else`` decide on a value too."""
    if not isinstance(node, (ast.Try, ast.TryStar)):
        return set()
    decided = [*node.orelse, *(inner for handler in node.handlers for inner in handler.body)]
    if not any(id(leaf) in kept for inner in decided for leaf in leaves(inner)):
        return set()
    return {id(leaf) for inner in node.body for leaf in leaves(inner) if not _prints(leaf)}


def _prints(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("print", "display")


def _belonging(node: ast.stmt) -> tuple[type[ast.stmt], ...]:
    """The kinds of simple statements that a compound one makes no sense without."""
    if isinstance(node, (ast.Try, ast.TryStar)):  # it asks whether an import fails
        return ast.Import, ast.ImportFrom, ast.Raise
    return (ast.Break, ast.Continue) if isinstance(node, _LOOPS) else ()


def _block(
    block: list[ast.stmt], kept: set[int], wanted: set[str], around: ast.stmt, *, needed: bool
) -> list[ast.stmt]:
    found = [part for inner in block if (part := _pruned(inner, kept, wanted)) is not None]
    return found or ([ast.copy_location(ast.Pass(), around)] if needed else [])
