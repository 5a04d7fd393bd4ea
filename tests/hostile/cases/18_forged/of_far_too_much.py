"""A result with numbers, texts and depths that no reader expects."""

import os
from pathlib import Path

import torch.nn as nn
import torch.nn.functional as F


def attack():
    text = '{"is": "failed", "code": "MC001", "message": "%s", "file": null, "line": %s, "layers": %s}'
    result = Path.cwd().parent / "out" / "result.json"
    result.write_text(text % ("<b>" * 10**6, "9" * 10**5, "[" * 10**5))
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

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        return self.head(self.body(x))
