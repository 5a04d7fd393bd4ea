"""The source text of a submission, read and never run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from modelcheck.author_trace import is_file
from modelcheck.errors import AuthorError, UsageError
from modelcheck.intake import is_archive, sources, unpacked
from modelcheck.intake.notebook import NotANotebook, code_cells
from modelcheck.intake.text import decoded

MAX_FILE_BYTES = 8 * 2**20
MAX_FILES = 200
_SOURCES = (".py", ".ipynb")


def source_texts(submission: str | Path) -> dict[str, str]:
    """The Python of a submission by file name, of a notebook its code; empty where nothing can be read safely.

    Files over 8 MiB are left out, and more than 200; of those the large ones, where all are over 8 MiB.

    Args:
        submission: a folder, an archive, or one file.
    """
    found: dict[str, str] = {}
    left = MAX_FILE_BYTES
    with contextlib.suppress(AuthorError, UsageError, OSError), _files(Path(submission)) as (root, files):
        for file in sorted(files[:MAX_FILES], key=lambda one: one.lstat().st_size):
            name = file.relative_to(root).as_posix()
            with contextlib.suppress(OSError, NotANotebook):
                if left > 0 and (text := _text(file)):
                    found[name] = text
                    left -= len(text)
    return found


@contextlib.contextmanager
def _files(submission: Path) -> Iterator[tuple[Path, list[Path]]]:
    """The folder, and the files in it."""
    if submission.is_dir():
        yield submission, sources(submission)
    elif is_archive(submission):
        with unpacked(submission) as folder:
            yield folder, sources(folder)
    elif submission.suffix.lower() in _SOURCES and is_file(submission):
        yield submission.parent, [submission]
    else:
        yield submission.parent, []


def _text(file: Path) -> str | None:
    """The file's code; None where it is too large."""
    with file.open("rb") as stream:
        content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        return None
    if file.suffix.lower() == ".ipynb":
        return "\n".join(cell.text for cell in code_cells(content))
    return decoded(content)
