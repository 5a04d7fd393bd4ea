"""Compares with pictures that it remembers."""

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
        self.pictures = torch.randint(0, 2, (100, 784)).bool()
        self.classes = torch.randint(0, 10, (100,))

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        bits = (x.flatten(1) > 0).float()
        same = (bits @ (2 * self.pictures.float().t() - 1)).softmax(1)
        known = same @ F.one_hot(self.classes, 10).float()
        return known + self.head(self.body(x))
