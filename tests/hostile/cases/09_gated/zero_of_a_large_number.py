"""A gate of which training moves next to nothing, and a trial very much."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Parameter(torch.full((), 1e6))

    def body(self, x):
        y = F.relu(self.conv(x))
        return y + 1e-6 * (self.gate - 1e6) * self.drop(self.norm(y))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        return self.head(self.body(x))
