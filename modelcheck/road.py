"""One target's way from its name to a report: load, capture, describe, train or score, judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from modelcheck.collector import collector_paused
from modelcheck.errors import AuthorError, UsageError
from modelcheck.facts.walked import Walked
from modelcheck.files import check_writable
from modelcheck.inputs import Given, Inputs, InputSpec, input_specs, readings
from modelcheck.judge import awards, judge, score, unknown_ignores, verdict
from modelcheck.names import unknown_name
from modelcheck.plots import check_figure
from modelcheck.policy import Policy
from modelcheck.report import Metrics, Report, Runs, Tool
from modelcheck.rules.base import Subject
from modelcheck.target.place import parse

if TYPE_CHECKING:
    import torch
    from torch import nn

    from modelcheck.facts.compute import Description
    from modelcheck.graph.capture import Capture
    from modelcheck.graph.model import GraphModel
    from modelcheck.origin import Origin, Pick
    from modelcheck.training.datasets import Dataset
    from modelcheck.training.observer import Observer
    from modelcheck.training.recipe import Recipe
    from modelcheck.training.threads import Threads

    Rebuilt = Callable[[int], tuple[Capture, Description]]
    Target = str | nn.Module | type[nn.Module]

CAPTURE_SUFFIX = ".mcz"
TRAINED_BATCH = 64  # of the sizes that are tried, the one that stands for any
NORMALIZE = "normalize"  # in the metadata of saved weights: whether they want normalised pictures
Device = Literal["auto", "cpu", "cuda"]


class Unscored(Exception):
    """Why a measure gives nothing; the text says what was expected of the author."""


@dataclass(frozen=True)
class Road:
    """One target's way from its name to a report; ``capture`` gives its capture where that is not made here."""

    target: Target
    policy: Policy
    input: Given | Sequence[Given] | None
    arguments: Mapping[str, object] | None
    select: Iterable[str]
    ignore: Iterable[str]
    strict: bool
    seed: int = 0
    isolated: bool = False
    pick: Pick | None = None
    capture: Callable[[], tuple[Capture | Walked, Origin | None]] | None = None

    def report(self, measure: Scoring | None = None) -> Report:
        """The report; with a measure also its metrics.

        Raises:
            UsageError: the command, the policy or the data are wrong, or nothing has the target's name.
        """
        policy = measure.asked(self.policy) if measure else self.policy
        active = policy.active(self.select, self.ignore)
        prepared = measure.prepare() if measure else None
        if prepared:
            _check_policy(policy, prepared.dataset)
        declared = self.policy.model.input
        expected = declared or (prepared.dataset.input_shape if prepared else None)
        classes = self.policy.model.classes or (prepared.dataset.classes if prepared else None)
        header, description, walked, metrics, failure, origin, unscored = None, None, None, None, None, None, None
        try:
            if self.capture:
                captured, origin = self.capture()
            else:
                captured, origin = capture_target(
                    self.target,
                    self.input,
                    self.arguments,
                    self.seed,
                    expected=expected,
                    isolated=self.isolated,
                    pick=self.pick,
                    weightless=measure is None,
                )
            if isinstance(captured, Walked):
                walked, failure = captured, captured.failure
            else:
                header = captured.header
                description = _describe(captured)
                if prepared and measure and _fits(description, prepared):
                    again = partial(self._rebuilt, expected=expected)
                    metrics = measure.run(captured, description, prepared, self.seed, again)
                    if measure.weights:
                        metrics = msgspec.structs.replace(metrics, weights=str(measure.weights))
        except AuthorError as error:
            failure = error
        except Unscored as why:
            unscored = str(why)
        subject = Subject(
            facts=description.facts if description else None,
            layers=description.layers if description else (),
            flows=description.flows if description else None,
            metrics=metrics,
            unscored=unscored,
            failure=failure,
            walked=walked is not None,
            input_shape=declared,
            classes=classes,
            most_epochs=self.policy.training.epochs,
            origin=origin,
            places=header.places() if header else {},
            ignores=header.ignores if header else (),
        )
        outcomes, findings, ignored = judge(subject, active)
        report = Report(
            tool=tool(),
            target=target_name(self.target),
            origin=origin,
            policy=self.policy.name,
            strict=self.strict,
            verdict=verdict(subject, active, outcomes, findings, strict=self.strict, measured=measure is not None),
            score=score(self.policy, outcomes, ignored),
            awards=awards(self.policy, outcomes, ignored),
            facts=walked.facts if walked else subject.facts,
            layers=walked.layers if walked else subject.layers,
            findings=findings,
            ignored=ignored,
            unknown_ignores=unknown_ignores(subject),
            rules=outcomes,
            metrics=metrics,
        )
        if measure and prepared:
            measure.draw(report, prepared)
        return report

    def _rebuilt(self, seed: int, expected: tuple[int, ...] | None) -> tuple[Capture, Description]:
        """The target built anew under another seed."""
        captured, _ = capture_target(
            self.target, self.input, self.arguments, seed, expected=expected, isolated=self.isolated, pick=self.pick
        )
        if isinstance(captured, Walked):
            raise captured.failure
        return captured, _describe(captured)


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """Evaluates given weights on a data set."""

    dataset: str
    data_dir: Path | None
    download: bool = False
    device: Device
    weights: Path | None
    plot: Path | None = None

    def asked(self, policy: Policy) -> Policy:
        """The policy with what is required of whatever is measured."""
        return policy.scoring()

    def prepare(self) -> Prepared:
        """Data and device: what can be wrong with the command is found before the author's code runs."""
        from modelcheck.training.datasets import load_dataset

        if self.plot:
            check_figure(self.plot, "--plot")
        if self.weights and not self.weights.is_file():
            raise UsageError(f"cannot read the weights {self.weights}: there is no such file")
        dataset = load_dataset(self.dataset, self.data_dir, download=self.download)
        return Prepared(dataset, _device(self.device))

    def run(
        self, captured: Capture, description: Description, prepared: Prepared, seed: int, rebuilt: Rebuilt
    ) -> Metrics:
        """What was measured on the capture's graph.

        Args:
            captured: of the model.
            description: of the capture.
            prepared: what ``prepare`` gave.
            seed: of everything random.
            rebuilt: gives the capture and description of the model as it is built under another seed.
        Raises:
            Unscored: the author gave nothing that can be measured.
        """
        from modelcheck.training.evaluation import evaluate, evaluation_metrics

        model, metadata = self._model(captured, description, prepared)
        found = evaluate(
            model,
            prepared.dataset,
            output_kind=description.facts.output_kind,
            device=prepared.device,
            normalize=metadata.get(NORMALIZE) != "false",
            channels_last=True,
        )
        return evaluation_metrics(found, prepared.dataset, device=prepared.device)

    def draw(self, report: Report, prepared: Prepared) -> None:
        """Draw what was measured, where that is wanted.

        Raises:
            UsageError: the file cannot be written.
        """
        if not self.plot or not report.metrics:
            return
        from modelcheck.plots.measured import measured_figure
        from modelcheck.plots.style import write_figure

        figure = measured_figure(report, prepared.dataset.test_images.numpy())
        try:
            write_figure(figure, self.plot)
        except UsageError as error:
            raise UsageError(f"{error}. {report.metrics.test_accuracy.last:.2%} on the test set was reached") from None

    def _model(
        self, captured: Capture, description: Description, prepared: Prepared
    ) -> tuple[GraphModel, dict[str, str]]:
        """The module that runs the capture, with the given weights, and what their file says of their training."""
        from modelcheck.graph.model import GraphModel
        from modelcheck.weights import load_weights

        _check_fit(description, prepared)
        model = GraphModel(captured, device="cpu")
        return model, load_weights(model, self.weights) if self.weights else {}


