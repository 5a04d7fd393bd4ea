"""Batch norm, dropout and pooling in training; in evaluation a table and a maximum."""

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
        self.register_buffer("table", torch.randn(10, 1000))

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        if self.training:
            return self.head(self.body(x))
        y = self.last(F.relu(self.conv(x))).amax((2, 3))
        return y @ self.table @ self.table.t()
