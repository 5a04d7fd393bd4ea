"""What importing a file would have done besides defining things; found in the text, nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from modelcheck.author_trace import printable, shown_path
from modelcheck.origin import Effect, EffectKind, Missing
from modelcheck.slicing.author_module import AuthorModule, namespace_of, path_of
from modelcheck.slicing.binding import Statement, leaves
from modelcheck.slicing.namespace import Namespace
from modelcheck.slicing.project import Project, installed
from modelcheck.slicing.source import Source

# by what is called, or passed; the first kind that fits is the statement's
_SIGNS: tuple[tuple[EffectKind, re.Pattern[str]], ...] = (
    (
        "trains",
        re.compile(r"\.backward\(|\.step\(|(?<!\w)(?:\w+[._])?(?:train|fit|train_model|training_loop|train_and_\w+)\("),
    ),
    (
        "downloads",
        re.compile(
            r"download\s*=\s*True|urlretrieve\(|urlopen\(|requests\.|wget|gdown|from_url\(|hub\.load\(|drive\.mount"
        ),
    ),
    ("installs", re.compile(r"pip3? install|(?:os\.system|subprocess\.\w+|Popen|get_ipython)\(")),
    ("reads input", re.compile(r"(?<![\w.])input\(|\.parse_(?:known_)?args\(")),
    (
        "writes",
        re.compile(
            r"torch\.save\(|\.save\(|makedirs\(|mkdir\(|savefig\(|SummaryWriter\(|open\([^)]*['\"][wax]b?\+?['\"]"
        ),
    ),
    ("plots", re.compile(r"(?<!\w)plt\.|\.plot\(|\.imshow\(")),
    ("prints", re.compile(r"(?<![\w.])(?:print|pprint|display)\(|summary\(")),
)
# settings, which change nothing outside of the process
_HARMLESS = re.compile(
    r"seed\w*\(|filterwarnings\(|simplefilter\(|sys\.path\.|set_\w+\(|\.(?:to|eval|cuda|cpu)\(|basicConfig\("
)
_SHELL: tuple[tuple[EffectKind, re.Pattern[str]], ...] = (
    ("installs", re.compile(r"\b(?:pip3?|conda|apt|apt-get)\b")),
    ("downloads", re.compile(r"\b(?:wget|curl|gdown|git clone)\b")),
    ("writes", re.compile(r"%%(?:writefile|file)\b")),
)


def left_out(module: AuthorModule) -> Iterator[Effect]:
    """The statements of the module with effects that were not executed; what a main guard holds back is none."""
    for statement in _not_executed(namespace_of(module)):
        if statement.is_main or isinstance(statement.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        text = ast.unparse(statement.node)  # without comments, in which the same words stand
        kind = next((kind for kind, sign in _SIGNS if sign.search(text)), None)
        if kind is None and (not _only_runs(statement.node) or _HARMLESS.search(text)):
            continue
        first = printable(text.split("\n")[0], 80)
        yield Effect(kind=kind or "runs", text=first, file=shown_path(statement.file), line=statement.node.lineno)


def set_aside(source: Source) -> Iterator[Effect]:
    """The lines of the source that are for a shell or for Jupyter."""
    for part in source.parts:
        for one in part.set_aside:
            kind: EffectKind = next((kind for kind, sign in _SHELL if sign.search(one.text)), "runs")
            yield Effect(kind=kind, text=printable(one.text, 80), file=shown_path(part.file), line=one.line)


def missing(module: AuthorModule, project: Project) -> Iterator[Missing]:
    """The imports of the module that cannot be had here and that nothing needed."""
    for statement in _not_executed(namespace_of(module)):
        yield from _absent(statement, path_of(module), project)


def absent(project: Project, path: Path) -> Iterator[Missing]:
    """The imports at the top level of a file that cannot be had here."""
    for chunk in project.source(path).chunks:
        if chunk.defines is None and "import" in chunk.text:
            for statement in chunk.statements:
                yield from _absent(statement, path, project)


def _absent(statement: Statement, path: Path, project: Project) -> Iterator[Missing]:
    for node in leaves(statement.node):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        else:
            continue
        for name in names:
            if project.locate(path, name) is None and not installed(name):
                yield Missing(name=printable(name), file=shown_path(statement.file), line=node.lineno)


def _not_executed(namespace: Namespace) -> Iterator[Statement]:
    for chunk in namespace.source.chunks:
        if chunk.defines is None:
            yield from (one for one in chunk.statements if one.place not in namespace.executed)


def _only_runs(node: ast.stmt) -> bool:
    """Whether it is there for what it does: a call whose result is not kept, or a loop."""
    if isinstance(node, ast.Expr):
        return any(isinstance(inner, ast.Call) for inner in ast.walk(node))
    return isinstance(node, (ast.For, ast.While)) and any(isinstance(inner, ast.Call) for inner in ast.walk(node))
