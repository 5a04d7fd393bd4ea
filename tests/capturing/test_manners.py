from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.errors import AuthorError

SHAPE = (1, 8, 8)


class Messy(nn.Module):
    """Leaves everything that forward can leave behind, and then does what it is told."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self.lin, self.norm, self.idle = nn.Linear(8, 4), nn.BatchNorm2d(1), nn.Dropout()
        self.then, self.calls, self.seen = then, 0, []

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = self.lin(self.norm(x))
        self.seen.append(self.last)
        self.lin.register_forward_hook(lambda *_: None)
        print("forward speaks")
        warnings.warn("forward warns", stacklevel=2)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.use_deterministic_algorithms(True)
        np.random.seed(1)
        sys.stdout = sys.stderr = None
        self.then()
        return self.last


def _fails() -> None:
    raise ValueError("told to")


def _state(model: Messy) -> dict[str, object]:
    modules = list(nn.Module.modules(model))
    return {
        "modes": [module.training for module in modules],
        "attributes": [sorted(module.__dict__) for module in modules],
        "classes": [type(module) for module in modules],
        "hooks": [len(module._forward_hooks) for module in modules],
        "kept": (model.calls, list(model.seen)),
        "buffers": [buffer.tolist() for buffer in model.buffers()],
        "parameters": [(id(p), p.tolist(), p.requires_grad, id(p.grad)) for p in model.parameters()],
        "random": (torch.get_rng_state().tolist(), random.getstate(), repr(np.random.get_state())),
        "settings": (
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.backends.mha.get_fastpath_enabled(),
            torch.are_deterministic_algorithms_enabled(),
        ),
        "streams": (sys.stdout, sys.stderr),
    }


@pytest.mark.parametrize(
    "then", [lambda: None, _fails, sys.exit, random.random], ids=["runs", "raises", "exits", "draws"]
)
def test_model_and_process_are_left_as_found(then: Callable[[], None], capfd: pytest.CaptureFixture[str]) -> None:
    model = Messy(then)
    model.idle.eval()  # mixed modes
    model.lin.bias.requires_grad_(False)
    model.lin.weight.grad = torch.ones_like(model.lin.weight)
    before = _state(model)
    try:
        capture_model(model, SHAPE)
    except AuthorError:
        assert then is not None
    assert _state(model) == before
    assert capfd.readouterr().out == ""


def test_capturing_under_no_grad_gives_the_same_graph() -> None:
    model = nn.Sequential(nn.Linear(8, 4), nn.Dropout())
    expected = capture_model(model, SHAPE).to_bytes()
    with torch.no_grad():
        assert capture_model(model, SHAPE).to_bytes() == expected
    with torch.inference_mode():
        assert capture_model(model, SHAPE).to_bytes() == expected


def test_a_lazy_model_stays_uninitialised() -> None:
    model = nn.Sequential(nn.LazyConv2d(3, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    capture = capture_model(model, SHAPE)
    assert [one.shape for one in capture.header.tensors if one.role == "parameter"][-2] == (2, 108)
    assert isinstance(model[0], nn.LazyConv2d)
    assert all(nn.parameter.is_lazy(parameter) for parameter in model.parameters())


def test_ctrl_c_stays_one() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        capture_model(Messy(interrupt), SHAPE)
