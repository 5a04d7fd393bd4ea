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
from modelcheck.slicing.source import END, Source

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
    wanted = {name: bound.get(name) for name in missing}
    wanted |= {name: node for nodes in more for name, node in nodes.items() if name not in given}
    source = project.source(use.path)
    values: dict[str, object] = {}
    arguments = []
    for name, node in wanted.items():
        if not isinstance(node, ast.expr) or not _is_plain(node, source, use.local):
            return None
        try:
            values[name] = _value(node, source)
        except Exception:  # what cannot be computed here shows nothing
            return None
        value = printable(repr(values[name]), 60)
        arguments.append(Argument(name=printable(name), value=value, file=shown_path(use.file), line=use.line))
    return Shown(values, tuple(arguments)) if values else None


def _is_plain(node: ast.expr, source: Source, local: frozenset[str] = frozenset(), depth: int = 0) -> bool:
    """Whether it is made of literals, and of names of the module that are: to compute it runs nothing else."""
    names = _names(node)
    if depth > _DEEPEST or not names.isdisjoint(local):
        return False
    if not all(isinstance(inner, _PLAIN) for inner in ast.walk(node)):
        return False
    values = [_assigned(name, source) for name in names]
    return all(value is not None and _is_plain(value, source, depth=depth + 1) for value in values)


def _value(node: ast.expr, source: Source) -> object:
    """What an expression that is plain comes to."""
    names = {name: _value(value, source) for name in _names(node) if (value := _assigned(name, source)) is not None}
    expression = ast.fix_missing_locations(ast.Expression(body=node))
    return eval(compile(expression, str(source.path), "eval", dont_inherit=True), {"__builtins__": {}}, names)


def _names(node: ast.expr) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _assigned(name: str, source: Source) -> ast.expr | None:
    """What the module assigns to the name; None where that is not all that happens to it."""
    definition = source.in_force(name, END)
    if definition is None or source.changing(name) or not isinstance(definition.node, (ast.Assign, ast.AnnAssign)):
        return None
    target = definition.node.targets[0] if isinstance(definition.node, ast.Assign) else definition.node.target
    return definition.node.value if isinstance(target, ast.Name) else None


def _equal(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    try:
        return bool(one == other)
    except Exception:  # arrays, or what the author makes of ==
        return False
