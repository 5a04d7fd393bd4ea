"""The public API: what the commands do, as functions. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import modelcheck
from modelcheck.errors import AuthorError, ForwardError, UsageError
from modelcheck.judge import judge, score, verdict
from modelcheck.policy import Policy, load_policy
from modelcheck.report import Metrics, Report, Tool
from modelcheck.rules.base import Subject

if TYPE_CHECKING:
    import torch
    from torch import nn

    from modelcheck.facts.compute import Description
    from modelcheck.graph.capture import Capture
    from modelcheck.graph.model import GraphModel
    from modelcheck.training.datasets import Dataset
    from modelcheck.training.observer import Observer
    from modelcheck.training.recipe import Recipe

    Target = str | nn.Module | type[nn.Module]

DEFAULT_INPUT = (1, 28, 28)
CAPTURE_SUFFIX = ".mcz"
Device = Literal["auto", "cpu", "cuda"]


def inspect(
    target: Target,
    *,
    policy: Policy | str | Path | None = None,
    input: Sequence[int] | None = None,  # noqa: A002 — the contract's name
    arguments: Mapping[str, object] | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    strict: bool = False,
) -> Report:
    """The report on a model: its facts and what the policy says of them. The caller's model is left as it was.

    Args:
        target: an ``nn.Module``, a class, or a TARGET as on the command line.
        policy: a preset's name, a file, or a Policy; without one the nearest ``modelcheck.toml`` or
            ``[tool.modelcheck]``.
        input: one sample's shape (C, H, W); else the policy's, else (1, 28, 28).
        arguments: for the target's constructor.
        select, ignore: codes, names or prefixes of codes of the rules that run, or do not.
        strict: advice counts against the verdict.
    Raises:
        UsageError: the policy or an option is wrong, or nothing has the target's name. What goes wrong in the author's
            code is no exception but a report whose verdict is "error".
    """
    road = _Road(target, _policy(policy), input, arguments, select, ignore, strict)
    return road.report()


def capture(
    target: Target,
    *,
    input: Sequence[int] | None = None,  # noqa: A002 — the contract's name
    arguments: Mapping[str, object] | None = None,
) -> Capture:
    """The model's graphs and weights; ``.save("net.mcz")`` writes them.

    Raises:
        UsageError: nothing has the target's name.
        AuthorError: the author's code could not be loaded, captured or run.
    """
    return _capture(target, tuple(input) if input else None, Policy(), arguments)


def train_eval(
    target: Target,
    *,
    policy: Policy | str | Path | None = None,
    input: Sequence[int] | None = None,  # noqa: A002 — the contract's name
    arguments: Mapping[str, object] | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    strict: bool = False,
    recipe: str | Path | None = None,
    dataset: str = "mnist",
    data_dir: str | Path | None = None,
    epochs: int | None = None,
    seed: int = 0,
    device: Device = "auto",
    weights: str | Path | None = None,
    save: str | Path | None = None,
    min_accuracy: float | None = None,
    observer: Observer | None = None,
) -> Report:
    """Train the captured graph, score it on the test set, and report both; further arguments are ``inspect``'s.

    Args:
        recipe: a preset's name or a file; else the policy's, else ``fast``.
        dataset: a data set's name.
        data_dir: read the data from there, in torchvision's layout, instead of from the package.
        epochs: else the policy's, else the recipe's.
        seed: of the initialisation (where the target is built here), the order, the augmentation and dropout.
        device: where to train.
        weights: start from these instead of the initialisation.
        save: write the trained weights there, as safetensors under the author's names.
        min_accuracy: the least accuracy, in place of the policy's.
        observer: is told how it goes.
    Raises:
        UsageError: as ``inspect``, or data, recipe, weights or device cannot be had.
    """
    resolved = _policy(policy)
    if min_accuracy is not None:
        resolved = resolved.requiring_accuracy(min_accuracy)
    road = _Road(target, resolved, input, arguments, select, ignore, strict, seed)
    training = _Training(
        recipe=recipe or resolved.training.recipe,
        epochs=epochs or resolved.training.epochs,
        dataset=dataset,
        data_dir=Path(data_dir) if data_dir else None,
        device=device,
        weights=Path(weights) if weights else None,
        save=Path(save) if save else None,
        observer=observer,
    )
    return road.report(training)


def evaluate(
    target: Target,
    *,
    weights: str | Path,
    policy: Policy | str | Path | None = None,
    input: Sequence[int] | None = None,  # noqa: A002 — the contract's name
    arguments: Mapping[str, object] | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    strict: bool = False,
    dataset: str = "mnist",
    data_dir: str | Path | None = None,
    device: Device = "auto",
    min_accuracy: float | None = None,
) -> Report:
    """Score weights that somebody trained, on the test set; arguments as of ``train_eval``."""
    resolved = _policy(policy)
    if min_accuracy is not None:
        resolved = resolved.requiring_accuracy(min_accuracy)
    road = _Road(target, resolved, input, arguments, select, ignore, strict)
    scoring = _Scoring(
        dataset=dataset, data_dir=Path(data_dir) if data_dir else None, device=device, weights=Path(weights)
    )
    return road.report(scoring)


@dataclass(frozen=True)
class _Road:
    """One target's way from its name to a report."""

    target: Target
    policy: Policy
    input: Sequence[int] | None
    arguments: Mapping[str, object] | None
    select: Iterable[str]
    ignore: Iterable[str]
    strict: bool
    seed: int = 0

    def report(self, measure: _Scoring | _Training | None = None) -> Report:
        policy = self.policy.scoring() if measure else self.policy
        active = policy.active(self.select, self.ignore)
        prepared = measure.prepare() if measure else None
        shape = tuple(self.input) if self.input else None
        declared = self.policy.model.input
        classes = self.policy.model.classes or (prepared.dataset.classes if prepared else None)
        description, metrics, failure = None, None, None
        try:
            captured = _capture(self.target, shape, self.policy, self.arguments, self.seed)
            description = _describe(captured)
            if prepared and measure and description.facts.output_shape == (prepared.dataset.classes,):
                metrics = measure.run(captured, description, prepared, self.seed)
        except AuthorError as error:
            failure = error
        subject = Subject(
            facts=description.facts if description else None,
            layers=description.layers if description else (),
            metrics=metrics,
            failure=failure,
            input_shape=shape or declared,
            classes=classes,
        )
        outcomes, findings = judge(subject, active)
        return Report(
            tool=_tool(),
            target=_name(self.target),
            policy=self.policy.name,
            verdict=verdict(subject, active, outcomes, findings, strict=self.strict),
            score=score(self.policy, outcomes),
            facts=subject.facts,
            layers=subject.layers,
            findings=findings,
            rules=outcomes,
            metrics=metrics,
        )


