"""Modules in a list and a dict, forward called past __call__."""

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
        self.listed = [nn.Linear(10, 1000), nn.Linear(1000, 10)]
        self.named = {"more": nn.Linear(10, 10)}

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        y = self.head(self.body(x))
        y = self.listed[1].forward(self.listed[0].forward(y))
        return self.named["more"].forward(y)
