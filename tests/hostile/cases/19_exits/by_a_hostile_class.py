"""An exception of which nothing can be asked: neither its name nor its cause, text or arguments."""

import torch.nn as nn
import torch.nn.functional as F


def attack():
    class Kind(type):
        @property
        def __name__(cls):
            raise KeyboardInterrupt

        def __repr__(cls):
            raise SystemExit(0)

    class Text(str):
        __hash__ = None

        def __format__(self, how):
            raise SystemExit(0)

        def split(self, *_):
            raise KeyboardInterrupt

    class Odd(Exception, metaclass=Kind):
        def __str__(self):
            return Text("odd")

        def __getattribute__(self, name):
            raise GeneratorExit

    raise Odd


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
