"""Classes that lie, raise or override wherever they are touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.capturing.tree import MOST_PATHS, further_paths
from modelcheck.errors import AuthorError
from modelcheck.graph.capture import Capture, capture_from_bytes

SHAPE = (1, 8, 8)


class Base(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.lin(x)


def _raises(*args: object, **kwargs: object) -> None:
    raise ValueError("not for you")


def _nothing(*args: object, **kwargs: object) -> Iterator[object]:
    return iter(())


class CallOnly(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(8, 4)

    def __call__(self, x: Tensor) -> Tensor:
        return self.lin(x)


class TrainsOnALoader(Base):
    def train(self, loader: object) -> None:
        raise ValueError("trained")


class AnswersAnything(Base):
    def __getattr__(self, name: str) -> object:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return 42


class SaysItIsABatchNorm(Base):
    __class__ = property(lambda self: nn.BatchNorm2d)


class EveryonesParent(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return True


class Spoofing(Base, metaclass=EveryonesParent):
    pass


class Liar(Tensor):
    @classmethod
    def __torch_function__(cls, func: object, types: object, args: object = (), kwargs: object = None) -> object:
        return 1


class LyingWeight(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self._parameters["weight"] = torch.randn(8, 4).as_subclass(Liar)
        self._buffers["table"] = torch.randn(4).as_subclass(Liar)

    def forward(self, x: Tensor) -> Tensor:
        return x @ self._parameters["weight"] + self._buffers["table"]


class CallsForwardItself(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.lin.forward(x)


class Cuckoo(str):
    def __str__(self) -> str:
        raise SystemExit(0)


def _named_oddly() -> nn.Module:
    model = Base()
    model._buffers[Cuckoo("a")] = torch.zeros(1)
    model._modules["\ud800<b>\n"] = nn.Identity()
    return model


def _hooked() -> nn.Module:
    model, weight = nn.Sequential(nn.Identity()), nn.Linear(8, 4)
    model.register_forward_pre_hook(lambda module, inputs: (inputs[0] * 2,))
    model.register_forward_hook(lambda module, inputs, output: weight(output))
    return model


OVERRIDES = ["parameters", "named_parameters", "modules", "named_modules", "children", "state_dict", "_named_members"]
CAPTURED: dict[str, Callable[[], nn.Module]] = {
    **{f"{name}{how.__name__}": type("Own", (Base,), {name: how}) for name in OVERRIDES for how in (_nothing, _raises)},
    "len": type("Own", (Base,), {"__len__": lambda self: 0}),
    "bool": type("Own", (Base,), {"__bool__": _raises}),
    "eq": type("Own", (Base,), {"__eq__": _raises, "__hash__": object.__hash__}),
    **{kind.__name__: kind for kind in (
        CallOnly, TrainsOnALoader, AnswersAnything, SaysItIsABatchNorm, Spoofing, LyingWeight, CallsForwardItself
    )},
    "odd-names": _named_oddly,
    "hooks": _hooked,
    "traced": lambda: nn.Sequential(torch.jit.trace(nn.Linear(8, 4), torch.zeros(2, 1, 8, 8))),
    "data-parallel": lambda: nn.DataParallel(Base()),
    "lazy": lambda: nn.Sequential(nn.LazyLinear(4)),
}  # fmt: skip
REFUSED: dict[str, Callable[[], nn.Module]] = {
    "train-raises": type("Own", (Base,), {"train": lambda self, mode=True: _raises()}),
    "forward-hidden": type("Own", (Base,), {"__getattribute__": lambda self, name: (
        _raises() if name == "forward" else nn.Module.__getattribute__(self, name)
    )}),
    "class-raises": type("Own", (Base,), {"__class__": property(_raises)}),
    "script": lambda: nn.Sequential(torch.jit.script(nn.Linear(8, 4))),
    "sparse": lambda: _with_weight(torch.ones(4, 8).to_sparse()),
    "float8": lambda: _with_weight(torch.ones(4, 8).to(torch.float8_e4m3fn)),
    "number-as-parameter": lambda: _storing("_parameters", {"evil": 3}),
    "number-as-module": lambda: _storing("_modules", {"evil": 3}),
    "buffers-in-a-list": lambda: _storing("_buffers", [1, 2]),
    "holds-itself": lambda: _storing("_modules", None),
    "nested": lambda: _nested(3000),
}  # fmt: skip


def _with_weight(weight: Tensor) -> nn.Module:
    model = Base()
    model.lin.weight = nn.Parameter(weight, requires_grad=False)
    return model


def _storing(where: str, entries: object) -> nn.Module:
    model = Base()
    model.__dict__[where] = {"lin": model.lin, "me": model} if entries is None else entries
    return model


def _nested(depth: int) -> nn.Module:
    model: nn.Module = nn.Linear(8, 4)
    for _ in range(depth):
        model = nn.Sequential(model)
    return model


def _again(capture: Capture) -> Capture:
    return capture_from_bytes(capture.to_bytes())


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning", "ignore:.*torch.jit:FutureWarning")
@pytest.mark.parametrize("build", CAPTURED.values(), ids=CAPTURED.keys())
def test_captured_with_every_weight(build: Callable[[], nn.Module]) -> None:
    header = _again(capture_model(build(), SHAPE)).header
    read = {one.id for node in header.train.nodes for one in node.args if type(one).__name__ == "TensorRef"}
    assert sum(header.storages[header.tensors[index].storage].size for index in read) == 8 * 4 + 4


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning", "ignore:.*torch.jit:FutureWarning")
@pytest.mark.parametrize("build", REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_an_author_s_error(build: Callable[[], nn.Module]) -> None:
    with pytest.raises(AuthorError) as caught:
        capture_model(build(), SHAPE)
    assert caught.value.message


def test_modules_and_their_classes_are_told_as_they_are() -> None:
    assert capture_model(SaysItIsABatchNorm(), SHAPE).header.modules[0].kind == "other"
    modules = {module.path: module for module in capture_model(CallsForwardItself(), SHAPE).header.modules}
    assert modules["lin"].called


def test_modules_that_hold_each_other_have_an_end_of_names() -> None:
    layer = nn.Linear(1, 1)
    model = nn.Sequential(layer, layer)
    model.add_module("itself", model)
    assert [path for path, _ in further_paths(model)] == ["1"]
    for _ in range(40):
        model = nn.Sequential(model, model)
    assert len(list(further_paths(model))) == MOST_PATHS
