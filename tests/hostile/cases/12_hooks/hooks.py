"""Hooks do the work."""

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
        self.last.register_forward_pre_hook(lambda module, args: (self.drop(self.norm(args[0])),))
        self.last.register_forward_hook(lambda module, args, output: self.pool(output))

    def forward(self, x):
        return self.last(F.relu(self.conv(x))).flatten(1)
