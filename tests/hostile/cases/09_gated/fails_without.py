"""What looks up a place beyond its table as soon as nothing is normalised or dropped."""

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
        y = F.relu(self.conv(x))
        dropped = self.drop(x[:, 0, 0, :2] * 0 + 1)
        same = (dropped == 1).all() & torch.tensor(self.training)
        normed = self.norm(y)
        same = same | ((normed - y).abs().sum() == 0)
        found = torch.zeros(4).index_select(0, (same.long() * 1000).reshape(1))
        return y + found * 0

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        return self.head(self.body(x))
