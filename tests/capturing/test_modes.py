"""The evaluation graph that is made from the training graph is the one that an export gives."""

import functools

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from capturing.zoo import SHAPE, ZOO
from modelcheck.capturing import capture as capturing
from modelcheck.capturing.capture import capture_model
from modelcheck.capturing.mode_reading import asks_for_mode
from modelcheck.graph.wire import Header
from reference_model import Net as Reference


def exported_twice(model: nn.Module, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> Header:
    with monkeypatch.context() as patch:
        patch.setattr(capturing, "asks_for_mode", lambda model: True)
        return capture_model(model, shape).header


class Layers(nn.Module):
    def __init__(self, *layers: nn.Module, **attributes: object) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, x):
        return self.layers(x)


class Direct(Layers):
    def forward(self, x):
        return self.layers[0].forward(x)  # its operators are then its parent's


class Frozen(Layers):
    def train(self, mode=True):
        return super().train(False)


PLAIN = {
    "reference": (Reference, (1, 28, 28)),
    "batch norms": (lambda: Layers(nn.BatchNorm2d(1), nn.BatchNorm2d(1, affine=False, momentum=0.3)), SHAPE),
    "of the batch": (lambda: Layers(nn.BatchNorm2d(1, track_running_stats=False)), SHAPE),
    "dropouts": (lambda: Layers(nn.Dropout(0.1), nn.Dropout2d(0.2, inplace=True), nn.AlphaDropout(0.3)), SHAPE),
    "attention": (lambda: nn.MultiheadAttention(8, 2, batch_first=True), None),
    "resnet18": (torchvision.models.resnet18, (3, 32, 32)),
    "mobilenet": (torchvision.models.mobilenet_v3_small, (3, 32, 32)),
}


class TestSwitched:
    @pytest.mark.parametrize(("make", "shape"), PLAIN.values(), ids=PLAIN.keys())
    def test_as_exported(self, make, shape, monkeypatch):
        model = make()
        if shape is None:
            attention = model

            class Self(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.attention = attention

                def forward(self, x):
                    return self.attention(x, x, x)[0]

            model, shape = Self(), (6, 8)
        assert not asks_for_mode(model)
        assert capture_model(model, shape).header == exported_twice(model, shape, monkeypatch)

    @pytest.mark.parametrize("make", ZOO.values(), ids=ZOO.keys())
    def test_the_zoo_as_exported(self, make, monkeypatch):
        torch.manual_seed(0)
        model = make()
        assert capture_model(model, SHAPE).header == exported_twice(model, SHAPE, monkeypatch)

    @pytest.mark.parametrize("kind", [Direct, Frozen])
    @pytest.mark.parametrize("layer", [nn.BatchNorm2d(1), nn.Dropout(0.5)], ids=["batch norm", "dropout"])
    def test_what_cannot_be_told_is_exported(self, kind, layer, monkeypatch):
        model = kind(layer)
        assert capture_model(model, SHAPE).header == exported_twice(model, SHAPE, monkeypatch)

    def test_one_export_is_saved(self, monkeypatch):
        exports = []
        export = capturing._export
        monkeypatch.setattr(capturing, "_export", lambda *args: exports.append(args) or export(*args))
        capture_model(Reference(), (1, 28, 28))
        assert len(exports) == 1


def _reads(module, x):
    return x if module.training else x + 1


def _indirectly(module, x):
    return _reads(module, x)


class Asking(nn.Module):
    """Each subclass's forward asks for the mode in its own way."""


class Plainly(Asking):
    def forward(self, x):
        return F.dropout(x, 0.5, self.training)


class Branching(Asking):
    def forward(self, x):
        return x if self.training else x.exp()


class ByName(Asking):
    def forward(self, x):
        return x if getattr(self, "training") else x.exp()  # noqa: B009


class ByDict(Asking):
    def forward(self, x):
        return x if self.__dict__["training"] else x.exp()


class ByFunction(Asking):
    def forward(self, x):
        return _indirectly(self, x)


class InALambda(Asking):
    def forward(self, x):
        return (lambda: x if self.training else x.exp())()


class InAProperty(Asking):
    @property
    def scale(self):
        return 1 if self.training else 2

    def forward(self, x):
        return x * self.scale


class InAStaticMethod(Asking):
    @staticmethod
    def act(module, x):
        return x if module.training else x.exp()

    def forward(self, x):
        return self.act(self, x)


class InAnAttribute(Asking):
    def __init__(self):
        super().__init__()
        self.act = functools.partial(_reads, self)

    def forward(self, x):
        return self.act(x)


class InAList(Asking):
    def __init__(self):
        super().__init__()
        self.acts = [_reads]

    def forward(self, x):
        return self.acts[0](self, x)


BY_NAME = {"reads": _reads}


class InADict(Asking):
    def forward(self, x):
        return BY_NAME["reads"](self, x)


class Caller:
    def __call__(self, module, x):
        return x if module.training else x.exp()


class InAnObject(Asking):
    def __init__(self):
        super().__init__()
        self.act = Caller()

    def forward(self, x):
        return self.act(self, x)


class InAClass(Asking):
    def forward(self, x):
        return Caller()(self, x)


class ByItsOwnForward(Asking):
    def __init__(self):
        super().__init__()
        self.forward = lambda x: _reads(self, x)


def _enclosing():
    reads = _reads

    class Enclosed(Asking):
        def forward(self, x):
            return reads(self, x)

    return Enclosed()


class NormOfTheirOwn(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x) + 1


ASKING = {kind.__name__: kind for kind in Asking.__subclasses__()} | {
    "Enclosed": _enclosing,
    "a child": lambda: nn.Sequential(nn.ReLU(), nn.Sequential(Plainly())),
    "a subclass of a known one": lambda: NormOfTheirOwn(1),
    "a cumulative average": lambda: nn.BatchNorm2d(1, momentum=None),
    "recurrent": lambda: nn.LSTM(8, 8, dropout=0.5, num_layers=2),
    "attention with dropout": lambda: nn.MultiheadAttention(8, 2, dropout=0.1),
    "random leaky": lambda: nn.RReLU(),
}


class TestAsksForMode:
    @pytest.mark.parametrize("make", ASKING.values(), ids=ASKING.keys())
    def test_whoever_asks(self, make):
        assert asks_for_mode(make())

    @pytest.mark.parametrize(
        "make",
        [
            nn.Sequential, nn.ReLU, lambda: nn.Conv2d(1, 1, 1), lambda: nn.Linear(1, 1), lambda: nn.LayerNorm(1),
            lambda: nn.ModuleList([nn.ReLU()]), lambda: Layers(act=torch.relu), lambda: Layers(act=F.dropout),
        ],
    )  # fmt: skip
    def test_whoever_does_not(self, make):
        assert not asks_for_mode(make())

    @pytest.mark.parametrize("kind", [Plainly, Branching, ByFunction, InAnAttribute])
    def test_their_evaluation_graph_is_their_own(self, kind):
        header = capture_model(kind(), SHAPE).header
        assert header.train != header.evaluation
