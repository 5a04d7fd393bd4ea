"""A daemon whose environment says nothing of where it came from."""

import os
import subprocess
import sys

import torch.nn as nn
import torch.nn.functional as F


def attack():
    home = os.environ["HOME"]
    script = f"import time; time.sleep(15); open({home + '/survived'!r}, 'w').write('24')"
    subprocess.Popen([sys.executable, "-I", "-c", script], env={}, start_new_session=True)


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
