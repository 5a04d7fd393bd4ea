"""GitHub Classroom: ``assignment-6-submissions/assignment-6-octocat``, a repository for each student or team.

Source: github/gh-classroom, cmd/gh-classroom/clone/student-repos/student-repos.go. Classroom Assistant names the folder
by the assignment and a date.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelcheck.grading.layouts import Author


def authors(folder: Path, names: Sequence[str]) -> Mapping[str, Author]:
    """The user or team behind the assignment's name; none where the entries are no repositories.

    The assignment's name is what the folder's own name begins with; else what all repositories' names share, up to a
    hyphen, where there are several. A repository's dates are its author's and tell nothing.
    """
    repositories = [name for name in names if os.path.isdir(folder / name / ".git")]  # noqa: PTH112 - a folder may be closed
    shared = os.path.commonprefix(repositories)  # noqa: RUF071 - of names, not of paths
    ends = [at for at, letter in enumerate(shared, start=1) if letter == "-"]
    named = [at for at in ends if folder.name.startswith(shared[: at - 1])]
    if not ends or (not named and len(repositories) < 2):
        return {}
    start = (named or ends)[-1]
    return {name: Author(student=name[start:]) for name in repositories if name[start:]}
