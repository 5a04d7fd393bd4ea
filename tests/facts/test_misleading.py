"""Models that mislead a walk over ``modules()``, by accident or on purpose: the facts must be those of the graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.facts.describe import facts

GLOBAL = torch.randn(10, 10)


class Features(nn.Module):
    """A 10×6×6 map from 28×28, as convolution with stride."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 8, stride=4)

    def forward(self, x):
        return self.head(self.conv(x))

    def head(self, x):
        raise NotImplementedError


def pooled(function: Callable[[torch.Tensor], torch.Tensor]) -> nn.Module:
    class Net(Features):
        def head(self, x):
            return function(x).flatten(1)

    return Net()


class Twice(nn.Module):
    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x):
        return self.second(self.first(x))


GLOBAL_AVERAGES = {
    "mean over both": lambda x: x.mean((2, 3)),
    "mean over both, negative": lambda x: x.mean([-1, -2]),
    "mean keeping dimensions": lambda x: x.mean((2, 3), keepdim=True),
    "mean after mean": lambda x: x.mean(3).mean(2),
    "mean after mean, keeping": lambda x: x.mean(-1, keepdim=True).mean(-2, keepdim=True),
    "torch.mean": lambda x: torch.mean(x, dim=(2, 3)),
    "mean after flatten": lambda x: x.flatten(2).mean(2),
    "mean after view": lambda x: x.view(x.size(0), 10, -1).mean(dim=-1),
    "mean after reshape and back": lambda x: x.reshape(x.size(0), 10, 36).reshape(x.size(0), 10, 6, 6).mean((2, 3)),
    "mean of tokens": lambda x: x.flatten(2).transpose(1, 2).mean(1),
    "mean channels last": lambda x: x.permute(0, 2, 3, 1).mean((1, 2)),
    "sum over area": lambda x: x.sum((2, 3)) / 36,
    "sum over size": lambda x: x.sum((2, 3)) / (x.size(2) * x.size(3)),
    "sum times reciprocal": lambda x: x.sum(dim=(2, 3)) * (1 / 36),
    "sum after flatten": lambda x: x.flatten(2).sum(-1).div(36),
    "AvgPool2d of the map": nn.AvgPool2d(6),
    "AvgPool2d of the map with a stride": nn.AvgPool2d(6, stride=1),
    "F.avg_pool2d": lambda x: F.avg_pool2d(x, 6),
    "F.avg_pool2d of the size": lambda x: F.avg_pool2d(x, x.size()[2:]),
    "AdaptiveAvgPool2d(1)": nn.AdaptiveAvgPool2d(1),
    "AdaptiveAvgPool2d((1, 1))": nn.AdaptiveAvgPool2d((1, 1)),
    "F.adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 1),
    "AdaptiveAvgPool1d after flatten": lambda x: nn.AdaptiveAvgPool1d(1)(x.flatten(2)),
    "AvgPool1d after flatten": lambda x: F.avg_pool1d(x.flatten(2), 36),
    "pool of the pooled rest": Twice(nn.AvgPool2d(2), nn.AvgPool2d(3)),
    "transposed": lambda x: x.transpose(2, 3).flatten(2).mean(2),
    "AvgPool2d that is larger, clipped": nn.AvgPool2d(7, ceil_mode=True),
    "AvgPool2d with padding that is not counted": lambda x: F.avg_pool2d(x, 10, padding=2, count_include_pad=False),
    "AvgPool2d divided by the area": lambda x: F.avg_pool2d(x, 6, divisor_override=36),
    "sum divided by one side after the other": lambda x: x.sum((2, 3)) / 6 / 6,
    "sum and division for each side": lambda x: x.sum(3).div(6).sum(2).div(6),
    "mean over what is left of a row": lambda x: F.max_pool2d(x, (6, 1)).mean(3).flatten(1),
    "nanmean": lambda x: x.nanmean((2, 3)),
    "after a crop and a convolution-like pool": lambda x: F.max_pool2d(x[:, :, 1:5, 1:5], 2).mean((2, 3)),
    "blocks, then over blocks": lambda x: x.view(-1, 10, 2, 3, 2, 3).mean((3, 5)).mean((2, 3)),
    "pixels moved into channels": lambda x: (
        x.view(-1, 10, 3, 2, 3, 2).permute(0, 1, 3, 5, 2, 4).reshape(-1, 40, 3, 3).mean((2, 3))[:, :10]
    ),
    "tokens behind one for the class": lambda x: torch.cat(
        [torch.zeros(x.shape[0], 1, 10), x.flatten(2).transpose(1, 2)], 1
    )[:, 1:].mean(1),
    "after a channel shuffle": lambda x: x.view(-1, 2, 5, 6, 6).transpose(1, 2).reshape(-1, 10, 6, 6).mean((2, 3)),
}

