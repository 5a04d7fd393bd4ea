"""What is done to a source so that it looks like another one, by its text alone."""

from __future__ import annotations

import io
import keyword
import random
import re
import tokenize
from pathlib import Path

import reference_model

REFERENCE = (Path(reference_model.__path__[0]) / "net.py").read_text(encoding="utf-8")
NET = """
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self, rate=0.05):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 14, kernel_size=3, bias=False)
        self.bn2 = nn.BatchNorm2d(14)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv3 = nn.Conv2d(14, 18, 3, bias=False)
        self.bn3 = nn.BatchNorm2d(18)
        self.conv4 = nn.Conv2d(18, 10, 1, bias=False)
        self.drop = nn.Dropout(rate)
        self.gap = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        x = self.drop(F.relu(self.bn1(self.conv1(x))))
        x = self.pool(self.drop(F.relu(self.bn2(self.conv2(x)))))
        x = self.conv4(self.drop(F.relu(self.bn3(self.conv3(x)))))
        x = self.gap(x)
        return F.log_softmax(x.view(-1, 10), dim=1)

def train(model, device, loader, optimizer):
    model.train()
    for data, target in loader:
        optimizer.zero_grad()
        loss = F.nll_loss(model(data.to(device)), target.to(device))
        loss.backward()
        optimizer.step()
"""
_API = {"nn", "F", "torch", "Module", "__future__", "annotations", "functional", "Tensor"}


def renamed(text: str) -> str:
    """Every name of the author's replaced; what is looked up in torch by a capital letter is kept."""
    names: dict[str, str] = {}

    def other(match: re.Match[str]) -> str:
        name = match[0]
        if name in _API or keyword.iskeyword(name) or (name[0].isupper() and name != "Net"):
            return name
        return names.setdefault(name, f"renamed_{len(names)}")

    return re.sub(r"\b[^\W\d]\w*", other, text)


def reformatted(text: str) -> str:
    """The same tokens with other layout and comments, numbers written otherwise, and other text."""
    lines = text.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    parts, end, last = [], 0, ""
    for one in tokenize.generate_tokens(io.StringIO(text).readline):
        string = one.string
        if one.type == tokenize.NUMBER:
            string = f"{float(string):e}" if "." in string else f"{int(string):#x}"
        elif one.type == tokenize.STRING:
            string = '"""another\ntext"""'
        elif one.type == tokenize.COMMENT:
            string = "# said otherwise"
        elif string == ")" and last not in ("(", ","):
            string = ",\n        )"
        elif string == "=":
            string = "  =  "
        if string != one.string:
            start = starts[one.start[0] - 1] + one.start[1]
            parts += [text[end:start], string]
            end = starts[one.end[0] - 1] + one.end[1]
        last = one.string if one.string.strip() and one.type != tokenize.COMMENT else last
    return "".join([*parts, text[end:]])


def reordered(text: str) -> str:
    """The classes and functions in the opposite order."""
    head, *parts = re.split(r"^(?=class |def )", text, flags=re.MULTILINE)
    return "".join([head, *(part.rstrip("\n") + "\n\n\n" for part in reversed(parts))])


def padded(text: str) -> str:
    """Three times as long, by functions that nobody calls."""
    rng = random.Random(0)
    names = ("alpha", "beta", "gamma", "print", "sorted", "range")
    dead = [
        f"def unused_{index}(a, b={rng.randrange(99)}):\n"
        + "".join(
            f"    {rng.choice(names)} = {rng.choice(names)}(a, {rng.randrange(999)}) {rng.choice('+-*/%')} b\n"
            for _ in range(rng.randrange(2, 6))
        )
        for index in range(len(text) // 60)
    ]
    head, *parts = re.split(r"^(?=class |def )", text, flags=re.MULTILINE)
    return "".join([head, *dead[::2], *(part.rstrip("\n") + "\n\n\n" for part in parts), *dead[1::2]])


def with_another_number(text: str) -> str:
    return text.replace("(1, 12, 3", "(1, 12, 5").replace("conv3x3(1, 32)", "conv3x3(1, 33)")


def with_two_lines_swapped(text: str) -> str:
    lines = text.split("\n")
    at = next(index for index, line in enumerate(lines) if ".bn2 =" in line or ".convblock3 =" in line)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return "\n".join(lines)
