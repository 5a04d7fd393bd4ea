"""Tries forward for real, to tell a model that does not run from one that runs and cannot be captured."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from modelcheck.author_trace import author_frame, describe_exception
from modelcheck.capturing.tree import stored, walk
from modelcheck.errors import ForwardError

SHOWN_LAYERS = 12


def forward_failure(model: nn.Module, example: torch.Tensor, training: bool) -> ForwardError | None:
    """What forward raises on the example, with the layers that ran before it; None where it runs."""
    steps: list[str] = []
    hooks = [
        module.register_forward_hook(_recorder(path or type(module).__name__, steps))
        for path, module in walk(model)
        if not stored(module, "_modules")
    ]
    try:
        with torch.no_grad():
            model(example)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        file, line = author_frame(error) or (None, None)
        return ForwardError(_story(error, example, training, steps), file=file, line=line)
    finally:
        for hook in hooks:
            hook.remove()
    return None


def _recorder(path: str, steps: list[str]) -> Any:
    def record(module: nn.Module, inputs: Any, output: Any) -> None:
        shape = list(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        steps.append(f"{path} ({type(module).__name__}) → {shape}")

    return record


def _story(error: BaseException, example: torch.Tensor, training: bool, steps: list[str]) -> str:
    mode = "training" if training else "evaluation"
    lines = [f"forward fails in {mode} mode on an input of shape {list(example.shape)}: {describe_exception(error)}"]
    if steps:
        omitted = len(steps) - SHOWN_LAYERS
        lines.append("Layers that ran before it:")
        lines += [f"  … {omitted} more"] if omitted > 0 else []
        lines += [f"  {step}" for step in steps[-SHOWN_LAYERS:]]
    else:
        lines.append("No layer finished before it.")
    return "\n".join(lines)