NO_GLOBAL_AVERAGES = {
    "AvgPool2d(5) on 6x6": lambda x: F.avg_pool2d(x, 5),
    "AvgPool2d(6) with padding": lambda x: F.avg_pool2d(x, 6, padding=3)[:, :, :1, :1],
    "AvgPool2d(6) with another divisor": lambda x: F.avg_pool2d(x, 6, divisor_override=35),
    "adaptive to 3x3": lambda x: F.adaptive_avg_pool2d(x, 3).amax((2, 3)),
    "maximum": lambda x: x.amax((2, 3)),
    "adaptive maximum": lambda x: F.adaptive_max_pool2d(x, 1),
    "mean over one side": lambda x: x.mean(3).amax(2),
    "mean over channels too": lambda x: x.mean((1, 2, 3)).unsqueeze(1).expand(-1, 10),
    "mean over channels": lambda x: x.mean(1).flatten(1)[:, :10],
    "sum over another number": lambda x: x.sum((2, 3)) / 35,
    "a part of the map": lambda x: x[:, :, :5, :5].mean((2, 3)),
    "every other pixel": lambda x: x[:, :, ::2, ::2].mean((2, 3)),
    "a part of the flattened map": lambda x: x.flatten(2)[:, :, :30].mean(2),
    "the map without its last row": lambda x: F.pad(x, (0, 0, 0, -1)).mean((2, 3)),
    "a part through a layer on channels": lambda x: F.linear(x[:, :, :5, :5].permute(0, 2, 3, 1), torch.eye(10)).mean(
        (1, 2)
    ),
    "half of the tokens": lambda x: x.flatten(2)[:, :, ::2].mean(2),
    "a part through a pool": lambda x: F.adaptive_avg_pool2d(x[:, :, 1:, 1:], 1),
    "sum alone": lambda x: x.sum((2, 3)),
    "a map that is already 1x1": lambda x: F.adaptive_avg_pool2d(F.max_pool2d(x, 6), 1),
    "mean of one pixel": lambda x: x[:, :, :1, :1].mean((2, 3)),
    "thrown away": lambda x: (x.mean((2, 3)), x.amax((2, 3)))[1],
    "times nothing": lambda x: x.amax((2, 3)) + 0 * x.mean((2, 3)),
    "added and taken away": lambda x: (m := x.mean((2, 3))) * 2 - m - m + x.amax((2, 3)),
}


@pytest.mark.parametrize("name", GLOBAL_AVERAGES)
def test_a_global_average_however_written(name: str) -> None:
    found = facts(pooled(GLOBAL_AVERAGES[name]))
    assert found.global_average_pooling.count == 1
    assert found.output_shape == (10,)


@pytest.mark.parametrize("name", NO_GLOBAL_AVERAGES)
def test_what_looks_like_a_global_average(name: str) -> None:
    assert facts(pooled(NO_GLOBAL_AVERAGES[name])).global_average_pooling.count == 0


def test_an_average_in_one_mode_only_is_none() -> None:
    class Net(Features):
        def head(self, x):
            return x.mean((2, 3)) if self.training else x.amax((2, 3))

    assert facts(Net()).global_average_pooling.count == 0


