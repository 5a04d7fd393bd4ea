"""How to write a line whose effect depends on the values of tensors so that one graph is the model."""

from __future__ import annotations

import linecache
import re

import torch

from modelcheck.author_trace import printable

LONGEST_LINE = 80
_CHECK = "checks the values of a tensor, which no graph holds: remove that, or check where the model is trained"
# what is found first in the line is what is told of it
_REWRITES: tuple[tuple[str, str], ...] = (
    (r"^assert\b", _CHECK),
    (r"^(if|elif)\b.*\b(isnan|isinf|isfinite|any|all|allclose|equal)\(", _CHECK),
    (
        r"^while\b",
        "repeats until the values of a tensor say so: repeat a fixed number of times, and keep what is done, "
        "`for _ in range(10): x = torch.where(done, x, step(x))`",
    ),
    (
        r"^for\b.*\brange\(",
        "repeats as often as the values of a tensor say: repeat a fixed number of times, and keep what is done, "
        "`for i in range(10): x = torch.where(i < n, step(x), x)`",
    ),
    (
        r"\btorch\.(as_)?tensor\(|\b(Float|Long|Double|Int)?Tensor\(|\bfrom_numpy\(",
        "copies the values of tensors into a new one, and nobody knows where they are from: use torch.stack([a, b]) or "
        "torch.cat, and a tensor as it is",
    ),
    (
        r"\.tolist\(\)",
        "makes a tensor a list of Python's numbers, which a graph does not have: leave .tolist() out, compute with the "
        "tensor and index it",
    ),
    (
        r"^(if|elif)\b|\bif\b.+\belse\b",
        "takes a branch that the values of a tensor choose: compute both and choose between them, "
        "`x = torch.where(condition, a, b)`",
    ),
    (
        r"\.item\(\)|\b(int|float|bool)\(",
        "makes the value of a tensor one of Python's numbers, which a graph does not have: leave .item(), int() and "
        "float() out and compute with the tensor, `y * x.mean()`; for sizes and rounds take a fixed number",
    ),
    (
        r"\[[^\[\]]*([<>]|[=!]=|~|mask)",
        "picks what a mask chooses, and how much that is depends on the values: keep the shape, "
        "`torch.where(mask, x, 0)` or `x * mask`, and divide a mean by `mask.sum()`",
    ),
    (
        r"\[[^\[\]]*:[^\[\]]*\]",
        "cuts where the values of a tensor say: keep the shape, and mask what is left out, "
        "`x * (torch.arange(x.shape[1]) < n)`",
    ),
)


def written_at(file: str | None, line: int | None) -> str:
    """The line as it is written, without its comment; empty where nobody knows."""
    text = linecache.getline(file, line) if file and line else ""
    return text.partition("#")[0].strip()


def rewrite_of(written: str) -> str | None:
    """The line, what it does and what to write instead; None where that cannot be told from the line."""
    found = next((text for pattern, text in _REWRITES if re.search(pattern, written)), None)
    return f"`{printable(written, LONGEST_LINE)}` {found}" if found else None


def torch_for_numpy(written: str) -> str:
    """What to write in place of the line's functions of numpy: ``torch.maximum for np.maximum``."""
    names = dict.fromkeys(re.findall(r"\b(?:np|numpy)\.(\w+)\(", written))
    same = [f"torch.{name} for np.{name}" for name in names if hasattr(torch, name)]
    return f" ({', '.join(same)})" if same else ""
