"""Parameters and MACs of torchvision's classifiers against the numbers that torchvision publishes.

Run by hand: python benchmarks/torchvision_models.py [NAME …]. Models are built without weights, on the meta device, and
captured at the crop size of their published weights.
"""

from __future__ import annotations

import sys

sys.path.append(sys.path.pop(0))  # this folder last: it has an inspect.py, and everybody imports Python's

import time

import torchvision
from classifiers import build, names, side

import modelcheck


def main(chosen: list[str]) -> None:
    """Print one row a model, and how many agree."""
    print("| model | parameters | published | MACs (G) | published (G) | difference | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    exact, near = 0, 0
    for name in chosen:
        meta = torchvision.models.get_model_weights(name).DEFAULT.meta
        start = time.perf_counter()
        facts = modelcheck.inspect(build(name), input=(3, side(name), side(name))).facts
        seconds = time.perf_counter() - start
        if facts is None:
            print(f"| {name} | not captured | | | | | {seconds:.1f} |")
            continue
        published, macs = meta["num_params"], facts.macs / 1e9
        difference = macs / meta["_ops"] - 1
        exact += facts.parameters.total == published
        near += abs(difference) <= 0.01 or abs(macs - meta["_ops"]) <= 0.0005
        print(
            f"| {name} | {facts.parameters.total:,} | {published:,} | {macs:.3f} | {meta['_ops']:.3f} "
            f"| {difference:+.2%} | {seconds:.1f} |",
            flush=True,
        )
    print(
        f"\nparameters exact for {exact} of {len(chosen)}; MACs within 1 % or the rounding for {near} of {len(chosen)}"
    )


if __name__ == "__main__":
    main(sys.argv[1:] or names())
