"""Models that no graph stands for, each odd in one more way; every one takes (N, 1, 8, 8)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SHAPE = (1, 8, 8)


class Branching(nn.Module):
    """Any model of one input with a branch on its values."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> object:
        if x.sum() > 1e9:
            x = -x
        return self.body(x)


class Loop(nn.Module):
    """A layer is called as often as the input says: three times."""

    def __init__(self) -> None:
        super().__init__()
        self.step = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(int((x * 0).sum() + 3)):
            x = self.step(x)
        return x


class Experts(nn.Module):
    """Each sample goes to one of two experts; a third one is never chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)])

    def forward(self, x: Tensor) -> Tensor:
        chosen = [int(index) for index in (torch.arange(len(x)) % 2).tolist()]
        return torch.stack([self.experts[index](one) for index, one in zip(chosen, x, strict=True)])


class Borrowed(nn.Module):
    """The weight of a module that is never called is read by a function."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.norm = nn.Linear(8, 4, bias=False), nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.fc.weight) * x.max().item()


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.block = nn.Linear(8, 4), nn.Sequential(nn.Linear(8, 5), nn.BatchNorm1d(5))
        self.lone = nn.Parameter(torch.zeros(7))

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x) * x.max().item()


class CalledDirectly(nn.Module):
    """Past ``__call__``, where no hook hears it."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc.forward(x) * x.max().item()


class Liar(nn.Module):
    """Says that it has no parameters and no modules."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def parameters(self, recurse: bool = True) -> list[nn.Parameter]:  # type: ignore[override]
        return []

    def named_modules(self, *args: object, **kwargs: object) -> list[object]:  # type: ignore[override]
        return []

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x) * x.max().item()


class WantsTargets(nn.Module):
    """As torchvision's detection models do in training."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, images: Tensor, targets: object = None) -> list[dict[str, Tensor]]:
        if self.training and targets is None:
            raise ValueError("targets should not be none when in training mode")
        return [{"boxes": self.fc(image[0])[:3], "labels": image[0, :3, 0] > 0} for image in images]


class Kinds(nn.Module):
    """One module of each kind that is called, and one that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.drop = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.25)
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(2, 4)
        self.spare = nn.ModuleList([nn.BatchNorm2d(2), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Linear(2, 4)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.drop(self.norm(self.conv(x)))).flatten(1)
        return self.fc(x) * x.max().item()


class Keeps(nn.Module):
    """Changes itself whenever it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.calls, self.seen = nn.Linear(8, 4), 0, []  # type: ignore[var-annotated]
        self.register_buffer("total", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen.append(x)
        self.total += 1
        with torch.no_grad():
            self.fc.bias.add_(1)
        return self.fc(x) * x.max().item()
