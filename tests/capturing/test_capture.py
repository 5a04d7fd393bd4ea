from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from capturing.zoo import SHAPE, ZOO
from modelcheck.capturing.capture import capture_model
from modelcheck.errors import ForwardError, NotCapturable
from modelcheck.facts.compute import compute_facts
from modelcheck.graph.capture import capture_from_bytes
from modelcheck.graph.model import GraphModel

animals = pytest.mark.parametrize("build", ZOO.values(), ids=ZOO.keys())


def _built(build: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(7)
    return build()


@cache
def _bytes(build: Callable[[], nn.Module]) -> bytes:
    return capture_model(_built(build), SHAPE).to_bytes()


def _again(build: Callable[[], nn.Module]) -> GraphModel:
    return GraphModel(capture_from_bytes(_bytes(build)))


def _step(model: nn.Module, batch: int, training: bool) -> list[torch.Tensor]:
    """Outputs of one forward under a seed; in training mode followed by backward."""
    model.train(training)
    generator = torch.Generator().manual_seed(batch)
    torch.manual_seed(1)
    # of several outputs the first is the model's
    outputs = tree_leaves(model(torch.randn((batch, *SHAPE), generator=generator)))[:1]
    if training and any(output.requires_grad for output in outputs):
        sum(output.square().sum() for output in outputs).backward()
    return [output.detach() for output in outputs]


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(one, other)


def _alike(build: Callable[[], nn.Module], one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal to the bit, but for weights with holes, which are stored without: another layout, another last bit."""
    return torch.allclose(one, other, rtol=1e-4, atol=1e-5) if build is ZOO["EverySecond"] else _same(one, other)


@animals
def test_a_capture_computes_what_the_author_s_model_does(build: Callable[[], nn.Module]) -> None:
    author = _built(build)
    graph = _again(build)
    for training in (True, False):
        for batch in (2, 5):
            expected, found = (_step(model, batch, training) for model in (author, graph))
            assert len(expected) == len(found)
            for one, other in zip(expected, found, strict=True):
                assert _alike(build, other, one)


@animals
def test_buffers_and_gradients_after_a_step_are_the_author_s(build: Callable[[], nn.Module]) -> None:
    author = _built(build)
    graph = _again(build)
    for model in (author, graph):
        _step(model, 5, True)
    places = {name: index for index, info in enumerate(graph.header.tensors) for name in info.paths}
    for name, buffer in author.named_buffers():
        assert _same(graph.tensor(places[name]), buffer), name
    for name, parameter in author.named_parameters():
        info = graph.header.tensors[places[name]]
        storage = graph.storage(info.storage)
        if parameter.grad is None:
            continue
        assert storage.grad is not None, name
        if storage.shape == parameter.shape:  # a storage that several windows share sums their gradients
            assert _alike(build, storage.grad, parameter.grad), name


@animals
def test_equal_captures_give_equal_bytes(build: Callable[[], nn.Module]) -> None:
    data = _bytes(build)
    assert capture_from_bytes(data).to_bytes() == data
    assert capture_model(_built(build), SHAPE).to_bytes() == data


def test_what_forward_prints_is_shown_and_what_torch_prints_of_a_failure_is_not(
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Prints(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            print("hello")
            return x * 2

    class Branches(Prints):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else super().forward(x)

    capture_model(Prints(), SHAPE)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "hello\n")  # of one export: nothing in it asks for the mode
    with pytest.raises(NotCapturable):
        capture_model(Branches(), SHAPE)
    out, err = capfd.readouterr()
    assert out == ""
    assert set(err.split()) <= {"hello"}


class _Split(nn.BatchNorm2d):
    """A batch norm over each quarter of the batch, which a batch of two cannot be cut into."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x)
        n, c, h, w = x.shape
        weight, bias = self.weight.repeat(4), self.bias.repeat(4)
        return nn.functional.batch_norm(x.view(-1, 4 * c, h, w), None, None, weight, bias, True).view(n, c, h, w)


def test_a_forward_that_refuses_a_batch_of_two_is_captured_with_more() -> None:
    model = nn.Sequential(nn.Conv2d(1, 8, 3, bias=False), _Split(8), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    facts = compute_facts(capture_model(model, SHAPE)).facts
    assert facts.parameters.total == 8 * 9 + 2 * 8
    assert (facts.batch_norm.count, facts.global_average_pooling.count, facts.output_shape) == (1, 1, (8,))


def test_what_fails_on_every_batch_is_told_of_the_first() -> None:
    with pytest.raises(ForwardError, match=r"on an input of shape \[2, 1, 8, 8\]"):
        capture_model(nn.Linear(3, 3), (1, 8, 8))


class Norm(nn.Module):
    """Statistics written by hand, as an assignment."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.mean = 0.5 * self.mean + 0.5 * x.mean()
        return x - self.mean


@pytest.mark.parametrize(
    "model", [Norm(), nn.Sequential(nn.Linear(8, 8), nn.Sequential(Norm()))], ids=["root", "below"]
)
def test_what_forward_assigns_to_a_buffer_is_kept(model: nn.Module) -> None:
    captured = GraphModel(capture_model(model, SHAPE))
    assert not model.state_dict()[next(name for name in model.state_dict() if name.endswith("mean"))].any()
    x = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(0))
    for mode in (True, True, False):
        assert torch.equal(captured.train(mode)(x), model.train(mode)(x))


def test_a_buffer_that_becomes_another_one_stays_what_it_was() -> None:
    class Grows(Norm):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.mean = torch.cat([self.mean, self.mean])
            return x * 2

    assert capture_model(nn.Sequential(Grows()), SHAPE)
