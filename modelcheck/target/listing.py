"""What to say where nothing in a submission, or no one thing, is the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from modelcheck.author_trace import printable, shown_path
from modelcheck.errors import AmbiguousModel, NoModel
from modelcheck.slicing.candidates import Candidate
from modelcheck.slicing.source import Unreadable
from modelcheck.target.finding import first_line
from modelcheck.target.place import MOST_LISTED
from modelcheck.target.submission import Submission
from modelcheck.words import counted

_MOST_NAMED = 8


def ambiguous(
    submission: Submission, among: Sequence[Candidate], parameters: Callable[[Candidate], int | str]
) -> AmbiguousModel:
    """The error that lists the candidates, ready to paste, with their lines and sizes."""
    named = printable(submission.place.name)
    what = f"{len(among)} definitions of {named}" if named else f"{len(among)} models"
    rows = [(submission.target(one), _where(one), _size(parameters(one))) for one in among[:MOST_LISTED]]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"  {target:<{widths[0]}}  {where:<{widths[1]}}  {size}" for target, where, size in rows]
    head = f"{printable(submission.place.where)} holds {what}, and none is clearly the one:"
    tail = "Name one of them as the target, or let --pick primary or --pick largest decide."
    return AmbiguousModel("\n".join([head, *lines, *_more(len(among)), tail]))


def no_model(submission: Submission) -> NoModel:
    """The error that tells what there is instead."""
    found: list[str] = []
    files = [submission.file] if submission.file else submission.project.files
    for path in files:
        try:
            chunks = submission.project.source(path).chunks
        except Unreadable as error:
            found.append(f"  {shown_path(path)} cannot be read: {error}")
            continue
        classes = [chunk.defines for chunk in chunks if chunk.is_class and chunk.defines]
        functions = [chunk.defines for chunk in chunks if not chunk.is_class and chunk.defines]
        for kind, names in (("class", classes), ("function", functions)):
            if names:
                found.append(
                    f"  {shown_path(path)}: {counted(len(names), kind, f'{kind}es' if kind == 'class' else None)}"
                    f" ({_few(names)})"
                )
        broken = (chunk for chunk in chunks if not chunk.statements and chunk.problem and chunk.defines)
        found += [f"  {shown_path(one.file)}, line {one.line}: {one.defines} is no Python" for one in broken]
    if not found:
        found = [
            f"  {counted(len(files), 'file')} without a class or a function" if files else "  no .py file, no notebook"
        ]
    head = f"{printable(submission.place.where)} holds no class of nn.Module. What is there:"
    tail = f"Where a function or an object is the model, name it, as in {submission.place.target('make_net')}"
    return NoModel("\n".join([head, *found[:MOST_LISTED], *_more(len(found)), tail]))


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
