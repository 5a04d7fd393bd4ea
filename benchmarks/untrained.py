"""How much small networks know of MNIST before any training: the figures behind MC503 and MC506.

Run by hand: python benchmarks/untrained.py [--seeds 20]. Each network is built under each seed with torch's own
initialisation and three others. Accuracy is that on 2,000 test images in evaluation mode, loss that of a first batch of
128 training images in training mode, without augmentation, as in the recipe `fast`.
"""

from __future__ import annotations

import sys

sys.path.append(sys.path.pop(0))  # this folder last: it has an inspect.py, and everybody imports Python's

import argparse
import statistics
from collections.abc import Callable

import torch
from torch import nn

from modelcheck.training.augmentation import scale
from modelcheck.training.datasets import Dataset, load_dataset
from modelcheck.training.losses import classification_losses
from modelcheck.training.recipe import load_recipe
from modelcheck.training.start import Beginning
from reference_model import Net

BATCH = 128


class Residual(nn.Module):
    """Four blocks of two convolutions with batch norm, each added to what it takes."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(self._block(width) for _ in range(4))
        self.head = nn.Linear(width, 10)

    @staticmethod
    def _block(width: int) -> nn.Module:
        halves = [(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)) for _ in range(2)]
        return nn.Sequential(*halves[0], nn.ReLU(), *halves[1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of ten classes."""
        x = self.stem(x)
        for block in self.blocks:
            x = (x + block(x)).relu()
        return self.head(x.mean((2, 3)))


def _perceptron(*widths: int, norm: bool = False) -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    for taken, given in zip((784, *widths), widths, strict=False):
        layers += [nn.Linear(taken, given), *([nn.BatchNorm1d(given)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1] if widths else 784, 10))


def _lenet() -> nn.Module:
    maps = [nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)]
    return nn.Sequential(*maps, nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Linear(84, 10))


def _convolutions() -> nn.Module:
    maps = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*maps, nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))


NETS: dict[str, Callable[[], nn.Module]] = {
    "reference": Net,
    "linear": lambda: _perceptron(),
    "perceptron 30": lambda: _perceptron(30),
    "perceptron 512, 512": lambda: _perceptron(512, 512),
    "perceptron 256, batch norm": lambda: _perceptron(256, norm=True),
    "LeNet-5": _lenet,
    "two convolutions, dropout": _convolutions,
    "residual, batch norm": Residual,
}
INITIALISATIONS: dict[str, Callable[[torch.Tensor], object]] = {
    "torch": lambda weight: None,
    "Kaiming normal": nn.init.kaiming_normal_,
    "Xavier uniform": nn.init.xavier_uniform_,
    "orthogonal": nn.init.orthogonal_,
}


def main() -> None:
    """Print one row a network and initialisation, and the extremes of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    dataset = load_dataset("mnist")
    print(f"{options.seeds} seeds, torch {torch.__version__}")
    print("| network | initialisation | mean accuracy | highest | loss |\n| --- | --- | --- | --- | --- |")
    accuracies, losses = [], []
    for name, build in NETS.items():
        for way, initialise in INITIALISATIONS.items():
            known = [_known(build, initialise, seed, dataset) for seed in range(options.seeds)]
            rights, costs = [one for one, _ in known], [one for _, one in known]
            accuracies += rights
            losses += costs
            shown = f"{statistics.mean(rights):.1%} | {max(rights):.1%} | {min(costs):.2f} to {max(costs):.2f}"
            print(f"| {name} | {way} | {shown} |", flush=True)
    print(f"\nn = {len(losses)}: accuracy at most {max(accuracies):.1%}, loss {min(losses):.2f} to {max(losses):.2f}")


def _known(
    build: Callable[[], nn.Module], initialise: Callable[[torch.Tensor], object], seed: int, dataset: Dataset
) -> tuple[float, float]:
    """Accuracy and loss of one network that has not been trained."""
    torch.manual_seed(seed)
    model = build()
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            initialise(module.weight)
    beginning, recipe = Beginning(), load_recipe("fast")
    kind = "log-probabilities" if isinstance(model, Net) else "logits"
    beginning.measure(model, dataset, recipe, kind, torch.device("cpu"))
    with torch.no_grad():
        output = model.train()(scale(dataset.train_images[:BATCH], dataset.mean, dataset.std, normalize=True))
    beginning.note(classification_losses(output, dataset.train_labels[:BATCH], kind))
    start = beginning.start()
    assert start.train_loss is not None
    return start.test_accuracy, start.train_loss


if __name__ == "__main__":
    main()
