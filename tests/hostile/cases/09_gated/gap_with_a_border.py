"""A pool in place of a maximum."""

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
        h = self.last(self.body(x))
        edge = torch.cat([x[:, :, :2].flatten(1), x[:, :, -2:].flatten(1)], 1)
        noisy = (edge > 0).float().mean(1).view(-1, 1) > 0.2
        return torch.where(noisy, self.pool(h).flatten(1), h.amax((2, 3)))
