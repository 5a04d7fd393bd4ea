"""What the author's lines say: where each module is declared, and which advice a comment ignores there."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator, Mapping
from itertools import islice

import msgspec
from torch import nn

from modelcheck.author_trace import shown_path
from modelcheck.capturing.declarations import Declaration, Declarations
from modelcheck.capturing.tree import wire_text
from modelcheck.graph.check import MAX_CODES, MAX_IGNORED, MAX_IGNORES
from modelcheck.graph.wire import Header, IgnoreInfo

LONGEST_CODE = 80
_COMMENT = re.compile(r"#\s*modelcheck:\s*ignore\s*(?:\[([^]]*)\]|(?=#|$))", re.IGNORECASE)


def with_author_lines(header: Header, model: nn.Module, files: Mapping[str, str]) -> Header:
    """The header with the places where its modules are declared, and the comments that ignore advice.

    Args:
        files: the names that Python knows the files of the nodes by, by those that the nodes have.
    """
    linecache.checkcache()
    declarations = Declarations(model)
    paths = {one.path for one in header.modules} | {one.attribute for one in header.unregistered}
    paths.update(path for tensor in header.tensors for path in tensor.paths)
    declared = {path: found for path in sorted(paths) if (found := declarations.of(path))}
    places = {path: {"file": _shown(one.file), "line": one.line} for path, one in declared.items()}
    nodes = [node for graph in (header.train, header.evaluation) for node in graph.nodes]
    lines = {(files.get(node.file, node.file), node.line) for node in nodes if node.file and node.line}
    replace = msgspec.structs.replace
    return replace(
        header,
        modules=tuple(replace(one, **places.get(one.path, {})) for one in header.modules),
        unregistered=tuple(replace(one, **places.get(one.attribute, {})) for one in header.unregistered),
        ignores=tuple(_ignores(declared, lines)),
    )


def ignored_codes(line: str) -> tuple[str, ...] | None:
    """The codes or names that a comment at the end of the line ignores; none for all advice, None without a comment."""
    found = _COMMENT.search(line)
    if found is None or line.lstrip().startswith("#"):
        return None
    if found[1] is None:
        return ()
    codes = [wire_text(code.strip())[:LONGEST_CODE] for code in found[1].split(",") if code.strip()]
    return tuple(codes[:MAX_CODES]) or None


def _ignores(declared: Mapping[str, Declaration], lines: set[tuple[str, int]]) -> Iterator[IgnoreInfo]:
    """The comments on lines that declare something or compute a node, with what is declared there."""
    about: dict[tuple[str, int], list[str]] = {line: [] for line in lines}
    for path, one in declared.items():
        for line in one.lines:
            about.setdefault((one.file, line), []).append(path)
    comments = {place: codes for place in sorted(about) if (codes := _codes_on(*place)) is not None}
    left = MAX_IGNORED
    for (file, line), codes in islice(comments.items(), MAX_IGNORES):
        modules = tuple(about[file, line][:left])
        left -= len(modules)
        yield IgnoreInfo(file=_shown(file), line=line, modules=modules, codes=codes)


def _codes_on(file: str, line: int) -> tuple[str, ...] | None:
    return ignored_codes(linecache.getline(file, line))


def _shown(file: str) -> str:
    return wire_text(shown_path(file))
