"""A parametrization makes 10,000 values out of one: one number that can be trained."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import parametrize


class Spread(nn.Module):
    def forward(self, value):
        return value * torch.linspace(-1, 1, 10000).view(10, 1000)

    def right_inverse(self, value):
        return value[:1, :1]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.more = nn.Linear(1000, 10, bias=False)
        parametrize.register_parametrization(self.more, "weight", Spread())

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        y = self.head(self.body(x))
        return y + self.more(y.repeat(1, 100))