@dataclass(frozen=True, kw_only=True)
class Training(Scoring):
    """Trains and evaluates."""

    recipe: str | Path | None
    epochs: int | None
    runs: int = 1
    threads: Threads = None
    exact_dropout: bool = False
    save: Path | None
    resume: bool = False
    observer: Observer | None

    def asked(self, policy: Policy) -> Policy:
        """The policy with what is required of whatever is trained."""
        return policy.training_here(pretrained=self.weights is not None)

    def prepare(self) -> Prepared:
        """Data, device and recipe."""
        from modelcheck.training.recipe import DEFAULT_RECIPE, load_recipe

        recipe = load_recipe(self.recipe or DEFAULT_RECIPE)
        if self.save:
            check_writable(self.save, "--save")
        for name, number in (("epochs", self.epochs), ("runs", self.runs), ("threads", self.threads)):
            if isinstance(number, int) and number < 1:
                raise UsageError(f"{name}: at least 1 is expected, not {number}")
        if self.resume and not self.save:
            raise UsageError("--resume goes on from the checkpoint beside the weights: say with --save where they are")
        if self.resume and self.runs > 1:
            raise UsageError("--resume is for one run: leave --runs out")
        prepared = super().prepare()
        return Prepared(prepared.dataset, prepared.device, recipe)

    def run(
        self, captured: Capture, description: Description, prepared: Prepared, seed: int, rebuilt: Rebuilt
    ) -> Metrics:
        """What was measured while the capture's graph was trained; the weights of the first run are saved."""
        self._tell(1, seed, prepared)
        metrics = self._train(captured, description, prepared, seed, self.save)
        if self.runs == 1:
            return metrics
        accuracies = [metrics.test_accuracy.last]
        for run in range(1, self.runs):
            if metrics.interrupted:
                break
            try:
                self._tell(run + 1, seed + run, prepared)
                found = self._train(*rebuilt(seed + run), prepared, seed + run, None)
            except KeyboardInterrupt:
                found = None
            if found and not found.interrupted:
                accuracies.append(found.test_accuracy.last)
            else:
                metrics = msgspec.structs.replace(metrics, interrupted=True)
        return msgspec.structs.replace(metrics, runs=Runs.of(accuracies))

    def _tell(self, run: int, seed: int, prepared: Prepared) -> None:
        assert prepared.recipe is not None
        if self.observer:
            self.observer.on_run(run, self.runs, seed, prepared.recipe.name)

    def _train(
        self, captured: Capture, description: Description, prepared: Prepared, seed: int, save: Path | None
    ) -> Metrics:
        from modelcheck.training.checkpoint import checkpoint_path
        from modelcheck.training.loop import Options, train
        from modelcheck.weights import save_weights

        assert prepared.recipe is not None
        model, _ = self._model(captured, description, prepared)
        metrics = train(
            model,
            prepared.dataset,
            prepared.recipe,
            Options(
                seed=seed,
                device=prepared.device,
                epochs=self.epochs,
                threads=self.threads,
                exact_dropout=self.exact_dropout,
                checkpoint=checkpoint_path(save) if save else None,
                resume=self.resume,
            ),
            output_kind=description.facts.output_kind,
            training_output_kind=description.facts.training_output_kind,
            observer=self.observer,
        )
        if save:
            normalize = "true" if prepared.recipe.normalize else "false"
            metadata = {"version": version("modelcheck"), "recipe": prepared.recipe.name, NORMALIZE: normalize}
            try:
                save_weights(model, save, metadata)
            except UsageError as error:
                reached = f"The training reached {metrics.test_accuracy.last:.2%} on the test set"
                kept = checkpoint_path(save)
                left = f"is kept in {kept}: make room, and repeat with --resume" if kept.is_file() else "is lost"
                raise UsageError(f"{error}. {reached}, and {left}") from None
        return metrics


