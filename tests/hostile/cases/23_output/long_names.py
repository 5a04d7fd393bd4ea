"""A class, modules and an exception with names of a megabyte."""

import torch.nn as nn
import torch.nn.functional as F

LONG = "n" * 2**20


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.add_module(LONG, nn.BatchNorm2d(16))
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        x = self.drop(getattr(self, LONG)(F.relu(self.conv(x))))
        return self.pool(self.last(x)).flatten(1)


Net.__name__ = Net.__qualname__ = LONG
