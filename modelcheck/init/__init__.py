"""Files to start from: a policy, and what continuous integration and course platforms run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from modelcheck.errors import UsageError
from modelcheck.files import write_beside
from modelcheck.policy import Policy, load_policy, preset_text
from modelcheck.rules import find_rule

POLICY, SCHEMA = "modelcheck.toml", "modelcheck.schema.json"
_ALL = 100  # points for a model that passes, where the policy gives none for its rules


@dataclass(frozen=True)
class Draft:
    """A file to be written: its path below the current directory, its text, and whether it is to be run."""

    path: str
    text: str
    runs: bool = False


@dataclass(frozen=True)
class Graded:
    """One test of GitHub Classroom's: its name, the condition on the report, and what it gives."""

    name: str
    condition: str
    points: int


def policy_draft(preset: str) -> Draft:
    """A policy that extends the preset and asks for nothing more; what it could ask for stands in it as comments.

    Raises:
        UsageError: there is no such preset.
    """
    preset_text(preset)
    base = load_policy(preset)
    worth = [one.rule.name for one in base.active() if one.severity == "error" and not one.rule.always]
    return Draft(POLICY, _rendered("policy.toml", preset=preset, schema=SCHEMA, points=_shares(worth)))


def github_drafts(policy: Policy, target: str, requirement: str) -> list[Draft]:
    """The workflow of a course's template repository, with GitHub Classroom's points.

    Args:
        policy: which the repository holds.
        target: what is checked.
        requirement: what pip installs modelcheck by.
    Raises:
        UsageError: a rule gives half points, which GitHub Classroom does not know.
    """
    tests = list(_graded(policy))
    text = _rendered("classroom.yml", command=_command(policy), target=target, requirement=requirement, tests=tests)
    return [Draft(".github/workflows/classroom.yml", text)]


def gitlab_drafts(policy: Policy, target: str, requirement: str) -> list[Draft]:
    """The pipeline of a repository at GitLab."""
    text = _rendered("gitlab-ci.yml", command=_command(policy), target=target, requirement=requirement)
    return [Draft(".gitlab-ci.yml", text)]


def gradescope_drafts(requirement: str) -> list[Draft]:
    """What Gradescope sets an autograder up with, and runs for each submission."""
    return [
        Draft(f"gradescope/{name}", _rendered(name, requirement=requirement, policy=POLICY), runs=True)
        for name in ("setup.sh", "run_autograder")
    ]


def requirement_here() -> str:
    """What pip installs this very modelcheck by: its repository and commit where it came from one, else its version."""
    source = _source()
    if vcs := source.get("vcs_info"):
        return f"modelcheck @ {vcs['vcs']}+{source['url']}@{vcs['commit_id']}"
    return f"modelcheck=={distribution('modelcheck').version}"


def from_a_folder() -> bool:
    """Whether this modelcheck was installed from a folder, which no other machine has."""
    return "dir_info" in _source()


def write(drafts: Sequence[Draft], *, force: bool) -> None:
    """Write the files; all of them, or none where one is there and is not to be replaced.

    Raises:
        UsageError: one is there, or cannot be written.
    """
    there = [one.path for one in drafts if Path(one.path).exists() or Path(one.path).is_symlink()]
    if there and not force:
        are = "are there already" if len(there) > 1 else "is there already"
        raise UsageError(f"{', '.join(there)} {are}, and nothing was written; --force replaces what is there")
    for one in drafts:
        path = Path(one.path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make the folder {path.parent}: {error.strerror or error}") from None
        write_beside(path, one.text.encode())
        if one.runs:
            path.chmod(path.stat().st_mode | 0o111)


def _source() -> dict[str, Any]:
    """Where pip installed it from, as PEP 610 has it; empty where that was a package index."""
    found: dict[str, Any] = json.loads(distribution("modelcheck").read_text("direct_url.json") or "{}")
    return found


def _command(policy: Policy) -> str:
    return "train-eval" if any(one.rule.waits_for_training for one in policy.active()) else "inspect"


def _graded(policy: Policy) -> Sequence[Graded]:
    points = policy.grading.points or {}
    if not points:
        return [Graded("modelcheck", '.verdict == "pass"', _ALL)]
    tests = []
    for key, value in points.items():
        rule = find_rule(key)
        assert rule is not None  # the policy was read
        if value != int(value):
            raise UsageError(
                f"{policy.name}: grading.points.{key} is {value:g}, and GitHub Classroom knows whole points only"
            )
        condition = f'.awards[] | select(.code == "{rule.code}") | .points == .max_points'
        tests.append(Graded(rule.name, condition, int(value)))
    return tests


def _shares(names: Sequence[str]) -> dict[str, int]:
    """A hundred points, as evenly as whole ones can be."""
    share, rest = divmod(_ALL, max(len(names), 1))
    return {name: share + (nth < rest) for nth, name in enumerate(names)}


def _rendered(name: str, **context: Any) -> str:
    return _environment().get_template(name).render(context)


@cache
def _environment() -> Environment:
    """Templates whose marks are none of YAML's, of the shell's or of GitHub's."""
    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=False,  # no HTML: each value goes through a filter for its language
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    made.filters |= {"yaml": partial(json.dumps, ensure_ascii=False), "shell": shlex.quote}
    return made
