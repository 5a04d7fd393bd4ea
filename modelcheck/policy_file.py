"""What a policy file may hold, table by table."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

LEVELS = ("error", "advice", "off")

Side = Annotated[int, Meta(ge=1, le=100_000)]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of the policy file."""


class ModelSection(_Section, frozen=True, kw_only=True):
    """``[model]``: one sample's shape (C, H, W), and the number of classes."""

    input: tuple[Side, ...] | None = None
    classes: Side | None = None


class TrainingSection(_Section, frozen=True, kw_only=True):
    """``[training]``: the course's recipe and what accuracy it must reach."""

    recipe: str | None = None
    epochs: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    accuracy: dict[str, Any] | None = None


class Late(_Section, frozen=True, kw_only=True):
    """``[grading] late``: what a day costs after ``due``, as a fraction of the points."""

    due: Annotated[datetime.datetime, Meta(tz=True)]
    penalty_per_day: Annotated[float, Meta(ge=0, le=1)] = 0.0


class GradingSection(_Section, frozen=True, kw_only=True):
    """``[grading]``: how points are given.

    ``score`` trains the graph, or scores the weights that were handed in. ``templates`` are files, folders or archives
    that the course gave out, relative to the policy's file: what submissions have from them is no likeness.
    ``training_s`` is how many seconds one training may take, on one core.
    """

    score: Literal["train", "weights"] = "train"
    points: dict[str, Annotated[float, Meta(ge=0, le=1_000_000)]] | None = None
    late: Late | None = None
    templates: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    training_s: Annotated[float, Meta(ge=1)] = 3600.0


class PolicyFile(_Section, frozen=True, kw_only=True):
    """The whole file. A rule's value is an option table, a level (error, advice, off) or one of the rule's words."""

    extends: str | None = None
    title: str | None = None
    model: ModelSection = ModelSection()
    rules: dict[str, Any] = {}
    training: TrainingSection = TrainingSection()
    grading: GradingSection = GradingSection()
