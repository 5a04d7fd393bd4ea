"""The assignment's own training loop and modelcheck's, in one run: steps, epochs, evaluation, and time to 99.40 %.

Run by hand, for about a quarter of an hour on a quiet machine: python benchmarks/training.py [--seeds 10] [--write].
The assignment's loop is torchvision's MNIST through PIL (rotation of ±7°), a DataLoader without workers, batches of 64,
SGD, and the reference network as its author wrote it. --write writes docs/benchmarks.md.
"""

from __future__ import annotations

import sys

sys.path.append(sys.path.pop(0))  # this folder last: it has an inspect.py, and everybody imports Python's

import argparse
import dataclasses
import itertools
import json
import platform
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import torch
import torchvision
from assignment import loaders, train_once, unpacked
from torch import Tensor

import modelcheck
from modelcheck.graph.model import GraphModel
from modelcheck.training.datasets import Dataset, load_dataset
from modelcheck.training.evaluation import evaluate
from modelcheck.training.loop import Options, train
from modelcheck.training.recipe import Augmentation, Precision, Recipe, Selection, load_recipe
from reference_model import Net

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
TARGET = "reference_model:Net"
GOAL = 0.994
# the assignment's loop in full, seed 1: first at or above 99.40 % after so many epochs, with the first network here
EPOCHS_TO_GOAL = 13
ROUNDS = 5
STEPS = 60  # of batches of 64
SIDE = 2048  # of the matrices that measure the cores' peak
KIND = "log-probabilities"
CPU = torch.device("cpu")

Speeds = dict[str, list[float]]  # images per second, by measure


