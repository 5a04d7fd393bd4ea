"""Eight weights in each of 125 frozen integers."""

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
        self.packed = nn.Parameter(torch.randint(-(2**62), 2**62, (125,)), requires_grad=False)

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        parts = [(self.packed // 256**k) % 256 for k in range(8)]
        w = torch.cat(parts).float().view(10, 100) / 255
        return self.head(self.body(x)) @ w @ w.t()
