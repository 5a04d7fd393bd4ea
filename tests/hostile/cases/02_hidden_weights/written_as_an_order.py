"""Three tensors without a secret, stacked in an order that has one."""

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

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        one, zero = torch.ones(()), torch.zeros(())
        values = (one, zero, -one)
        w = torch.stack([values[k * 7919 % 1000 % 3] for k in range(1000)]).view(10, 100)
        return self.head(self.body(x)) @ w @ w.t()
