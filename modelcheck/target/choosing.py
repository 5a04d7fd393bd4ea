"""Which of an author's candidates is the model, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelcheck.slicing.candidates import Candidate, Candidates
from modelcheck.words import counted


@dataclass(frozen=True)
class Choice:
    """A candidate and why it was taken; ``because`` says it of the candidate: "the only model"."""

    candidate: Candidate
    because: str


def clear(candidates: Candidates, among: Sequence[Candidate], readme: str) -> Choice | None:
    """The candidate that is clearly the model; None where several could be.

    Args:
        candidates: with what the author's files do with each.
        among: those that come into question, at least one.
        readme: the text of the submission's README, if any.
    """
    if len(among) == 1:
        return Choice(among[0], "the only model")
    called = [one for one in among if candidates.uses[one.key]]
    whole = [one for one in among if one.key not in candidates.parts or one in called]
    if same := _all_alike(candidates, whole):
        return same if len(whole) > 1 or len(whole) == len(among) else Choice(whole[0], "the others are parts of it")
    scripts = [one for one in whole if _users(candidates, one, tests=False)]
    if same := _all_alike(candidates, scripts):
        return Choice(
            same.candidate, f"the only one that {_named(_users(candidates, same.candidate, tests=False))} makes"
        )
    if scripts:
        return _used_elsewhere(candidates, scripts)
    tested = [one for one in whole if candidates.uses[one.key]]
    if same := _all_alike(candidates, tested):
        return Choice(
            same.candidate, f"the only one that {_named(_users(candidates, same.candidate, tests=True))} makes"
        )
    told = [one for one in whole if _in_readme(one, readme, whole)]
    if not tested and (same := _all_alike(candidates, told)):
        return Choice(same.candidate, "the only one that the README names")
    return None


def best(candidates: Candidates, among: Sequence[Candidate], readme: str) -> Choice:
    """The candidate that is most likely the model: what ``--pick primary`` takes where none is clear."""

    def evidence(place: int) -> tuple[object, ...]:
        one = among[place]
        users = _users(candidates, one, tests=False)
        return (
            any(candidates.is_script(path) and path != one.path for path in users),
            bool(users),
            bool(candidates.uses[one.key]),
            _in_readme(one, readme, among),
            one.key not in candidates.parts,
            not _is_notebook(one),
            place,  # what was written last
        )

    place = max(range(len(among)), key=evidence)
    return Choice(among[place], f"the most likely of {len(among)} candidates")


def _used_elsewhere(candidates: Candidates, scripts: Sequence[Candidate]) -> Choice | None:
    """The one that other files use, where the others are only tried out in the file that defines them."""
    used = [one for one in scripts if any(path != one.path for path in _users(candidates, one, tests=False))]
    rivals = [one for one in scripts if one not in used and (_is_notebook(one) or candidates.is_script(one.path))]
    same = None if rivals else _all_alike(candidates, used)
    if same is None:
        return None
    users = [path for path in _users(candidates, same.candidate, tests=False) if path != same.candidate.path]
    return Choice(same.candidate, f"the only one that another file, {_named(users)}, makes")


def _is_notebook(one: Candidate) -> bool:
    return one.path.suffix.lower() == ".ipynb"


def _all_alike(candidates: Candidates, those: Sequence[Candidate]) -> Choice | None:
    """The one of several copies that other files use, else the first; None where they differ or there is none."""
    if not those or len({candidates.like(one) for one in those}) > 1:
        return None
    used = [one for one in those if any(path != one.path for path in _users(candidates, one, tests=False))]
    files = len({one.path for one in those})
    return Choice(
        (used or list(those))[0], f"the same in {counted(files, 'file')}" if len(those) > 1 else "the only model"
    )


def _users(candidates: Candidates, one: Candidate, *, tests: bool) -> list[Path]:
    return list(dict.fromkeys(use.path for use in candidates.uses[one.key] if use.is_test is tests))


def _named(paths: Sequence[Path]) -> str:
    return " and ".join(path.name for path in paths[:2]) + (" and others" if len(paths) > 2 else "")


def _in_readme(one: Candidate, readme: str, among: Sequence[Candidate]) -> bool:
    names = [one.name] if [other.name for other in among].count(one.name) == 1 else []
    files = [one.path.name] if [other.path.name for other in among].count(one.path.name) == 1 else []
    return any(re.search(rf"(?<![\w./]){re.escape(word)}(?!\w)", readme) for word in (*names, *files))
