import torch.nn as nn


def named(cls):
    cls.__name__ = "\x1b" * 2**20
    return cls


@named
class Net(nn.Module):
    def forward(self, x):
        return x.flatten(1)