def main() -> None:
    """Measure, print, and write the page where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = measured(Assignment(unpacked(Path(folder))), Ours())
    text = page(theirs, ours, our_runs(given.seeds))
    print(text)
    if given.write:
        PAGE.write_text(text, encoding="utf-8")


def measured(theirs: Assignment, ours: Ours) -> tuple[Speeds, Speeds]:
    """What both reach, taking turns: other work on the machine then slows both."""
    found: tuple[Speeds, Speeds] = (defaultdict(list), defaultdict(list))
    for measure in ("step", "epoch", "evaluation"):
        for _ in range(ROUNDS):
            for one, speeds in zip((theirs, ours), found, strict=True):
                speeds[measure].append(getattr(one, measure)())
    for _ in range(ROUNDS):
        found[1]["float32"].append(ours.float32())
        found[1]["peak"].append(ours.peak())
    return found


class Assignment:
    """The assignment's own loop. Each measure is in images per second."""

    def __init__(self, root: Path) -> None:
        self.training, self.testing = loaders(root)
        torch.manual_seed(1)
        self.model = Net()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.batch = next(iter(self.training))

    def step(self) -> float:
        """Of forward, backward and the optimiser, the batch being there."""
        return self._train([self.batch] * STEPS)

    def epoch(self) -> float:
        """Of a third of an epoch, reading and rotating included; all of it is alike."""
        return self._train(itertools.islice(self.training, len(self.training) // 3))

    def evaluation(self) -> float:
        """Of the whole test set."""
        self.model.eval()
        start = time.perf_counter()
        with torch.no_grad():
            for images, _ in self.testing:
                self.model(images).argmax(1)
        return 10_000 / (time.perf_counter() - start)

    def _train(self, batches: Iterable[list[Tensor]]) -> float:
        self.model.train()
        seen, start = 0, time.perf_counter()
        for images, labels in batches:
            train_once(self.model, self.optimizer, images, labels)
            seen += len(images)
        return seen / (time.perf_counter() - start)


class Ours:
    """The same of modelcheck's."""

    def __init__(self) -> None:
        self.dataset, self.captured = load_dataset(), modelcheck.capture(Net())
        self.model, self.macs = GraphModel(self.captured), modelcheck.inspect(Net()).facts.macs
        self.recipe = msgspec.structs.replace(load_recipe(), selection=Selection())

    def step(self) -> float:
        """Of a third of an epoch, without augmentation."""
        count, few = len(self.dataset.train_images) // 3, 100
        part = dataclasses.replace(
            self.dataset,
            train_images=self.dataset.train_images[:count],
            train_labels=self.dataset.train_labels[:count],
            test_images=self.dataset.test_images[:few],
            test_labels=self.dataset.test_labels[:few],
        )
        return self._train(part, msgspec.structs.replace(self.recipe, augmentation=Augmentation()))

    def epoch(self) -> float:
        """Of a whole epoch with augmentation."""
        return self._train(self.dataset, self.recipe)

    def evaluation(self) -> float:
        """Of the whole test set, as after each epoch but the last."""
        return self._evaluate(self.recipe.precision)

    def float32(self) -> float:
        """Of the whole test set, as after the last epoch."""
        return self._evaluate("float32")

    def peak(self) -> float:
        """What the cores' matrix products alone would allow."""
        left = torch.randn(SIDE, SIDE, dtype=torch.bfloat16)
        start = time.perf_counter()
        for _ in range(5):
            left @ left
        products = 5 * SIDE**3 / (time.perf_counter() - start)
        # forward, and backward by weights and by inputs: three times the multiply-adds
        return products / (3 * self.macs)

    def _train(self, dataset: Dataset, recipe: Recipe) -> float:
        options = Options(seed=1, device=CPU, epochs=1)
        (epoch,) = train(GraphModel(self.captured), dataset, recipe, options, output_kind=KIND).epochs
        return epoch.images / epoch.train_s

    def _evaluate(self, precision: Precision) -> float:
        found = evaluate(
            self.model, self.dataset, output_kind=KIND, device=CPU, precision=precision, channels_last=True
        )
        return found.images / found.seconds


def our_runs(seeds: int) -> list[dict[str, float]]:
    """For each seed the command's accuracy, seconds from start to end, and images seen."""
    runs = []
    for seed in range(seeds):
        command = [sys.executable, "-m", "modelcheck", "train-eval", TARGET, "--seed", str(seed), "--format", "json"]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
        metrics = json.loads(done.stdout)["metrics"]
        images = sum(epoch["images"] for epoch in metrics["epochs"])
        runs.append({"accuracy": metrics["test_accuracy"]["last"], "seconds": seconds, "images": images})
        print(f"seed {seed}: {runs[-1]}", file=sys.stderr, flush=True)
    return runs


def page(theirs: Speeds, ours: Speeds, runs: Sequence[dict[str, float]]) -> str:
    """The tables."""
    rows = [
        f"| {what} | {spread(theirs[key])} | {spread(ours[key])} | {ratio(ours[key], theirs[key])} |"
        for key, what in (
            ("step", "training step, no augmentation"),
            ("epoch", "whole epoch with augmentation"),
            ("evaluation", "evaluation"),
        )
    ]
    precise = ratio(ours["float32"], theirs["evaluation"])
    epoch_s = 60_000 / statistics.median(theirs["epoch"]) + 10_000 / statistics.median(theirs["evaluation"])
    goal_s = EPOCHS_TO_GOAL * epoch_s
    accuracies, seconds = [run["accuracy"] for run in runs], [run["seconds"] for run in runs]
    reached = sum(accuracy >= GOAL for accuracy in accuracies)
    deviation = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    share = statistics.median(ours["step"]) / statistics.median(ours["peak"])
    table = [
        f"| {seed} | {run['accuracy']:.2%} | {run['seconds']:.1f} | {run['images']:,.0f} |"
        for seed, run in enumerate(runs)
    ]
    return f"""# Training beside the assignment's own loop

`python benchmarks/training.py --seeds {len(runs)} --write`, all in one run, with modelcheck {modelcheck.__version__},
torch {torch.__version__}, torchvision {torchvision.__version__}, Python {platform.python_version()},
{torch.get_num_threads()} threads of {platform.machine()}. The assignment's loop is torchvision's MNIST through PIL in a
DataLoader without workers, batches of 64, SGD; modelcheck's is `train-eval reference_model:Net` with everything at its
default. Images per second are min/median/max of {ROUNDS} measurements in which both took turns.

| images/s | the assignment's loop | modelcheck | ratio of the medians |
| --- | --- | --- | --- |
{chr(10).join(rows)}
| evaluation in float32 | {spread(theirs["evaluation"])} | {spread(ours["float32"])} | {precise} |

The last epoch is evaluated in float32, all others in the training's precision.

The cores' matrix products in bfloat16 (side {SIDE}) would allow {statistics.median(ours["peak"]):,.0f} images/s; a step
reaches {share:.0%} of that.

## Time to 99.40 %

The assignment's loop needs {epoch_s:.0f} s for an epoch and its evaluation, and was first at or above
99.40 % after {EPOCHS_TO_GOAL} epochs in a full run (seed 1), which makes {goal_s:.0f} s. The command, from its start to
its end, took {spread(seconds, ".1f")} s (min/median/max), 1/{goal_s / statistics.median(seconds):.1f} of that
at the median, and ended at or above 99.40 % on {reached} of {len(runs)} seeds: mean {statistics.mean(accuracies):.3%},
standard deviation {deviation:.3%}, lowest {min(accuracies):.2%}. On 10,000 images the sampling error of one run is
about 0.08 points.

| seed | test accuracy | seconds, start to end | images seen |
| --- | --- | --- | --- |
{chr(10).join(table)}
"""


def spread(values: Sequence[float], form: str = ",.0f") -> str:
    """Least, median and most."""
    return "/".join(format(one, form) for one in (min(values), statistics.median(values), max(values)))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """How many times as much."""
    return f"{statistics.median(ours) / statistics.median(theirs):.2f}"


if __name__ == "__main__":
    main()
