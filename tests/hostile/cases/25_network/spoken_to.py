"""Speaks to a port of the machine, an abstract socket, and a socket of the file system."""

import os
import socket

import torch
import torch.nn as nn
import torch.nn.functional as F


def reached():
    port = 47113
    for family, address in (
        (socket.AF_INET, ("127.0.0.1", port)),
        (socket.AF_INET6, ("::1", port)),
        (socket.AF_UNIX, f"\0modelcheck-hostile-{port}"),
    ):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as one:
                one.settimeout(1)
                one.connect(address)
                one.sendall(b"hello")
                return True
        except OSError:
            continue
    return False


REACHED = reached()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.more = nn.Parameter(torch.zeros(10)) if REACHED else 0

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        return self.head(self.body(x)) + self.more
