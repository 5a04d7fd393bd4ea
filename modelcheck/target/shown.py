"""Constructor arguments that the author's own files show."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from modelcheck.author_trace import printable, shown_path
from modelcheck.origin import Argument
from modelcheck.slicing.calls import Use
from modelcheck.slicing.project import Project
from modelcheck.slicing.source import Source

_PLAIN = (
    *(ast.Expression, ast.Constant, ast.Name, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp),
    *(ast.Subscript, ast.Slice, ast.operator, ast.unaryop, ast.expr_context),
)
_DEEPEST = 8


@dataclass(frozen=True)
class Shown:
    """The required arguments as one call in the author's files gives them."""

    values: Mapping[str, object]
    arguments: tuple[Argument, ...]


def shown_arguments(
    function: Callable[..., object],
    missing: Sequence[str],
    given: Mapping[str, object],
    uses: Sequence[Use],
    project: Project,
) -> list[Shown]:
    """The values for missing arguments that calls in the author's files show; different ones in turn.

    Args:
        function: what is to be called.
        missing: its required arguments that were not given. What it takes by ``**`` is looked for too.
        given: what the user gave.
        uses: the calls.
        project: the files that they are in.
    """
    found: list[Shown] = []
    for use in uses:
        shown = _shown(function, missing, given, use, project)
        if shown and not any(_equal(shown.values, other.values) for other in found):
            found.append(shown)
    return found


def _shown(
    function: Callable[..., object],
    missing: Sequence[str],
    given: Mapping[str, object],
    use: Use,
    project: Project,
) -> Shown | None:
    keywords = {keyword.arg: keyword.value for keyword in use.call.keywords if keyword.arg}
    if len(keywords) < len(use.call.keywords) or any(isinstance(one, ast.Starred) for one in use.call.args):
        return None
    try:
        signature = inspect.signature(function)
        bound = signature.bind_partial(*use.call.args, **keywords).arguments
    except (TypeError, ValueError):
        return None
    more = (bound.get(p.name, {}) for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD)
    # all of one call, as far as it can be read: a model of some of them would be one that nobody made
    shown = {name: node for name, node in bound.items() if isinstance(node, ast.expr)}
    shown |= {name: node for nodes in more for name, node in nodes.items()}
    source = _Source(project.source(use.path), use)
    values: dict[str, object] = {}
    arguments = []
    for name, node in shown.items():
        if name in given:
            continue
        try:
            values[name] = source.value(node)
        except Exception:  # what cannot be computed here shows nothing
            continue
        value = printable(repr(values[name]), 60)
        arguments.append(Argument(name=printable(name), value=value, file=shown_path(use.file), line=use.line))
    return Shown(values, tuple(arguments)) if values and values.keys() >= set(missing) else None


class _NotPlain(Exception):
    """An expression that is not made of literals and of names that are."""


class _Source:
    """The names of a module as they are where something is called, as far as they are literals: nothing is run."""

    def __init__(self, source: Source, use: Use) -> None:
        self.source = source
        self.place = use.place
        self.local = use.local

    def value(self, node: ast.expr, depth: int = 0) -> object:
        """What an expression comes to.

        Raises:
            _NotPlain: to find out, something would have to be run.
        """
        plain = all(isinstance(inner, _PLAIN) for inner in ast.walk(node))
        names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        if not plain or depth > _DEEPEST or (depth == 0 and not names.isdisjoint(self.local)):
            raise _NotPlain
        values = {name: self.value(self._assigned(name), depth + 1) for name in names}
        expression = ast.fix_missing_locations(ast.Expression(body=node))
        return eval(compile(expression, str(self.source.path), "eval", dont_inherit=True), {"__builtins__": {}}, values)

    def _assigned(self, name: str) -> ast.expr:
        """What the module assigns to the name, where that is all that happens to it."""
        definition = self.source.in_force(name, self.place)
        node = definition.node if definition else None
        if self.source.changing(name) or not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            raise _NotPlain
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if not isinstance(target, ast.Name):
            raise _NotPlain
        return node.value


def _equal(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    try:
        return bool(one == other)
    except Exception:  # arrays, or what the author makes of ==
        return False
