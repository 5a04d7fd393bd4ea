"""What grading knows of one submission, and what it gives for it."""

from __future__ import annotations

import datetime
from typing import Literal

import msgspec

from modelcheck.report import Report


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One of several who handed something in together, as the platform knows them."""

    student: str | None = None
    name: str | None = None


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a folder of submissions.

    ``id`` is the entry's full name, unique and unchanged. ``path`` is absolute. ``student`` and ``name`` are what the
    roster or the platform calls its author, ``submitted`` is from there too: files' own times decide nothing.
    ``content`` is the SHA-256 of the entry's names and bytes. ``problem`` says why it cannot be read, where it cannot.
    ``group`` is who handed it in where the platform names several. ``supersedes`` are the entries beside it that do not
    count, earlier attempts for instance, and are no submissions.
    """

    id: str
    path: str
    content: str
    student: str | None = None
    name: str | None = None
    submitted: datetime.datetime | None = None
    due: datetime.datetime | None = None
    problem: str | None = None
    group: tuple[Member, ...] = ()
    supersedes: tuple[str, ...] = ()


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """How late a submission is, in days, and the fraction of its points that this costs."""

    days: float
    penalty: float


class Sandboxed(msgspec.Struct, frozen=True, kw_only=True):
    """How the author's code was kept in: the sandbox, and what it does not guarantee, in words."""

    sandbox: Literal["bubblewrap", "process", "none"]
    weaker: tuple[str, ...] = ()


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """What one submission was given. ``points`` are after the penalty; both are None where the policy gives none.

    ``accuracies`` are those of all attempts; ``accuracy`` is the one that counted. ``seconds`` is its time.
    ``group`` is the submission's.
    """

    id: str
    content: str
    student: str | None = None
    name: str | None = None
    submitted: datetime.datetime | None = None
    group: tuple[Member, ...] = ()
    points: float | None
    max_points: float | None
    late: Late | None = None
    accuracy: float | None = None
    accuracies: tuple[float, ...] = ()
    seconds: float
    sandboxed: Sandboxed
    report: Report

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the rules that the submission violates, in the order of their codes."""
        return tuple(one.name for one in self.report.rules if one.outcome == "fail" and one.severity == "error")