def test_a_gate_and_a_head_are_two_global_averages() -> None:
    class Net(Features):
        def head(self, x):
            return (x * x.mean((2, 3), keepdim=True).sigmoid()).mean((2, 3))

    found = facts(Net())
    assert found.global_average_pooling.count == 2
    assert found.receptive_field is None


class Normalised(Features):
    """Batch norm and dropout, used as a subclass says."""

    def __init__(self) -> None:
        super().__init__()
        self.bn, self.drop = nn.BatchNorm2d(10), nn.Dropout(0.1)

    def head(self, x):
        return self.use(x.relu()).mean((2, 3))


def normalised(use: Callable[[Normalised, torch.Tensor], torch.Tensor]) -> nn.Module:
    class Net(Normalised):
        def use(self, x):
            return use(self, x)

    return Net()


NORMALISATIONS = {
    "called": (lambda net, x: net.drop(net.bn(x)), 1, 1),
    "called directly": (lambda net, x: net.drop.forward(net.bn.forward(x)), 1, 1),
    "called twice": (lambda net, x: net.drop(net.bn(net.drop(net.bn(x)).relu() + x)), 2, 2),
    "as functions": (
        lambda net, x: F.dropout(
            F.batch_norm(x, net.bn.running_mean, net.bn.running_var, training=net.training), 0.1, net.training
        ),
        1,
        1,
    ),
    "never called": (lambda net, x: x, 0, 0),
    "thrown away": (lambda net, x: (net.drop(net.bn(x)), x)[1], 0, 0),
    "times nothing": (lambda net, x: x + 0 * net.drop(net.bn(x)), 0, 0),
    "times nearly nothing": (lambda net, x: x + 1e-12 * net.drop(net.bn(x)), 0, 0),
    "added and taken away": (lambda net, x: x + (y := net.drop(net.bn(x))) - y, 0, 0),
    "in training only": (lambda net, x: net.drop(net.bn(x)) if net.training else x, 1, 1),
    "in evaluation only": (lambda net, x: x if net.training else net.drop(net.bn(x)), 0, 0),
    "batch norm in evaluation mode": (
        lambda net, x: net.drop(F.batch_norm(x, net.bn.running_mean, net.bn.running_var)),
        0,
        1,
    ),
    "of a constant": (lambda net, x: x + net.drop(net.bn(torch.ones(4, 10, 1, 1))).mean(0), 0, 0),
    "the same for all classes": (lambda net, x: x + net.drop(net.bn(x)).mean((1, 2, 3), keepdim=True), 0, 0),
    "dropout that stays on": (lambda net, x: F.dropout(net.bn(x), 0.1), 1, 0),
    "one that stays on beside an honest one": (lambda net, x: F.dropout(net.drop(net.bn(x)), 0.5), 1, 1),
    "dropout of 0": (lambda net, x: F.dropout(net.bn(x), 0.0, net.training), 1, 0),
    "dropout of nearly 0": (lambda net, x: F.dropout(net.bn(x), 0.001, net.training), 1, 0),
    "dropout of everything": (lambda net, x: x + F.dropout(net.bn(x), 1.0, net.training), 0, 0),
    "dropout2d": (lambda net, x: F.dropout2d(net.bn(x), 0.2, net.training), 1, 1),
    "alpha dropout": (lambda net, x: F.alpha_dropout(net.bn(x), 0.2, net.training), 1, 1),
    "feature alpha dropout": (lambda net, x: F.feature_alpha_dropout(net.bn(x), 0.2, net.training), 1, 1),
    "in place": (lambda net, x: F.dropout(net.bn(x), 0.1, net.training, inplace=True), 1, 1),
    "in place through an alias": (
        lambda net, x: (y := net.bn(x), F.dropout(y.view(-1), 0.3, net.training, inplace=True), y)[2],
        1,
        1,
    ),
    "a branch that starts at nothing": (lambda net, x: x + net.conv.bias.mean() * net.drop(net.bn(x)), 1, 1),
}


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_batch_norm_and_dropout_count_where_they_work(name: str) -> None:
    use, batch_norms, dropouts = NORMALISATIONS[name]
    found = facts(normalised(use))
    assert (found.batch_norm.count, found.dropout.count) == (batch_norms, dropouts)
    assert (found.batch_norm.declared, found.dropout.declared) == (1, 1)


