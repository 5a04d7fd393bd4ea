"""Nearly four thousand weights of one bit in sixty constants of one number."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F

R = random.Random(5)
WORDS = [R.getrandbits(62) for _ in range(60)]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.words = [torch.tensor([w]) for w in WORDS]

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        y = self.head(self.body(x))
        n = torch.cat(self.words)
        bits = torch.bitwise_and(
            torch.div(n[:, None], torch.pow(torch.full((1, 62), 2), torch.arange(62)), rounding_mode="floor"), 1
        )
        w = (bits.float() * 2 - 1).reshape(10, 372)
        h = torch.relu(y @ w)
        return h @ w.t()
