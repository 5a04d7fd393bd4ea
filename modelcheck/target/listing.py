"""What to say where nothing in a submission, or no one thing, is the model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from modelcheck.author_trace import printable, shown_path
from modelcheck.errors import AmbiguousModel, NoModel
from modelcheck.slicing.candidates import Candidate
from modelcheck.slicing.effects import absent
from modelcheck.slicing.source import Unreadable
from modelcheck.target.choosing import whole
from modelcheck.target.finding import first_line
from modelcheck.target.place import MOST_LISTED
from modelcheck.target.submission import Submission
from modelcheck.words import counted

_MOST_NAMED = 8
_MAKES = re.compile(r"model|net|build|make|create", re.IGNORECASE)


def ambiguous(
    submission: Submission, among: Sequence[Candidate], parameters: Callable[[Candidate], int | str]
) -> AmbiguousModel:
    """The error that lists the candidates, ready to paste, with their lines and sizes, without parts and copies."""
    those = whole(submission.candidates, among)
    named = printable(submission.place.name)
    what = f"{len(those)} definitions of {named}" if named else f"{len(those)} models"
    rows = [(submission.target(one), _where(one), _size(parameters(one))) for one in those[:MOST_LISTED]]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"  {target:<{widths[0]}}  {where:<{widths[1]}}  {size}" for target, where, size in rows]
    head = f"{printable(submission.place.where)} holds {what}, and none is clearly the one:"
    tail = "Name one of them as the target; `modelcheck inspect` also takes --pick primary, largest or all."
    return AmbiguousModel("\n".join([head, *lines, *_more(len(those)), tail]))


def no_model(submission: Submission) -> NoModel:
    """The error that tells what there is instead."""
    found: list[str] = []
    makers: list[str] = []
    files = [submission.file] if submission.file else submission.project.files
    for path in files:
        try:
            chunks = submission.project.source(path).chunks
        except Unreadable as error:
            found.append(f"  {shown_path(path)} cannot be read: {error}")
            continue
        classes = [chunk.defines for chunk in chunks if chunk.is_class and chunk.defines]
        functions = [chunk.defines for chunk in chunks if not chunk.is_class and chunk.defines]
        makers += [submission.target_in(path, name) for name in functions if _MAKES.search(name)]
        if classes:
            found.append(f"  {shown_path(path)}: {counted(len(classes), 'class', 'classes')} ({_few(classes)})")
        if functions:
            found.append(f"  {shown_path(path)}: {counted(len(functions), 'function')} ({_few(functions)})")
        found += [
            f"  {one.file}, line {one.line} imports {one.name}, which is neither there nor installed"
            for one in absent(submission.project, path)
        ]
    if not found:
        found = [f"  {counted(len(files), 'file')} without a class or a function" if files else "  no source file"]
    lines = [f"{printable(submission.place.where)} holds no class that derives from nn.Module. What is there:"]
    lines += [*found[:MOST_LISTED], *_more(len(found))]
    if not files:
        lines.append("A .py file or a notebook is expected")
    if makers:
        lines.append(f"Where a function makes the model, name it, as in {makers[0]}")
    return NoModel("\n".join(lines))


def _where(one: Candidate) -> str:
    cell = one.statement.file.rpartition(", ")[2] + ", " if one.path.suffix.lower() == ".ipynb" else ""
    return f"{cell}line {first_line(one.node)}"


def _size(held: int | str) -> str:
    return counted(held, "parameter") if isinstance(held, int) else held


def _few(names: Iterable[str]) -> str:
    those = [printable(name) for name in dict.fromkeys(names)]
    more = f" and {len(those) - _MOST_NAMED} more" if len(those) > _MOST_NAMED else ""
    return ", ".join(those[:_MOST_NAMED]) + more


def _more(count: int) -> list[str]:
    return [f"  … and {count - MOST_LISTED} more"] if count > MOST_LISTED else []
