"""Where the author's classes declare what they register: ``self.conv = nn.Conv2d(1, 8, 3)``, found in their text."""

from __future__ import annotations

import ast
import inspect
import linecache
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType

from torch import nn

from modelcheck.author_trace import class_name, is_library
from modelcheck.capturing.tree import class_attributes, walk

_ADDING = {"add_module", "register_module", "register_parameter", "register_buffer"}
_CONTAINERS = {"Sequential", "ModuleList", "ModuleDict"}


@dataclass(frozen=True)
class Declaration:
    """The lines that declare one module or tensor.

    Args:
        file: as Python knows it.
        line: where it begins.
        lines: all lines on which a comment is about it. Where the statement makes a container, the lines that hold
            nothing but another item are not among them.
    """

    file: str
    line: int
    lines: frozenset[int]


@dataclass(frozen=True)
class _Statement:
    file: str
    node: ast.stmt
    value: ast.expr | None


class Declarations:
    """What the text of a model's classes says of its parts; nothing of the author's is called."""

    def __init__(self, root: nn.Module) -> None:
        self._modules = dict(walk(root))
        self._known: dict[int, Mapping[str, list[_Statement]]] = {}

    def of(self, path: str) -> Declaration | None:
        """The declaration of a module, a parameter, a buffer or an attribute, by its path; None where none is found.

        It lies in the nearest module above whose class is the author's and declares what leads there: ``features.3``
        of an ``nn.Sequential`` by ``self.features = …``.
        """
        names = path.split(".")
        for depth in reversed(range(len(names))):
            owner = self._modules.get(".".join(names[:depth]))
            statements = [] if owner is None else self._declared(type(owner)).get(names[depth], [])
            if statements:
                return _declaration(self._fitting(statements, ".".join(names[: depth + 1])), names[depth + 1 :])
        return None

    def _fitting(self, statements: list[_Statement], path: str) -> list[_Statement]:
        """Of the branches that give an attribute its value those that name the class of what it holds."""
        held = self._modules.get(path)
        kind = None if held is None else class_name(type(held))
        return [one for one in statements if kind in _called(one.node)] or statements

    def _declared(self, kind: type) -> Mapping[str, list[_Statement]]:
        """The statements by the attribute that they declare, of a class and those it derives from; nearer ones win."""
        if id(kind) not in self._known:
            found: dict[str, list[_Statement]] = {}
            for base in reversed(type.__dict__["__mro__"].__get__(kind)):
                found |= _in_class(base)
            self._known[id(kind)] = found
        return self._known[id(kind)]


def _declaration(statements: list[_Statement], below: list[str]) -> Declaration:
    first = statements[0]
    line, _ = _lines(first.node, first.value, below)
    lines = [_lines(one.node, one.value, below)[1] for one in statements if one.file == first.file]
    return Declaration(first.file, line, frozenset().union(*lines))


def _lines(node: ast.stmt | ast.expr, value: ast.expr | None, below: list[str]) -> tuple[int, set[int]]:
    """Where the part of a statement begins that makes what lies ``below`` its value, and the lines about it."""
    every = set(_span(node))
    items = _items(value)
    own = every.difference(*map(_span, items.values())) | {node.lineno, node.end_lineno or node.lineno}
    item = items.get(below[0]) if below else None
    if item is None:
        return node.lineno, own
    line, lines = _lines(item, item, below[1:])
    return line, own | lines


def _span(node: ast.stmt | ast.expr) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _items(value: ast.expr | None) -> dict[str, ast.expr]:
    """What a container is made of, by name, as far as the call that makes it shows."""
    if not isinstance(value, ast.Call) or _name(value) not in _CONTAINERS:
        return {}
    match value.args:
        case [ast.Dict() as held]:
            return _named(held)
        case [ast.Call(args=[held]) as call] if _name(call) == "OrderedDict":
            return _named(held)
        case [ast.List(elts=elements) | ast.Tuple(elts=elements)]:
            return _numbered(elements)
    return _numbered(value.args)


def _named(held: ast.expr) -> dict[str, ast.expr]:
    """The values of a dict, as Python writes it or as a list of pairs, whose keys are written there."""
    pairs: list[tuple[ast.expr | None, ast.expr]] = []
    if isinstance(held, ast.Dict):
        pairs = list(zip(held.keys, held.values, strict=True))
    elif isinstance(held, ast.List | ast.Tuple):
        pairs = [(one.elts[0], one.elts[1]) for one in held.elts if isinstance(one, ast.Tuple) and len(one.elts) == 2]
    return {key.value: item for key, item in pairs if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def _numbered(elements: list[ast.expr]) -> dict[str, ast.expr]:
    """The elements by their places, up to the first that stands for several."""
    count = next((index for index, one in enumerate(elements) if isinstance(one, ast.Starred)), len(elements))
    return {str(index): one for index, one in enumerate(elements[:count])}


def _in_class(kind: type) -> dict[str, list[_Statement]]:
    """The statements of the class's own methods; none where they are no author's."""
    found: dict[str, list[_Statement]] = {}
    for function in class_attributes(kind).values():
        if type(function) is FunctionType and not is_library(function.__code__.co_filename):
            for name, statement in _in_method(function.__code__):
                found.setdefault(name, []).append(statement)
    return found


def _in_method(code: CodeType) -> Iterator[tuple[str, _Statement]]:
    tree = _parsed(code)
    if tree is None or not code.co_argcount:
        return
    me = code.co_varnames[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            for name, value in _declares(node, me):
                yield name, _Statement(code.co_filename, node, value)


def _parsed(code: CodeType) -> ast.Module | None:
    """The method's own lines as Python, numbered as in their file; None where they are not there to be read."""
    first = code.co_firstlineno
    lines = linecache.getlines(code.co_filename)[first - 1 :]
    indented = bool(lines) and lines[0][:1].isspace()
    try:
        tree = ast.parse("if 1:\n" * indented + "".join(inspect.getblock(lines)))
    except (SyntaxError, ValueError, RecursionError, tokenize.TokenError):
        return None  # the file was changed since it was loaded
    ast.increment_lineno(tree, first - 1 - indented)
    return tree


def _declares(node: ast.stmt, me: str) -> Iterator[tuple[str, ast.expr | None]]:
    """The attributes to which a statement gives a value, and the value."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _assigned(target, value, me)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _assigned(target, value, me)
        case ast.Expr(value=ast.Call(func=function, args=[ast.Constant(value=str(name)), value, *_])):
            if isinstance(function, ast.Attribute) and function.attr in _ADDING and _is(function.value, me):
                yield name, value


def _assigned(target: ast.expr, value: ast.expr | None, me: str) -> Iterator[tuple[str, ast.expr | None]]:
    match target:
        case ast.Attribute(value=owner, attr=name) if _is(owner, me):
            yield name, value
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for one in targets:
                yield from _assigned(one, None, me)


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _called(node: ast.AST) -> set[str]:
    """The last names of what is called anywhere in a statement."""
    return {_name(one) for one in ast.walk(node) if isinstance(one, ast.Call)}


def _name(call: ast.Call) -> str:
    function = call.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
