"""What was handed in, a file, a folder or an archive, opened for a model to be taken from it."""

from __future__ import annotations

import contextlib
import itertools
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from modelcheck.author_trace import is_file, printable, shown_path
from modelcheck.errors import LoadError
from modelcheck.intake import sources, unpacked
from modelcheck.slicing.candidates import Candidate, Candidates
from modelcheck.slicing.chunks import Chunk
from modelcheck.slicing.project import Project
from modelcheck.slicing.source import Source, Unreadable
from modelcheck.target.place import Place, TargetNotFound, current_directory, is_folder, nearest

_MARKS = (".git", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "README.md", "readme.md")
_MOST_LEVELS = 4
_MOST_NEIGHBOURS = 50
_NO_MODEL = re.compile(r"(?:Loss|Criterion|Metric)$")
_LONGEST_README = 200_000


@dataclass(frozen=True)
class Submission:
    """The files among which a model is looked for.

    Args:
        place: what the user typed.
        folder: what the paths of candidates are relative to; the file's own where it is a file.
        file: the one file that was named, if it was a file.
        project: the files as modules.
    """

    place: Place
    folder: Path
    file: Path | None
    project: Project
    candidates: Candidates = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "candidates", Candidates(self.project))

    @cached_property
    def among(self) -> Sequence[Candidate]:
        """The candidates that come into question: the file's own, or those that it makes; all of a folder."""
        found = self.candidates.all
        if self.file is not None:
            own = [one for one in found if one.path == self.file]
            made = [one for one in found if any(use.user == self.file for use in self.candidates.uses[one.key])]
            return _first_tier(own or made)
        models = [one for one in _first_tier(found) if not _NO_MODEL.search(one.name)]
        return [one for one in models if not self.candidates.is_test(one.path)] or models or _first_tier(found)

    @property
    def broken(self) -> Sequence[Chunk]:
        """The definitions of models that are no Python, in the file that was named or in all of a folder."""
        files = {part.file for part in self.source().parts} if self.file is not None else None
        return [chunk for chunk in self.candidates.broken if files is None or chunk.file in files]

    def source(self) -> Source:
        """The statements of the one file that was named.

        Raises:
            LoadError: it cannot be read.
        """
        assert self.file is not None
        try:
            return self.project.source(self.file)
        except Unreadable as error:
            shown = shown_path(self.file)
            raise LoadError(f"{shown} cannot be read: {error}", file=shown) from None

    def target(self, one: Candidate) -> str:
        """The candidate as a target that can be pasted into a shell."""
        return self.target_in(one.path, one.name)

    def target_in(self, path: Path, name: str) -> str:
        """What a file defines as a target that can be pasted into a shell."""
        if self.file is None:
            return self.place.target(name, path.relative_to(self.folder).as_posix())
        return (self.place if path == self.file else Place(shown_path(path), name)).target(name)

    @cached_property
    def readme(self) -> str:
        """The text of the README, if there is one."""
        for path in sorted(self.folder.glob("[Rr][Ee][Aa][Dd][Mm][Ee]*")):
            with contextlib.suppress(OSError):
                if is_file(path) and path.resolve().parent == self.folder.resolve():
                    with path.open("rb") as file:
                        return file.read(_LONGEST_README).decode(errors="replace")
        return ""


def _first_tier(candidates: Sequence[Candidate]) -> list[Candidate]:
    first = min((one.tier for one in candidates), default=0)
    return [one for one in candidates if one.tier == first]


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Submission]:
    """The submission; within the context its modules can be executed.

    Raises:
        UsageError: nothing is called that.
        UnsafeSubmission: a link or a path leads out of it, or it is far too much.
    """
    assert place.path is not None
    with contextlib.ExitStack() as stack:
        path, here = place.path, None
        if is_file(path) and path.suffix.lower() not in {".py", ".ipynb"}:
            root = stack.enter_context(unpacked(path))
            path = _inside(root, place)
        else:
            root = path if is_folder(path) else _root_of(path)
            here = None if is_folder(path) else current_directory()
        if is_folder(path):
            folder, file, files = path, None, sources(path)
            root = path if place.inner == "" else root
        else:
            folder, file, files = path.parent, path, _neighbours(path)
        project = Project(root, files, around=_undisturbed, last=here)
        stack.enter_context(project.open())
        if file is not None:
            project.follow(file)
        yield Submission(place, folder, file, project)


def _inside(root: Path, place: Place) -> Path:
    """The file or folder in an unpacked archive."""
    path = (root / place.inner).resolve()
    if path.is_relative_to(root.resolve()) and (is_file(path) or is_folder(path)):
        return root / place.inner
    files = {found.relative_to(root).as_posix(): found for found in sources(root)}
    near = nearest(place.inner, files)
    hint = f"did you mean {' or '.join(map(printable, near))}?" if near else f"it holds {len(files)} sources"
    raise TargetNotFound(f"{printable(place.where)}: there is no {printable(place.inner)} in the archive; {hint}")


def _root_of(file: Path) -> Path:
    """The folder of the project that a file belongs to: the nearest with a mark of one, else above its packages."""
    for folder in itertools.islice(file.parents, _MOST_LEVELS):
        if any((folder / mark).exists() for mark in _MARKS):
            return folder
    folder = file.parent
    while is_file(folder / "__init__.py") and folder != folder.parent:
        folder = folder.parent
    return folder


def _neighbours(file: Path) -> list[Path]:
    """The file and the sources beside it, which may import it and show how it is used."""
    try:
        found = sorted(path for path in file.parent.iterdir() if path.suffix in {".py", ".ipynb"} and is_file(path))
    except OSError:
        found = []
    return [file, *(path for path in found if path != file)][:_MOST_NEIGHBOURS]


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """What a definition needs that is executed late, while forward is being captured: torch as it is at first."""
    import numpy
    import torch
    from torch.utils._python_dispatch import _disable_current_modes

    drawing = torch._C._len_torch_dispatch_stack() > 0  # forward is being captured, and draws nothing here itself
    states = random.getstate(), numpy.random.get_state()

    with (
        contextlib.redirect_stdout(sys.stderr),
        _disable_current_modes(),
        torch._C.DisableTorchFunction(),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        try:
            yield
        finally:
            if drawing:
                random.setstate(states[0])
                numpy.random.set_state(states[1])
