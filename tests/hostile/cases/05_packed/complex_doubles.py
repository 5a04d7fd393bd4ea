"""Sixty constants of one number, each of 128 bits."""

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
        g = torch.Generator().manual_seed(1)
        self.c = [torch.randn(1, dtype=torch.complex128, generator=g) for _ in range(60)]

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        y = self.head(self.body(x))
        n = torch.view_as_real(torch.cat(self.c)).reshape(-1).float()
        w = torch.cat([torch.frac(n * 1000 * (k + 1)) for k in range(5)]).reshape(10, 60)
        return torch.relu(y @ w) @ w.t()