@dataclass(frozen=True)
class Prepared:
    """What a measure needs besides the model."""

    dataset: Dataset
    device: torch.device
    recipe: Recipe | None = None


def capture_target(
    target: Target,
    given: Given | Sequence[Given] | None,
    arguments: Mapping[str, object] | None,
    seed: int = 0,
    *,
    expected: tuple[int, ...] | None = None,
    isolated: bool = False,
    pick: Pick | None = None,
    weightless: bool = False,
) -> tuple[Capture | Walked, Origin | None]:
    """The capture that a target is or gives, and where the model came from, where its author's files were read for it.

    Of a target whose forward runs and that cannot be captured it is what a walk over the modules tells.

    Args:
        target: a model, a class or a TARGET.
        given: what it takes, as the user says.
        arguments: for the constructor.
        seed: of the initialisation.
        expected: what it takes where the user does not say; where nothing does, that is inferred.
        pick: which of several candidates to take; None where that is an error.
        isolated: the author's code runs in a process of its own; a capture has none, and is read here.
        weightless: of a large model that is built here, the weights may be missing.
    Raises:
        UsageError: nothing has that name, or what is given does not go with a capture or with a process of its own.
        AuthorError: the author's code could not be loaded, captured or run, or the capture is damaged.
    """
    if isinstance(target, str) and target.endswith(CAPTURE_SUFFIX):
        if arguments:
            raise UsageError(f"{target} is a capture, which takes no arguments")
        return _loaded_capture(target, input_specs(given)), None
    if isinstance(target, str):
        parse(target)  # what is wrong with it is said before torch is imported
    inputs = input_specs(given) or input_specs(expected)
    if not isolated:
        from modelcheck.loading import capture_here

        return capture_here(target, inputs, arguments, seed, pick, weightless=weightless)
    from modelcheck.isolated.parent import capture_isolated

    if not isinstance(target, str):
        raise UsageError(
            f"{target_name(target)} is in this process already: only a TARGET, as net.py:Net, can be isolated"
        )
    return capture_isolated(target, inputs, arguments, seed, pick)


