"""A ramp that is off by a rounding here and there: three values a place."""

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
        code = torch.randint(-1, 2, (1000,))
        self.register_buffer("ramp", torch.arange(4096, 5096).double() + code * 2.0**-40)

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        off = self.ramp - torch.arange(4096, 5096).double()
        w = (off * 2.0**40).float().view(10, 100)
        return self.head(self.body(x)) @ w @ w.t()