def test_a_module_of_dropout_0_is_declared_and_not_live() -> None:
    class Net(Normalised):
        def __init__(self) -> None:
            super().__init__()
            self.drop = nn.Dropout(0)

        def use(self, x):
            return self.drop(x)

    found = facts(Net())
    assert (found.dropout.count, found.dropout.declared) == (0, 1)


def test_a_lying_batch_norm_leaves_no_operator_behind() -> None:
    class BatchNorm2d(nn.BatchNorm2d):
        def forward(self, x):
            return x

    class Net(Normalised):
        def __init__(self) -> None:
            super().__init__()
            self.bn = BatchNorm2d(10)

        def use(self, x):
            return self.bn(x)

    found = facts(Net())
    assert (found.batch_norm.count, found.batch_norm.declared) == (0, 1)


class Head(nn.Module):
    """784 → 10, whatever weights a subclass uses."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return self.more(self.fc(x.flatten(1)))

    def more(self, x):
        return x


HONEST = 784 * 10 + 10


def test_an_honest_model_equals_the_usual_sum() -> None:
    model = Head()
    found = facts(model).parameters
    assert found.total == found.trainable == sum(p.numel() for p in model.parameters()) == HONEST
    assert (found.hidden, found.unused, found.shared, found.frozen) == (0, 0, 0, 0)


class PlainTensor(Head):
    def __init__(self) -> None:
        super().__init__()
        self.w = torch.randn(10, 10)

    def more(self, x):
        return x @ self.w


class InAList(Head):
    def __init__(self) -> None:
        super().__init__()
        self.w = [torch.randn(10, 5), torch.randn(5, 10)]

    def more(self, x):
        return x @ self.w[0] @ self.w[1]


class InAGlobal(Head):
    def more(self, x):
        return x @ GLOBAL


class ModuleInAList(Head):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(10, 9, bias=False), nn.Linear(9, 10, bias=True)]

    def more(self, x):
        return self.layers[1](self.layers[0](x))


class ModuleInADict(Head):
    def __init__(self) -> None:
        super().__init__()
        self.layers = {"last": nn.Linear(10, 10, bias=False)}

    def more(self, x):
        return self.layers["last"](x)


class Numpy(Head):
    def __init__(self) -> None:
        super().__init__()
        self.w = np.random.default_rng(0).normal(size=(10, 10)).astype("float32")

    def more(self, x):
        return x @ torch.from_numpy(self.w)


class Closure(Head):
    def __init__(self) -> None:
        super().__init__()
        w = torch.randn(10, 10)
        self.function = lambda x: x @ w

    def more(self, x):
        return self.function(x)


class DefaultArgument(Head):
    def more(self, x, w=torch.randn(10, 10)):  # noqa: B008 — that is the trick
        return x @ w


class ClassAttribute(Head):
    w = torch.randn(10, 10)

    def more(self, x):
        return x @ self.w


class Buffer(Head):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("w", torch.randn(10, 10))

    def more(self, x):
        return x @ self.w


class Int8(Head):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("w", torch.randint(-128, 127, (10, 10), dtype=torch.int8))

    def more(self, x):
        return x @ self.w.float()


class Packed(Head):
    """Two weights in each double: 50 numbers, 100 floats' worth of bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("w", torch.randn(50, dtype=torch.float64))

    def more(self, x):
        return x * self.w.float().sum()


class Literals(Head):
    def more(self, x):
        return x @ torch.tensor([[float((7 * i * i + 3 * j) % 11) for i in range(10)] for j in range(10)])