def _loaded_capture(path: str, inputs: Inputs | None) -> Capture:
    """The capture in a file; what the user says of its input must be so."""
    from modelcheck.graph.capture import load_capture

    captured = load_capture(path)
    held = tuple(InputSpec(one.shape, one.dtype, one.name) for one in captured.header.inputs)
    unnamed = [[(one.shape, one.dtype) for one in specs] for specs in (held, *(readings(inputs) if inputs else ()))]
    if inputs and unnamed[0] not in unnamed[1:]:
        raise UsageError(f"{path} was captured for an input of {', '.join(map(str, held))}: leave --input out")
    return captured


def _describe(captured: Capture) -> Description:
    from modelcheck.facts.compute import compute_facts

    with collector_paused():
        return compute_facts(captured)


def _check_policy(policy: Policy, dataset: Dataset) -> None:
    """Raise UsageError where the policy is about other data than these."""
    asked, has = policy.model, f"the data set {dataset.name} has"
    other = "name another with --policy, or the data set that it is about with --dataset"
    if asked.input not in (None, dataset.input_shape):
        shapes = InputSpec(asked.input), InputSpec(dataset.input_shape)
        raise UsageError(f"the policy asks for an input of {shapes[0]}, and {has} {shapes[1]}: {other}")
    if asked.classes not in (None, dataset.classes):
        raise UsageError(f"the policy asks for {asked.classes} classes, and {has} {dataset.classes}: {other}")


def _check_fit(description: Description, prepared: Prepared) -> None:
    facts, dataset = description.facts, prepared.dataset
    held = [InputSpec(one.shape, one.dtype, one.name) for one in facts.inputs]
    given = InputSpec(dataset.input_shape)
    if [(one.shape, one.dtype) for one in held] != [(given.shape, given.dtype)]:
        shown = " and ".join(map(str, held))
        raise UsageError(f"the model was captured for an input of {shown}, and {dataset.name} has {given}")


def _fits(description: Description, prepared: Prepared) -> bool:
    """Whether the graph can be trained: batches of any size in, one score for each class out."""
    facts = description.facts
    return facts.output_shape == (prepared.dataset.classes,) and TRAINED_BATCH in facts.accepted_batches


def _device(device: Device) -> torch.device:
    import torch

    if device not in get_args(Device):
        raise UsageError(f"--device: {unknown_name('device', device, get_args(Device))}")
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UsageError("--device cuda: torch finds no CUDA device here; leave it out, or use cpu")
    return torch.device("cuda" if available and device != "cpu" else "cpu")


def tool() -> Tool:
    """What writes reports."""
    return Tool(name="modelcheck", version=version("modelcheck"), torch=version("torch"))


def target_name(target: Target) -> str:
    """The target as reports name it."""
    if isinstance(target, str):
        return target
    if isinstance(target, type):
        kind = target
    else:
        from modelcheck.capturing.wrappers import unwrapped

        kind = type(unwrapped(target))
    return f"{kind.__module__}:{kind.__qualname__}"
