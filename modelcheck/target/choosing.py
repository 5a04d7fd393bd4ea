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


def whole(candidates: Candidates, among: Sequence[Candidate]) -> list[Candidate]:
    """Those that are no part and no base of another, or are made by themselves; one of each that are written alike."""
    apart = [one for one in among if not candidates.is_part(one)] or list(among)
    alike: dict[str, list[Candidate]] = {}
    for one in apart:
        alike.setdefault(candidates.like(one), []).append(one)
    return [_best_copy(candidates, copies) for copies in alike.values()]


def clear(candidates: Candidates, among: Sequence[Candidate]) -> Choice | None:
    """The candidate that is clearly the model; None where several could be.

    Args:
        candidates: with what the author's files do with each.
        among: those that come into question, at least one.
    """
    those = whole(candidates, among)
    if len(those) == 1:
        return Choice(those[0], _only(candidates, those[0], among))
    if made := [one for one in those if _users(candidates, one)]:
        if any(one.name in candidates.mentioned for one in those if one not in made):
            return None  # a table of classes, say, from which one is chosen when it runs
        if len(made) == 1:
            return Choice(made[0], f"the only one that {_named(_users(candidates, made[0]))} makes")
        return _used_elsewhere(candidates, made)
    tested = [one for one in those if candidates.uses[one.key]]
    if len(tested) != 1:
        return None
    return Choice(tested[0], f"the only one that {_named(_users(candidates, tested[0], tests=True))} makes")


def _only(candidates: Candidates, one: Candidate, among: Sequence[Candidate]) -> str:
    if len(among) == 1:
        return "the only model"
    copies = [other for other in among if other.name == one.name and candidates.like(other) == candidates.like(one)]
    if len(copies) > 1:
        return f"the only model, the same in {counted(len({copy.path for copy in copies}), 'file')}"
    return "the others are parts or bases of it"


def best(candidates: Candidates, among: Sequence[Candidate], readme: str) -> Choice:
    """The candidate that is most likely the model: what ``--pick primary`` takes where none is clear.

    Args:
        candidates: with what the author's files do with each.
        among: those that come into question, at least one.
        readme: the text of the submission's README, if any.
    """
    among = whole(candidates, among)

    def evidence(place: int) -> tuple[object, ...]:
        one = among[place]
        users = _users(candidates, one)
        return (
            any(candidates.is_script(path) and path != one.path for path in users),
            bool(users),
            bool(candidates.uses[one.key]),
            _in_readme(one, readme, among),
            not _is_notebook(one),
            -len(one.path.parts),
            place,  # what was written last
        )

    place = max(range(len(among)), key=evidence)
    return Choice(among[place], f"the most likely of {len(among)} candidates")


def _used_elsewhere(candidates: Candidates, made: Sequence[Candidate]) -> Choice | None:
    """The one that other files make, where the others are only tried out in the file that defines them."""
    used = [one for one in made if any(path != one.path for path in _users(candidates, one))]
    rivals = [one for one in made if one not in used and (_is_notebook(one) or candidates.is_script(one.path))]
    if len(used) != 1 or rivals:
        return None
    users = [path for path in _users(candidates, used[0]) if path != used[0].path]
    return Choice(used[0], f"the only one that another file, {_named(users)}, makes")


def _best_copy(candidates: Candidates, copies: Sequence[Candidate]) -> Candidate:
    """Of copies one that other files make, else one in a script, else the last."""
    made = [one for one in copies if any(path != one.path for path in _users(candidates, one))]
    scripts = [one for one in copies if not _is_notebook(one)]
    return (made or scripts or list(copies))[-1]


def _users(candidates: Candidates, one: Candidate, *, tests: bool = False) -> list[Path]:
    """The files that make the candidate."""
    users = dict.fromkeys(use.user for use in candidates.uses[one.key])
    return [path for path in users if candidates.is_test(path) is tests]


def _named(paths: Sequence[Path]) -> str:
    return " and ".join(path.name for path in paths[:2]) + (" and others" if len(paths) > 2 else "")


def _is_notebook(one: Candidate) -> bool:
    return one.path.suffix.lower() == ".ipynb"


def _in_readme(one: Candidate, readme: str, among: Sequence[Candidate]) -> bool:
    names = [one.name] if [other.name for other in among].count(one.name) == 1 else []
    files = [one.path.name] if [other.path.name for other in among].count(one.path.name) == 1 else []
    return any(re.search(rf"(?<![\w./]){re.escape(word)}(?!\w)", readme) for word in (*names, *files))
