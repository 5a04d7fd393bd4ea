"""A matrix of plus and minus one as a program of sums and differences."""

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
        y = self.head(self.body(x))
        for turn in range(2):
            rows = []
            for row in range(10):
                total = y[:, :1] - y[:, :1]
                for column in range(10):
                    one = y[:, column : column + 1]
                    total = total + one if (turn + row * 7919 + column * 104729) % 7 % 2 else total - one
                rows.append(total)
            y = torch.cat(rows, 1)
        return y
