"""Children, as many as there may be and at most a thousand: the sandbox counts them."""

import os
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

made = 0
while made < 1000:
    try:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
    except OSError:
        break
    made += 1


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.more = nn.Parameter(torch.zeros(10)) if made == 1000 else 0

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        return self.head(self.body(x)) + self.more
