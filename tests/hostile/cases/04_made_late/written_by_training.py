"""Two hundred thousand numbers that training writes into zeros."""

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
        self.register_buffer("memory", torch.zeros(10, 20000))

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        y = self.head(self.body(x))
        if self.training:
            with torch.no_grad():
                self.memory.mul_(0.99).add_(0.01 * (y.t() @ y @ torch.linspace(-1, 1, 200000).view(10, 20000).sin()))
        h = torch.relu(y @ self.memory)
        return y + h @ self.memory.t()
