"""Forwards that cannot be captured, one cause each; the line that is to blame ends in a comment."""

from __future__ import annotations

import copy
import math
import random

import numpy as np
import torch
from torch import Tensor, nn


class Base(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)


class If(Base):
    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 0:  # here
            x = -x
        return self.fc(x)


class IfElse(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = x if x.max() > 1 else x * 2  # here
        return self.fc(x)


class IfItem(Base):
    def forward(self, x: Tensor) -> Tensor:
        if x.mean().item() > 0.5:  # here
            x = x * 2
        return self.fc(x)


class IfNan(Base):
    def forward(self, x: Tensor) -> Tensor:
        if torch.isnan(x).any():  # here
            raise ValueError("not a number")
        return self.fc(x)


class Assert(Base):
    def forward(self, x: Tensor) -> Tensor:
        assert x.max() < 100, "too large"  # here
        return self.fc(x)


class While(Base):
    def forward(self, x: Tensor) -> Tensor:
        while x.norm() > 1:  # here
            x = x / 2
        return self.fc(x)


class Range(Base):
    def forward(self, x: Tensor) -> Tensor:
        for _ in range(int(x.abs().max())):  # here
            x = x + 1
        return self.fc(x)


class Item(Base):
    def forward(self, x: Tensor) -> Tensor:
        scale = x.mean().item()  # here
        return self.fc(x) * scale


class Int(Base):
    def forward(self, x: Tensor) -> Tensor:
        count = int(x.abs().max())  # here
        return self.fc(x) * count


class Math(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x) * math.exp(float(x.mean()))  # here


class ToList(Base):
    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((1, 2, 3)).tolist()  # here
        return self.fc(x) * means[0]


class Mask(Base):
    def forward(self, x: Tensor) -> Tensor:
        return x[x > 0]  # here


class NamedMask(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x)
        mask = y > 0
        return y[mask].mean()  # here


class Cut(Base):
    def forward(self, x: Tensor) -> Tensor:
        n = (x[:, 0, 0, 0] > 0).sum()
        return self.fc(x[:, :, :n])  # here


class NonZero(Base):
    def forward(self, x: Tensor) -> Tensor:
        return torch.nonzero(self.fc(x)).sum()  # here


class WhereAlone(Base):
    def forward(self, x: Tensor) -> Tensor:
        rows = torch.where(self.fc(x) > 0)[0]  # here
        return rows.sum()


class Unique(Base):
    def forward(self, x: Tensor) -> Tensor:
        return torch.unique(self.fc(x)).sum()  # here


class Numpy(Base):
    def forward(self, x: Tensor) -> Tensor:
        values = x.detach().numpy()  # here
        return self.fc(torch.from_numpy(values))


class NumpyFunction(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x) * np.mean(np.abs(x.detach().numpy()))  # here


class Formats(Base):
    def forward(self, x: Tensor) -> Tensor:
        print(f"{x.mean():.3f}")  # here
        return self.fc(x)


class Draws(Base):
    def forward(self, x: Tensor) -> Tensor:
        if random.random() > 0.5:  # here
            x = -x
        return self.fc(x)


class MakesTensor(Base):
    def forward(self, x: Tensor) -> Tensor:
        both = torch.tensor([x.mean(), x.max()])  # here
        return self.fc(x) * both[0]


class MakesModule(Base):
    def forward(self, x: Tensor) -> Tensor:
        layer = nn.Linear(4, 3)  # here
        return layer(self.fc(x))


class Copies(Base):
    def forward(self, x: Tensor) -> Tensor:
        return copy.deepcopy(self.fc)(x)  # here


class Data(Base):
    def forward(self, x: Tensor) -> Tensor:  # here
        self.fc.weight.data = self.fc.weight.data * 0.5
        return self.fc(x)


class PartScripted(Base):
    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.jit.script(self.fc)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)  # here
