"""Sets every seed, and asks for more threads."""

import os
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def attack():
    os.environ["OMP_NUM_THREADS"] = "64"
    torch.set_num_threads(64)
    random.seed(7)
    np.random.seed(7)
    torch.manual_seed(7)
    torch.use_deterministic_algorithms(True)
    torch.set_default_dtype(torch.float64)
    torch.set_default_dtype(torch.float32)


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
