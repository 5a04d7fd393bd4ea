"""Two weights in each of 500 doubles that no gradient reaches."""

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
        self.packed = nn.Parameter(torch.randn(500, dtype=torch.float64))

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        packed = self.packed.detach()
        high = packed.float()
        low = ((packed - high.double()) * 2**20).float()
        w = torch.cat([high, low]).view(10, 100)
        return self.head(self.body(x)) @ w @ w.t()
