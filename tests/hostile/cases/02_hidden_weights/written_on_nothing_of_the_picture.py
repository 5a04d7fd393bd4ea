"""A thousand numbers, each times one that is made of the picture."""

import torch
import torch.nn as nn
import torch.nn.functional as F

VALUES = torch.randn(1000, generator=torch.Generator().manual_seed(1)).tolist()


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
        y = self.head(self.body(x))
        z = torch.ones_like(x[:1, 0, 0, :1])
        w = torch.cat([z * v for v in VALUES], 1).view(10, 100)
        h = torch.relu(y @ w)
        return h @ w.t()
