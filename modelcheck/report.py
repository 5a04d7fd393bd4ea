"""The report: what every command computes, every format shows and every script reads.

Attributes are the JSON's keys. Accuracies are fractions of one; times are seconds.
"""

from __future__ import annotations

import importlib
import math
import statistics
from collections.abc import Sequence
from typing import Literal

import msgspec

from modelcheck.errors import AuthorError
from modelcheck.facts.structs import Facts, Layer, Parameters
from modelcheck.facts.walked import WalkedFacts, WalkedParameters
from modelcheck.origin import Origin

Severity = Literal["error", "advice"]
Outcome = Literal["pass", "fail", "not run"]
Verdict = Literal["pass", "fail", "error"]

EXIT_STATUS: dict[Verdict, int] = {"pass": 0, "fail": 1, "error": 3}


def finite_or_none(number: float) -> float | None:
    """The number, or None where it is infinite or none: JSON has no place for those."""
    return number if math.isfinite(number) else None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a rule found, with the evidence it rests on."""

    code: str
    name: str
    severity: Severity
    outcome: Literal["fail"] = "fail"
    message: str
    where: str | None = None
    file: str | None = None
    line: int | None = None


class UnknownIgnore(msgspec.Struct, frozen=True, kw_only=True):
    """A comment of the author's that ignores what is no rule."""

    name: str
    file: str
    line: int


class RuleOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule decided: the evidence where it ran, the cause where it could not."""

    code: str
    name: str
    severity: Severity
    outcome: Outcome
    evidence: str | None = None
    cause: str | None = None


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """One epoch of training and the evaluation after it. A loss that was not finite is None."""

    epoch: int
    images: int
    train_loss: float | None
    train_accuracy: float
    test_loss: float | None
    test_accuracy: float
    train_s: float
    eval_s: float


class TestAccuracy(msgspec.Struct, frozen=True, kw_only=True):
    """Accuracy on the test set, as fractions of one."""

    __test__ = False

    last: float
    best: float
    best_epoch: int


class TrainAccuracy(msgspec.Struct, frozen=True, kw_only=True):
    """Accuracy of the final weights on so many training images as they are, in evaluation mode."""

    images: int
    last: float


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What a model knew before its first step. A loss that was not finite is None.

    ``images``: how many of the test set it was evaluated on. ``train_loss``: the first batch's, in training mode.
    """

    images: int
    test_accuracy: float
    test_loss: float | None
    train_loss: float | None


DeadCause = Literal["no gradient", "zero gradient", "unchanged"]


class DeadParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A trainable parameter that did not learn: it had no gradient, nothing but zeros, or one that changed nothing."""

    path: str
    parameters: int
    cause: DeadCause


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """A test image that was taken for another class; ``index`` is its place in the test set, the first being 0."""

    index: int
    label: int
    predicted: int
    loss: float | None


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """Several trainings of one architecture under seeds that follow each other."""

    n: int
    mean: float
    std: float
    accuracies: tuple[float, ...]

    @classmethod
    def of(cls, accuracies: Sequence[float]) -> Runs:
        """Of one accuracy at least; one alone has no spread."""
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        return cls(n=len(accuracies), mean=statistics.mean(accuracies), std=spread, accuracies=tuple(accuracies))


class Metrics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What training and evaluation measured.

    ``official``: on the published data of that name, to the bit. ``confusion[i][j]``: images of class i that were taken
    for class j. ``mistakes``: those with the highest loss, the worst first.
    ``weights``: the file that was scored or that the training started from, where one was given. ``dead_parameters``:
    those that did not learn; their gradients were looked at in ``gradient_checks`` of the training's steps.
    ``train_accuracy`` is None after an interruption.
    """

    dataset: str
    official: bool
    train_images: int
    test_images: int
    recipe: str | None
    seed: int | None
    device: str
    dtype: str
    threads: int
    epochs: tuple[Epoch, ...]
    test_accuracy: TestAccuracy
    test_loss: float | None
    confusion: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...]
    images_per_s: float
    wall_s: float
    interrupted: bool = False
    runs: Runs | None = None
    weights: str | None = None
    start: Start | None = None
    train_accuracy: TrainAccuracy | None = None
    dead_parameters: tuple[DeadParameter, ...] = ()
    gradient_checks: int = 0


Likeness = Literal["graph", "weights", "source"]


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """How many other submissions are like one: ``share`` is how much of the smaller one of two they have in common."""

    likeness: Likeness
    others: int
    share: float


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison of so many submissions, itself included, says of one."""

    submissions: int
    alike: tuple[Alike, ...] = ()


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """What wrote the report."""

    name: str
    version: str
    torch: str


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Points, where the policy gives any."""

    points: float
    max_points: float


class Award(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule gives of its points."""

    code: str
    points: float
    max_points: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known about one target; the contract's JSON in this order.

    ``origin`` is None for a module, an installed package's name, a saved capture, and where no model was built.
    ``strict`` says that advice counted. ``awards`` are the rules' parts of the score, where the policy gives points.
    ``ignored`` is advice that comments in the author's file took out of ``findings``.
    """

    schema_version: int = 1
    tool: Tool
    target: str
    origin: Origin | None = None
    policy: str | None
    strict: bool = False
    verdict: Verdict
    score: Score | None = None
    awards: tuple[Award, ...] = ()
    facts: Facts | WalkedFacts | None
    layers: tuple[Layer, ...] = ()
    findings: tuple[Finding, ...]
    ignored: tuple[Finding, ...] = ()
    unknown_ignores: tuple[UnknownIgnore, ...] = ()
    rules: tuple[RuleOutcome, ...]
    metrics: Metrics | None = None

    @property
    def exit_status(self) -> int:
        """The command's exit status for this verdict."""
        return EXIT_STATUS[self.verdict]

    @property
    def parameters(self) -> Parameters | WalkedParameters:
        """The facts' parameters.

        Raises:
            AuthorError: the model could not be loaded, captured or run; the text is the finding's.
        """
        if self.facts is None:
            why = next((one.message for one in self.findings), "nothing is known of the model")
            raise AuthorError(f"{self.target}: {why}")
        return self.facts.parameters

    def _repr_html_(self) -> str:
        """What Jupyter and Colab show of it."""
        # by its name, as all that shows reports knows them, and not the other way round
        html: str = importlib.import_module("modelcheck.notebook").cell(self)
        return html
