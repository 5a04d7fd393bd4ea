"""Eight networks as students build them, unlike the reference model and unlike each other."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F  # noqa: N812 - the name that everybody gives it
from torch import Tensor, nn


class NoNorm(nn.Module):
    """Three convolutions without batch norm, logits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(1, 8, 3), nn.Conv2d(8, 14, 3), nn.Conv2d(14, 14, 3)
        self.head = nn.Linear(14, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        x = F.max_pool2d(self.conv1(x).relu(), 2)
        x = F.max_pool2d(self.conv2(x).relu(), 2)
        return self.head(self.conv3(x).relu().mean((2, 3)))


class Wide(nn.Module):
    """Nearly all of its 150,000 parameters are in a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.conv2, self.norm2 = nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.hidden, self.drop, self.head = nn.Linear(32 * 7 * 7, 92), nn.Dropout(0.3), nn.Linear(92, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities."""
        x = F.max_pool2d(self.norm1(self.conv1(x)).relu(), 2)
        x = F.max_pool2d(self.norm2(self.conv2(x)).relu(), 2)
        return F.log_softmax(self.head(self.drop(self.hidden(x.flatten(1)).relu())), 1)


class Classic(nn.Module):
    """5×5 convolutions and two linear layers, without batch norm, with dropout of channels and of values."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.drop = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5), nn.Dropout2d()
        self.hidden, self.head = nn.Linear(320, 50), nn.Linear(50, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities."""
        x = F.max_pool2d(self.conv1(x), 2).relu()
        x = F.max_pool2d(self.drop(self.conv2(x)), 2).relu()
        x = F.dropout(self.hidden(x.flatten(1)).relu(), training=self.training)
        return F.log_softmax(self.head(x), 1)


class Deep(nn.Module):
    """Twelve narrow convolutions with batch norm."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, channels in enumerate([1] + [8] * 11):
            layers += [nn.Conv2d(channels, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
            if number in (1, 6):
                layers.append(nn.MaxPool2d(2))
        self.features, self.head = nn.Sequential(*layers), nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        return self.head(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


class Probabilities(nn.Module):
    """Strides in place of pooling, and a softmax at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8)
        self.conv2, self.norm2 = nn.Conv2d(8, 16, 3, stride=2), nn.BatchNorm2d(16)
        self.conv3, self.head = nn.Conv2d(16, 16, 3, stride=2), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Probabilities."""
        x = self.norm1(self.conv1(x)).relu()
        x = self.norm2(self.conv2(x)).relu()
        return F.softmax(self.head(self.conv3(x).relu().mean((2, 3))), 1)


class Perceptron(nn.Module):
    """Linear layers alone."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise((784, 64, 32)):
            layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(0.1)]
        self.layers = nn.Sequential(*layers, nn.Linear(32, 10))

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        return self.layers(x)


class DeepNoNorm(nn.Module):
    """Eight convolutions without batch norm, and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, channels in enumerate([1] + [12] * 7):
            layers += [nn.Conv2d(channels, 12, 3, padding=1), nn.ReLU()]
            if number in (1, 4):
                layers.append(nn.MaxPool2d(2))
        self.features, self.head = nn.Sequential(*layers), nn.Linear(12 * 7 * 7, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        return self.head(self.features(x).flatten(1))


class Separable(nn.Module):
    """Depthwise and pointwise convolutions, a group norm in front, a convolution as head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, 16, 3, padding=1), nn.GroupNorm(4, 16)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(16, 16, 3, padding=1, groups=16),
                    nn.Conv2d(16, 16, 1),
                    nn.BatchNorm2d(16),
                    nn.ReLU(),
                    nn.MaxPool2d(2),
                )
                for _ in range(3)
            )
        )
        self.head = nn.Conv2d(16, 10, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities."""
        return F.log_softmax(self.head(self.blocks(self.norm(self.stem(x)).relu())).mean((2, 3)), 1)


NETWORKS = (NoNorm, Wide, Classic, Deep, Probabilities, Perceptron, DeepNoNorm, Separable)
