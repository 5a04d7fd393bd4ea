from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.capturing.manners import left_as_found, set_mode
from modelcheck.capturing.tree import is_script, stored, tensors, walk
from modelcheck.errors import NotCapturable

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:FutureWarning")


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.fc, self.drop = nn.BatchNorm1d(8), nn.Linear(8, 3), nn.Dropout(0.5)
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.fc(self.norm(x))) * self.scale


def _traced(model: nn.Module) -> nn.Module:
    return torch.jit.trace(model.eval(), torch.randn(2, 8)).train()


ways = pytest.mark.parametrize("way", [torch.jit.script, _traced], ids=["scripted", "traced"])


@ways
def test_what_a_script_holds_is_found(way: Callable[[nn.Module], nn.Module]) -> None:
    script, plain = way(Net()), Net()
    assert [path for path, _ in walk(script)] == [path for path, _ in walk(plain)]
    assert all(is_script(module) for _, module in walk(script))
    for kind in ("_parameters", "_buffers", "_modules"):
        assert list(stored(script, kind)) == list(stored(plain, kind))
    assert sum(one.numel() for one in tensors(script)) == sum(one.numel() for one in tensors(plain))
    assert {id(one) for one in tensors(script)} >= {id(one) for one in script.parameters()}


@ways
def test_a_script_is_left_in_its_mode(way: Callable[[nn.Module], nn.Module]) -> None:
    script = way(Net())
    script.fc.eval()
    before = {path: module.training for path, module in walk(script)}
    assert set(before.values()) == {True, False}
    with left_as_found(script):
        set_mode(script, False)
        assert not any(module.training for _, module in walk(script))
        set_mode(script, True)
        assert all(module.training for _, module in walk(script))
    assert {path: module.training for path, module in walk(script)} == before


@ways
def test_a_script_is_not_captured(way: Callable[[nn.Module], nn.Module]) -> None:
    with pytest.raises(NotCapturable, match="a graph of its own"):
        capture_model(way(Net()), (8,))