class InRunningStatistics(Head):
    """A batch norm over a constant is a table in disguise."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(50, affine=False)
        nn.init.normal_(self.bn.running_mean)
        nn.init.uniform_(self.bn.running_var, 1, 2)
        self.bn.eval()

    def train(self, mode=True):
        super().train(mode)
        self.bn.eval()
        return self

    def more(self, x):
        return x * self.bn(torch.ones(1, 50)).sum()


class PastDoubles(Head):
    """Weights in the last bits of 64-bit integers, which doubles round away."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("w", torch.randint(0, 200, (50,)) + 2**62)

    def more(self, x):
        return x * (self.w - 2**62).float().sum()


class OnARamp(Head):
    """Weights in what a ramp of doubles is off by."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("w", torch.arange(50).double() * 1e5 + torch.randn(50).double() * 0.01)

    def more(self, x):
        return x * (self.w - torch.arange(50).double() * 1e5).float().sum()


class FrozenStatistics(Head):
    """Running statistics that training never changes."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(50, affine=False, momentum=0.0)
        self.bn.running_mean.normal_()
        self.bn.running_var.uniform_(1, 2)

    def more(self, x):
        return x * self.bn(x[:, :1].expand(-1, 50) * 1e-9).sum(1, keepdim=True)


class RestoredStatistics(FrozenStatistics):
    """Running statistics that training changes and forward changes back."""

    def __init__(self) -> None:
        super().__init__()
        self.bn.momentum = 0.1

    def more(self, x):
        x = super().more(x)
        if self.training:
            self.bn.running_mean.div_(0.9)
            self.bn.running_var.sub_(0.1)
        return x


@pytest.mark.parametrize(
    ("model", "hidden"),
    [
        (PastDoubles, 100),
        (OnARamp, 100),
        (FrozenStatistics, 100),
        (RestoredStatistics, 100),
        (PlainTensor, 100),
        (InAList, 100),
        (InAGlobal, 100),
        (ModuleInAList, 10 * 9 + 9 * 10 + 10),
        (ModuleInADict, 100),
        (Numpy, 100),
        (Closure, 100),
        (DefaultArgument, 100),
        (ClassAttribute, 100),
        (Buffer, 100),
        (Int8, 100),
        (Packed, 100),
        (Literals, 100),
        (InRunningStatistics, 100),
    ],
)
def test_hidden_weights_are_counted(model: type[nn.Module], hidden: int) -> None:
    found = facts(model())
    assert found.parameters.total == HONEST
    assert found.parameters.hidden == hidden == sum(one.counted for one in found.hidden_weights)


