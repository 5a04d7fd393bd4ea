from __future__ import annotations

import contextlib
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.errors import AuthorError, ForwardError, NotCapturable

SHAPE = (1, 8, 8)
Forward = Callable[[nn.Module, Tensor], object]


class OwnBase(BaseException):
    pass


class Speechless(Exception):
    def __str__(self) -> str:
        raise SystemExit(0)


def _raising(error: BaseException) -> Forward:
    def forward(self: nn.Module, x: Tensor) -> object:
        raise error

    return forward


def _net(forward: Forward) -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.lin = nn.Conv2d(1, 2, 3), nn.Linear(8, 4)

    Net.forward = forward
    return Net()


def _error(forward: Forward) -> AuthorError:
    with pytest.raises(AuthorError) as caught:
        capture_model(_net(forward), SHAPE)
    return caught.value


def _is_here(error: AuthorError, forward: Forward) -> bool:
    first = forward.__code__.co_firstlineno
    return (
        error.file is not None and Path(error.file).name == "test_trial.py" and first <= (error.line or 0) <= first + 4
    )


def test_a_shape_mismatch_shows_the_layers_up_to_it() -> None:
    def forward(self: nn.Module, x: Tensor) -> object:
        x = self.conv(x)
        return self.lin(x)

    error = _error(forward)
    assert isinstance(error, ForwardError)
    assert error.code == "MC003"
    assert "training mode on an input of shape [2, 1, 8, 8]" in error.message
    assert "conv (Conv2d) → [2, 2, 6, 6]" in error.message
    assert "lin (Linear) →" not in error.message
    assert error.message.endswith("It fails in lin (Linear), given [2, 2, 6, 6].")
    assert error.line == forward.__code__.co_firstlineno + 2
    assert _is_here(error, forward)


def test_a_layer_is_blamed_for_the_error_that_ends_forward_alone() -> None:
    def forward(self: nn.Module, x: Tensor) -> object:
        with contextlib.suppress(RuntimeError):
            self.lin(self.conv(x))
        return self.conv(x) + x

    error = _error(forward)
    assert error.message.count("conv (Conv2d) → [2, 2, 6, 6]") == 2
    assert "It fails in" not in error.message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemExit(0), "SystemExit"),
        (OwnBase("hm"), "OwnBase: hm"),
        (Speechless(), "cannot be read"),
        (GeneratorExit(), "GeneratorExit"),
        (MemoryError(), "MemoryError"),
        (StopIteration(), "StopIteration"),
        (RecursionError("deep"), "RecursionError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_forward_raises_is_mc003(error: BaseException, words: str) -> None:
    forward = _raising(error)
    found = _error(forward)
    assert isinstance(found, ForwardError)
    assert words in found.message


def test_a_forward_with_a_second_required_argument_names_its_definition() -> None:
    def forward(self: nn.Module, x: Tensor, target: Tensor) -> object:
        return self.lin(x)

    error = _error(forward)  # type: ignore[arg-type]
    assert isinstance(error, ForwardError)
    assert error.message == (
        "forward needs the argument 'target' too: make it optional (target=None), and return the logits when it is None"
    )
    assert _is_here(error, forward)  # type: ignore[arg-type]


class Holder:
    x: object


def _holder(x: object) -> Holder:
    holder = Holder()
    holder.x = x
    return holder


NOT_CAPTURABLE: dict[str, tuple[Forward, str]] = {
    "if": (lambda self, x: self.lin(x) if x.sum() > 0 else x, "torch.where(condition, a, b)"),
    "item": (lambda self, x: x * x.sum().item(), "leave .item()"),
    "index": (lambda self, x: x[x > 0], "torch.where(mask, x, 0)"),
    "numpy": (lambda self, x: torch.from_numpy(x.detach().numpy()), "with numpy"),
    "python-random": (lambda self, x: x * random.random(), "Draw them with torch"),
    "numpy-random": (lambda self, x: x * float(np.random.rand()), "Draw them with torch"),
    "operator": (lambda self, x: torch.special.bessel_j0(x), "'aten.special_bessel_j0.default'"),
    "no-tensor": (lambda self, x: 3, "returns no tensor"),
    "nothing": (lambda self, x: None, "returns no tensor"),
    "size": (lambda self, x: x.shape[0], "returns no tensor"),
    "object": (lambda self, x: _holder(3), "returns no tensor"),
}


@pytest.mark.parametrize(("forward", "words"), NOT_CAPTURABLE.values(), ids=NOT_CAPTURABLE.keys())
def test_what_runs_and_cannot_be_captured_is_mc004_with_line_and_advice(forward: Forward, words: str) -> None:
    forward.__code__ = forward.__code__.replace(co_name="forward")  # torch keeps the lines of functions of that name
    error = _error(forward)
    assert isinstance(error, NotCapturable), error.message
    assert error.code == "MC004"
    assert words in error.message
    assert _is_here(error, forward), (error.file, error.line)


def test_the_line_that_draws_is_found_in_a_helper() -> None:
    def helper() -> float:
        time.time()
        return random.gauss(0, 1)

    def forward(self: nn.Module, x: Tensor) -> object:
        scale = helper()
        return self.lin(x) * scale

    error = _error(forward)
    assert error.line == helper.__code__.co_firstlineno + 2
    assert sys.gettrace() is None or "coverage" in sys.modules


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_weights_of_another_type_than_the_input_fail_as_they_would_for_real(dtype: torch.dtype) -> None:
    with pytest.raises(ForwardError, match="same dtype"):
        capture_model(nn.Linear(8, 4).to(dtype), SHAPE)
