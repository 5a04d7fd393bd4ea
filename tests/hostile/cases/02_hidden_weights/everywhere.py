"""A buffer, a list, a closure, a global, a default argument and an array: 1,000 weights each."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

GLOBAL = torch.randn(10, 100)


def made():
    inside = torch.randn(10, 100)
    return lambda: inside


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.register_buffer("table", torch.randn(10, 100))
        self.listed = [torch.randn(10, 100)]
        self.closed = made()
        self.array = np.random.default_rng(0).normal(size=(10, 100)).astype("float32")

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        w = GLOBAL + self.table + self.listed[0] + self.closed() + torch.from_numpy(self.array) + self.given()
        return self.head(self.body(x)) @ w @ w.t()

    def given(self, w=torch.randn(10, 100)):  # noqa: B008
        return w