FORMULAS = {
    "a constant": torch.full((10,), 0.1307),
    "one number": torch.tensor(0.3081),
    "arange": torch.arange(10),
    "linspace": torch.linspace(-1, 1, 10),
    "identity": torch.eye(10),
    "triangular mask": torch.ones(10, 10).tril().bool(),
    "attention mask": torch.full((10, 10), float("-inf")).triu(1),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_what_a_formula_of_position_gives_is_not_hidden(name: str) -> None:
    class Net(Head):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("formula", FORMULAS[name])

        def more(self, x):
            return x + torch.nan_to_num(self.formula.float(), neginf=-1.0).sum(0)

    assert facts(Net()).parameters.hidden == 0


def test_a_thousand_formulas_are_a_code() -> None:
    class Net(Head):
        def __init__(self) -> None:
            super().__init__()
            self.scalars = [torch.tensor(float(value)) for value in torch.randn(1000)]

        def more(self, x):
            return x * torch.stack(self.scalars).sum()

    assert facts(Net()).parameters.hidden >= 900


class Overridden(Head):
    def parameters(self, recurse=True):
        return iter([nn.Parameter(torch.zeros(1))])

    def named_parameters(self, *args, **kwargs):
        return iter([])

    def named_modules(self, *args, **kwargs):
        return iter([])

    def state_dict(self, *args, **kwargs):
        return {}


class OverriddenOnTheInstance(Head):
    def __init__(self) -> None:
        super().__init__()
        self.parameters = self.named_parameters = lambda *args, **kwargs: iter([])


class OverriddenBelow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Overridden()

    def forward(self, x):
        return self.inner(x)


class LyingParameter(nn.Parameter):
    def numel(self):
        return 1

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in ("numel", "nelement", "size", "__len__"):
            return 1
        return super().__torch_function__(function, types, args, kwargs or {})


class Lying(Head):
    def __init__(self) -> None:
        super().__init__()
        self.fc.weight = LyingParameter(torch.randn(10, 784))


@pytest.mark.parametrize("model", [Overridden, OverriddenOnTheInstance, OverriddenBelow, Lying])
def test_overridden_bookkeeping_changes_nothing(model: type[nn.Module]) -> None:
    found = facts(model())
    assert found.parameters.total == found.parameters.trainable == HONEST
    assert found.parameters.hidden == 0


def test_shared_frozen_unused_complex_and_expanded_parameters() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(784, 10)
            self.one, self.other = nn.Linear(10, 10), nn.Linear(10, 10)
            self.other.weight = self.one.weight
            self.frozen = nn.Parameter(torch.randn(10), requires_grad=False)
            self.idle = nn.Linear(10, 3)
            self.complex = nn.Parameter(torch.randn(10, dtype=torch.complex64))
            self.expanded = nn.Parameter(torch.randn(1).expand(10))

        def forward(self, x):
            x = self.other(self.one(self.fc(x.flatten(1))))
            return x * self.frozen + self.complex.real + self.complex.imag + self.expanded

    found = facts(Net()).parameters
    assert found.shared == 100
    assert found.frozen == 10
    assert found.unused == 33
    assert found.total == HONEST + 100 + 10 + 10 + 10 + 33 + 20 + 1
    assert found.trainable == found.total - found.frozen
    assert found.bytes == 4 * found.total


def test_every_other_number_of_a_storage_cannot_be_reached() -> None:
    class Net(Head):
        def __init__(self) -> None:
            super().__init__()
            self.strided = nn.Parameter(torch.randn(1000)[::100])

        def more(self, x):
            return x + self.strided

    assert facts(Net()).parameters.total == HONEST + 10


def test_two_windows_on_one_storage_count_what_they_span() -> None:
    class Net(Head):
        def __init__(self) -> None:
            super().__init__()
            base = torch.randn(15)
            self.low, self.high = nn.Parameter(base[:10]), nn.Parameter(base[5:])

        def more(self, x):
            return x + self.low + self.high

    assert facts(Net()).parameters.total == HONEST + 15


def test_a_layer_that_changes_nothing_is_no_weighted_layer() -> None:
    class Net(Head):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 10, 28)

        def forward(self, x):
            return super().forward(x) + 0 * self.conv(x).flatten(1)

    found = facts(Net())
    assert (found.weighted_layers, found.fully_connected.count) == (1, 1)


def test_softmax_that_is_left_to_evaluation() -> None:
    class Net(Head):
        def more(self, x):
            return x if self.training else x.log_softmax(1)

    found = facts(Net())
    assert (found.training_output_kind, found.output_kind) == ("logits", "log-probabilities")


def test_of_several_outputs_the_first_is_the_model() -> None:
    class Net(Head):
        def __init__(self) -> None:
            super().__init__()
            self.bn, self.other = nn.BatchNorm1d(10), nn.Linear(10, 10)

        def more(self, x):
            return {"logits": x, "more": self.other(self.bn(x))}

    found = facts(Net())
    assert (found.output_shape, found.batch_norm.count, found.weighted_layers) == ((10,), 0, 1)
    assert found.parameters.unused == 20 + 110


@pytest.mark.parametrize(
    ("more", "accepted"),
    [
        (lambda x: x, (1, 2, 64)),
        (lambda x: x + torch.zeros(2, 10), (2,)),
        (lambda x: x if x.shape[0] == 2 else -x, (2,)),
        (lambda x: -x if x.shape[0] > 16 else x, (1, 2)),
        (lambda x: x.squeeze(), (2, 64)),
    ],
)
def test_batches_that_get_the_captured_graph(more, accepted: tuple[int, ...]) -> None:
    class Net(Head):
        def more(self, x):
            return more(x)

    assert facts(Net()).accepted_batches == accepted