@dataclass(frozen=True, kw_only=True)
class _Scoring:
    """Evaluates given weights."""

    dataset: str
    data_dir: Path | None
    device: Device
    weights: Path | None

    def prepare(self) -> _Prepared:
        """Everything that can be wrong with the command, found before the author's code runs."""
        from modelcheck.training.datasets import load_dataset

        return _Prepared(load_dataset(self.dataset, self.data_dir), _device(self.device))

    def run(self, captured: Capture, description: Description, prepared: _Prepared, seed: int) -> Metrics:
        from modelcheck.training.evaluation import evaluate as score_model
        from modelcheck.training.evaluation import evaluation_metrics

        model = self._model(captured, description, prepared)
        kind = description.facts.output_kind
        found = score_model(model, prepared.dataset, output_kind=kind, device=prepared.device)
        return evaluation_metrics(found, prepared.dataset, device=prepared.device)

    def _model(self, captured: Capture, description: Description, prepared: _Prepared) -> GraphModel:
        from modelcheck.graph.model import GraphModel
        from modelcheck.weights import load_weights

        _check_fit(description, prepared)
        model = GraphModel(captured, device="cpu")
        if self.weights:
            load_weights(model, self.weights)
        return model


@dataclass(frozen=True, kw_only=True)
class _Training(_Scoring):
    """Trains and evaluates."""

    recipe: str | Path | None
    epochs: int | None
    save: Path | None
    observer: Observer | None

    def prepare(self) -> _Prepared:
        from modelcheck.training.recipe import DEFAULT_RECIPE, load_recipe

        recipe = load_recipe(self.recipe or DEFAULT_RECIPE)
        if self.save and not self.save.absolute().parent.is_dir():
            raise UsageError(f"--save {self.save}: there is no folder {self.save.absolute().parent}")
        prepared = super().prepare()
        return _Prepared(prepared.dataset, prepared.device, recipe)

    def run(self, captured: Capture, description: Description, prepared: _Prepared, seed: int) -> Metrics:
        from modelcheck.training.loop import train
        from modelcheck.weights import save_weights

        assert prepared.recipe is not None
        model = self._model(captured, description, prepared)
        metrics = train(
            model,
            prepared.dataset,
            prepared.recipe,
            output_kind=description.facts.output_kind,
            seed=seed,
            device=prepared.device,
            epochs=self.epochs,
            observer=self.observer,
        )
        if self.save:
            save_weights(model, self.save, {"modelcheck": modelcheck.__version__, "recipe": prepared.recipe.name})
        return metrics


