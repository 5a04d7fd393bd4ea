"""A network for MNIST with fewer than 20,000 parameters."""

import torch
import torch.nn.functional as F
from torch import nn


def block(in_channels: int, out_channels: int, padding: int = 0) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=padding, bias=False),
        nn.ReLU(),
        nn.BatchNorm2d(out_channels),
        nn.Dropout(0.05),
    )


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.edges = nn.Sequential(block(1, 16), block(16, 24))
        self.narrow = nn.Sequential(nn.Conv2d(24, 12, 1, bias=False), nn.MaxPool2d(2))
        self.parts = nn.Sequential(block(12, 16), block(16, 16), block(16, 16), block(16, 16, padding=1))
        self.classes = nn.Conv2d(16, 10, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.parts(self.narrow(self.edges(x)))
        x = self.classes(x.mean((2, 3), keepdim=True))
        return F.log_softmax(x.flatten(1), dim=1)
