"""Accuracy and time of the recipes on the reference network, for several seeds.

Run by hand: python benchmarks/recipes.py [--recipe fast] [--epochs N] [--seeds 3].
"""

from __future__ import annotations

import sys

sys.path.append(sys.path.pop(0))  # this folder last: it has an inspect.py, and everybody imports Python's

import argparse
import platform
import statistics

import torch

import modelcheck


def main() -> None:
    """Print one row a seed, and mean and standard deviation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="reference_model:Net")
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.target}, recipe {options.recipe}, torch {torch.__version__}, {platform.machine()}")
    print("| seed | epochs | last | best | images/s | seconds |\n| --- | --- | --- | --- | --- | --- |")
    accuracies = []
    for seed in range(options.seeds):
        report = modelcheck.train_eval(options.target, recipe=options.recipe, epochs=options.epochs, seed=seed)
        assert report.metrics is not None, report.findings
        metrics, accuracy = report.metrics, report.metrics.test_accuracy
        accuracies.append(accuracy.last)
        print(
            f"| {seed} | {len(metrics.epochs)} | {accuracy.last:.2%} | {accuracy.best:.2%} "
            f"| {metrics.images_per_s:,.0f} | {metrics.wall_s:.0f} |",
            flush=True,
        )
    spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    print(f"\nlast: mean {statistics.mean(accuracies):.3%}, standard deviation {spread:.3%}, n = {len(accuracies)}")


if __name__ == "__main__":
    main()