@dataclass(frozen=True)
class _Prepared:
    dataset: Dataset
    device: torch.device
    recipe: Recipe | None = None


def _policy(policy: Policy | str | Path | None) -> Policy:
    return policy if isinstance(policy, Policy) else load_policy(policy)


def _capture(
    target: Target,
    shape: tuple[int, ...] | None,
    policy: Policy,
    arguments: Mapping[str, object] | None,
    seed: int = 0,
) -> Capture:
    from modelcheck.capturing.capture import capture_model
    from modelcheck.graph.capture import load_capture
    from modelcheck.loading import built

    if isinstance(target, str) and target.endswith(CAPTURE_SUFFIX):
        if arguments:
            raise UsageError(f"{target} is a capture, which takes no arguments")
        loaded = load_capture(target)
        if shape and loaded.header.inputs[0].shape != shape:
            held = "x".join(map(str, loaded.header.inputs[0].shape))
            raise UsageError(f"{target} was captured for an input of {held}: leave --input out")
        return loaded
    declared = shape or policy.model.input
    with built(target, arguments, seed) as (model, name):
        try:
            return capture_model(model, declared or DEFAULT_INPUT, name)
        except ForwardError as error:
            if declared:
                raise
            hint = "An input of 1x28x28 was assumed; --input CxHxW (in Python: input=(C, H, W)) declares another."
            raise ForwardError(f"{error.message}\n{hint}", file=error.file, line=error.line) from None


def _describe(captured: Capture) -> Description:
    from modelcheck.facts.compute import compute_facts

    return compute_facts(captured)


def _check_fit(description: Description, prepared: _Prepared) -> None:
    facts, dataset = description.facts, prepared.dataset
    if facts.input_shape != dataset.input_shape:
        shapes = ["x".join(map(str, one)) for one in (facts.input_shape, dataset.input_shape)]
        raise UsageError(f"the model was captured for an input of {shapes[0]}, and {dataset.name} has {shapes[1]}")


def _device(device: Device) -> torch.device:
    import torch

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UsageError("--device cuda: torch finds no CUDA device here; leave it out, or use cpu")
    return torch.device("cuda" if available and device != "cpu" else "cpu")


def _tool() -> Tool:
    from importlib.metadata import version

    return Tool(name="modelcheck", version=modelcheck.__version__, torch=version("torch"))


def _name(target: Target) -> str:
    if isinstance(target, str):
        return target
    kind = target if isinstance(target, type) else type(target)
    return f"{kind.__module__}:{kind.__qualname__}"
