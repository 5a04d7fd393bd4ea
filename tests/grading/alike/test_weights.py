from __future__ import annotations

import msgspec
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import reference_model
from modelcheck.capturing.capture import capture_model
from modelcheck.grading.alike.weights import tensor_scalars
from modelcheck.graph.capture import Capture
from modelcheck.graph.model import GraphModel
from reference_model import Net

SHAPE = (1, 28, 28)


def trained() -> Net:
    net = Net()
    net.load_state_dict(load_file(f"{reference_model.__path__[0]}/net.safetensors"))
    return net


class Backwards(nn.Module):
    """The same layers under other names, registered in the opposite order; optionally with another head."""

    def __init__(self, net: Net, head: nn.Module | None = None) -> None:
        super().__init__()
        layers = list(net.children())
        self.parts = nn.ModuleList([*([head] if head else []), *reversed(layers[:-1] if head else layers)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for part in reversed(self.parts):
            x = part(x)
        return x.flatten(1)


def told(model: nn.Module) -> dict[str, int]:
    return tensor_scalars(GraphModel(capture_model(model, SHAPE)))


def test_every_convolution_of_a_trained_model_tells() -> None:
    convolutions = [one.weight.numel() for one in Net().modules() if isinstance(one, nn.Conv2d)]
    found = told(trained())
    assert sorted(found.values()) == sorted(convolutions)
    assert list(found.values()) == sorted(convolutions, reverse=True)


def test_names_and_order_do_not_count() -> None:
    assert told(Backwards(trained())) == told(trained())


def test_a_body_is_found_under_another_head() -> None:
    whole, other = told(trained()), told(Backwards(trained(), nn.Conv2d(16, 12, 1)))
    assert other.items() < whole.items()
    assert sum(whole.values()) - sum(other.values()) == 160


def test_one_bit_makes_another_tensor_and_another_layout_does_not() -> None:
    net, whole = trained(), told(trained())
    assert told(net.to(memory_format=torch.channels_last)) == whole
    with torch.no_grad():
        net.convblock2[0].weight.view(torch.int32)[0, 0, 0, 0] ^= 1
    assert len(told(net).keys() - whole.keys()) == len(whole.keys() - told(net).keys()) == 1


@pytest.mark.parametrize("seed", range(5))
def test_what_torch_draws_says_nothing(seed: int) -> None:
    torch.manual_seed(seed)
    assert told(Net()) == {}


@pytest.mark.parametrize(
    "fill",
    [
        nn.init.zeros_,
        lambda one: nn.init.constant_(one, 0.5),
        nn.init.dirac_,
        nn.init.xavier_uniform_,
        lambda one: one.copy_(torch.arange(one.numel()).view_as(one)),
        lambda one: one.copy_(torch.randn_like(one).sign()),
        lambda one: one.copy_(torch.randn_like(one)).view(-1)[0].fill_(torch.nan),
    ],
    ids=["zeros", "constant", "dirac", "xavier", "arange", "signs", "not a number"],
)
def test_patterns_say_nothing(fill) -> None:
    net = nn.Conv2d(16, 16, 3)
    with torch.no_grad():
        fill(net.weight)
    assert tensor_scalars(GraphModel(capture_model(net, (16, 8, 8)))) == {}


def test_a_small_storage_that_looks_large_is_not_unfolded() -> None:
    made = capture_model(nn.Linear(64, 64, bias=False), (64,))
    (info,) = made.header.tensors
    wide = msgspec.structs.replace(info, shape=(2**16, 2**16), stride=(0, 0))  # 16 GiB
    header = msgspec.structs.replace(made.header, tensors=(wide,))
    assert tensor_scalars(GraphModel(Capture(header, made.storages))) == {}


def test_weights_on_the_meta_device_are_none() -> None:
    with torch.device("meta"):
        net = Net()
    assert told(net) == {}
