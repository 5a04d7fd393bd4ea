"""A matrix of small integers as a program of sums and differences, each of a column that was chosen."""

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
        columns, rows = y.split(1, 1), []
        for row in range(10):
            total = columns[row]
            for term in range(150):
                chosen = pow(7919, 1000 * row + term, 104729)
                one = columns[chosen % 10]
                total = total + one if chosen // 10 % 2 else total - one
            rows.append(total)
        return torch.cat(rows, 1)
