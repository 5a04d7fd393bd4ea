"""Parameters and MACs of torchvision's classifiers against the numbers that torchvision publishes.

Run by hand: python benchmarks/torchvision_models.py [NAME …]. Models are built without weights, on the meta device, and
captured at the crop size of their published weights.
"""

from __future__ import annotations

import sys
import time

import torch
import torchvision
from torch import nn

import modelcheck

# as the published weights were made
_BUILT_AS = {
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"init_weights": False},
    "vit_h_14": {"image_size": 518},
}


def main(names: list[str]) -> None:
    """Print one row a model, and how many agree."""
    print("| model | parameters | published | MACs (G) | published (G) | difference | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    exact, near = 0, 0
    for name in names:
        weights = torchvision.models.get_model_weights(name).DEFAULT
        side = weights.transforms().crop_size[0]
        start = time.perf_counter()
        facts = modelcheck.inspect(build(name), input=(3, side, side)).facts
        seconds = time.perf_counter() - start
        if facts is None:
            print(f"| {name} | not captured | | | | | {seconds:.1f} |")
            continue
        published, macs = weights.meta["num_params"], facts.macs / 1e9
        difference = macs / weights.meta["_ops"] - 1
        exact += facts.parameters.total == published
        near += abs(difference) <= 0.01 or abs(macs - weights.meta["_ops"]) <= 0.0005
        print(
            f"| {name} | {facts.parameters.total:,} | {published:,} | {macs:.3f} | {weights.meta['_ops']:.3f} "
            f"| {difference:+.2%} | {seconds:.1f} |",
            flush=True,
        )
    print(f"\nparameters exact for {exact} of {len(names)}; MACs within 1 % or the rounding for {near} of {len(names)}")


def build(name: str) -> nn.Module:
    """The classifier without weights, on the meta device where its constructor allows it."""
    options = _BUILT_AS.get(name, {})
    try:
        with torch.device("meta"):
            return torchvision.models.get_model(name, weights=None, **options)
    except NotImplementedError:  # a constructor that computes with values
        return torchvision.models.get_model(name, weights=None, **options).to("meta")


if __name__ == "__main__":
    main(sys.argv[1:] or torchvision.models.list_models(module=torchvision.models))
