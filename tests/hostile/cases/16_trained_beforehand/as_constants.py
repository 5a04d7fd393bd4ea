"""A second network that was trained before, as constants."""

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
        self.weights = [torch.randn(8, 1, 5, 5), torch.randn(10, 8)]

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        known = F.relu(F.conv2d(x, self.weights[0])).mean((2, 3)) @ self.weights[1].t()
        return known + self.head(self.body(x))
