"""Cuts a text at its top level without parsing it, and parses a piece when it is wanted.

A parser refuses a whole file for one bad line and takes longer over what nobody needs than over what is needed.
"""

from __future__ import annotations

import ast
import bisect
import re
import warnings
from dataclasses import dataclass, field
from functools import cached_property

from modelcheck.slicing.binding import Statement

_TOKEN = re.compile(
    r'''
      [rRbBuUfF]{0,2}"""(?:[^\\]|\\.)*?"""
    | [rRbBuUfF]{0,2}[']{3}(?:[^\\]|\\.)*?[']{3}
    | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
    | \#[^\n]*
    | \\\n
    | (?:(?<=\n)|\A)(?<!\\\n)(?P<magic>[ \t]*(?:!|%%?[a-zA-Z])(?:\\\n|[^\n])*)
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    | \n(?P<start>(?=[^\s\#)\]}]))
    ''',
    re.DOTALL | re.VERBOSE,
)
_HEAD = re.compile(r"^(?:(class)|(?:async[ \t]+)?def)[ \t]+([^\W\d]\w*)", re.MULTILINE)
_RUN = re.compile(r"[ \t]*%run[ \t]+(?:-\w+[ \t]+)*['\"]?(?:\./)?((?:[^\W\d]\w*[/\\])*[^\W\d]\w*)\.(?:py|ipynb)\b")
_LONG, _DEEPEST = 2_000, 300  # characters of a statement that is looked at for its depth, and how deep is too deep
_COMPOUND = re.compile(r"(?:if|for|while|try|with|async[ \t]+(?:for|with))\b")
_CONTINUES = re.compile(r"(?:else|elif|except|finally)\b")
# at the top level of a bracket these stand in no program, so that the bracket was never closed
_NEVER_INSIDE = re.compile(r"(?:def|class|import|from|@[\w.]+|async def|if __name__)\b")


@dataclass(frozen=True)
class SetAside:
    """A line that is for a shell or for Jupyter: what it says, and where."""

    text: str
    line: int


@dataclass
class Chunk:
    """One top-level statement as text; rarely several, where they share a line.

    Args:
        index: place in the source, over all cells.
        text: what stands there.
        line: of its first character, from 1.
        file: what its code is to be called in tracebacks.
        defines: the class or function that it is the definition of.
        is_class: whether it is a class.
    """

    index: int
    text: str
    line: int
    file: str
    defines: str | None = None
    is_class: bool = False
    problem: SyntaxError | None = field(default=None, init=False)

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The statements, parsed; none, and a ``problem``, where they are no Python."""
        try:
            module = _parsed(self.text)
        except SyntaxError as error:
            error.filename, error.lineno = self.file, (error.lineno or 1) + self.line - 1
            self.problem = error
            return ()
        if len(self.text) > _LONG and _depth(module) > _DEEPEST:
            self.problem = SyntaxError("too deeply nested", (self.file, self.line, None, None))
            return ()
        if self.line > 1:
            ast.increment_lineno(module, self.line - 1)
        return tuple(Statement((self.index, place), node, self.file) for place, node in enumerate(module.body))


def cut(text: str, file: str, first: int = 0) -> tuple[list[Chunk], list[SetAside]]:
    """The chunks of a text, numbered from ``first``, and the lines in it that are no Python."""
    starts, magics = _scan(text)
    aside = [SetAside(" ".join(text[a:b].split()), text.count("\n", 0, a) + 1) for a, b in magics]
    chunks: list[Chunk] = []
    line, at = 1, 0
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        line, at = line + text.count("\n", at, begin), begin
        piece = _python(text, begin, end, magics)
        if head := _HEAD.search(piece) if piece.startswith("@") else _HEAD.match(piece):
            chunks.append(Chunk(first + len(chunks), piece, line, file, head[2], head[1] is not None))
        elif piece.strip():
            chunks.append(Chunk(first + len(chunks), piece, line, file))
    return chunks, aside


def _python(text: str, begin: int, end: int, magics: list[tuple[int, int]]) -> str:
    """The part of the text with statements in the place of what is for a shell or for Jupyter."""
    parts, at = [], begin
    for start, stop in magics[bisect.bisect_left(magics, (begin, 0)) : bisect.bisect_left(magics, (end, 0))]:
        parts += [text[at:start], _statement(text[start:stop])]
        at = stop
    return "".join([*parts, text[at:end]])


def dedented(text: str) -> str:
    """A cell without the indentation of its first line, which Jupyter does not mind."""
    first = re.search(r"^([ \t]*)[^\s#]", text, re.MULTILINE)
    if not first or not first[1]:
        return text
    return re.sub(rf"^{first[1]}", "", text, flags=re.MULTILINE)


def _statement(magic: str) -> str:
    """What stands for a shell line or a magic: ``%run net.py`` imports everything, others do nothing."""
    indent = magic[: len(magic) - len(magic.lstrip(" \t"))]
    rest = "\n" * magic.count("\n")
    if run := _RUN.match(magic):
        module = run[1].replace("\\", "/").replace("/", ".")
        return f"{indent}from {module} import *{rest}"
    return f"{indent}pass{rest}" if indent else rest


def _scan(text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Where top-level statements start, and the spans of shell lines and magics.

    A bracket that is never closed ends with its line, and one that closes nothing is a statement of its own, as a stray
    ``else`` is: what is no Python is to spoil nothing beside it.
    """
    starts, magics = [0], []
    inside: list[int] = []  # lines that start at the left in a bracket, should that turn out to be never closed
    depth, decorated = 0, text.startswith("@")
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close" and depth:
            depth -= 1
            inside = inside if depth else []
        elif kind == "close" and text[token.start() - 1 : token.start()] == "\n":
            starts.append(token.start())
        elif kind == "magic" and depth:  # a line of an expression that starts with a remainder
            depth = max(0, depth + sum(token[0].count(one) for one in "([{") - sum(map(token[0].count, ")]}")))
            inside = inside if depth else []
        elif kind == "magic":
            magics.append(token.span("magic"))
        elif kind == "start":
            at = token.end()
            if depth and not _NEVER_INSIDE.match(text, at):
                inside.append(at)
                continue
            starts += inside
            depth, inside = 0, []
            if not decorated and not (_CONTINUES.match(text, at) and _COMPOUND.match(text, starts[-1])):
                starts.append(at)
            decorated = text[at] == "@"
    return starts + inside, magics


def _parsed(text: str) -> ast.Module:
    """The piece as a syntax tree, where tabs and spaces are mixed as the one way of reading it that makes sense.

    Raises:
        SyntaxError: it is no Python.
    """
    try:
        return _tree(text)
    except SyntaxError as error:
        if "\t" not in text or not isinstance(error, IndentationError):
            raise
        readings: dict[str, ast.Module] = {}
        for width in (8, 4):
            try:
                tree = _tree("".join(_expanded(line, width) for line in text.splitlines(keepends=True)))
            except SyntaxError:
                continue
            readings[ast.dump(tree)] = tree
        if len(readings) != 1:
            raise
        return next(iter(readings.values()))


def _depth(tree: ast.AST) -> int:
    """How deeply the tree is nested; counted without recursion."""
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]
    return deepest


def _expanded(line: str, width: int) -> str:
    rest = line.lstrip(" \t")
    return line[: len(line) - len(rest)].expandtabs(width) + rest


def _tree(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in strings
        try:
            return ast.parse(text)
        except (ValueError, RecursionError, MemoryError) as error:  # a null byte; nested too deeply
            raise SyntaxError(str(error) or type(error).__name__, (None, 1, None, None)) from None
