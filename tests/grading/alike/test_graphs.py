from __future__ import annotations

import random

import msgspec
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.grading.alike.graphs import graph_digest, live_operators
from modelcheck.graph.wire import Argument, Graph, Header, InputInfo, InputRef, Node, NodeRef, TensorRef
from reference_model import Net

SHAPE = (1, 12, 12)


class Usual(nn.Module):
    """What the others are compared with."""

    def __init__(self, **changed: object) -> None:
        super().__init__()
        given = {"channels": 8, "kernel": 3, "stride": 1, "p": 0.1, "bias": True, "activation": nn.ReLU()} | changed
        self.conv1 = nn.Conv2d(1, given["channels"], given["kernel"], given["stride"], bias=given["bias"])
        self.conv2 = nn.Conv2d(given["channels"], 8, 3, padding=1)
        self.act = given["activation"]
        self.bn = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(2, 2)
        self.drop = nn.Dropout(given["p"])
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(self.bn(self.act(self.conv2(self.conv1(x)))))
        return self.fc(self.pool(x).mean((2, 3)))


class Renamed(nn.Module):
    """Other names, another order of registration, functions for modules, what is never used, and what leads nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(8, 10)
        self.spare = nn.Linear(100, 100)
        self.rate = 0.1
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, (3, 3)), nn.Conv2d(8, 8, 3, padding=(1, 1)), nn.ReLU(inplace=True), nn.BatchNorm2d(8)
        )

    def forward(self, images: Tensor) -> Tensor:
        maps = F.dropout(self.body(images), self.rate, training=self.training)
        nowhere = (images * 3).sum()
        return self.classifier(F.max_pool2d(maps, 2).mean(dim=[2, 3])) if nowhere is not None else images


class Function(nn.Module):
    """A function of the picture, and two layers of equal shapes."""

    def __init__(self, of) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1)
        self.of = of

    def forward(self, x: Tensor) -> Tensor:
        return self.of(self, x).flatten(1)


def digest(model: nn.Module) -> str:
    return graph_digest(capture_model(model, SHAPE).header)


def changed_in_place(net: Function, x: Tensor) -> Tensor:
    y = net.a(x)
    y.relu_()
    return y + 1


def read_before_the_change(net: Function, x: Tensor) -> Tensor:
    y = net.a(x)
    z = y + 1
    y.relu_()
    return z


def changed_through_a_view(y: Tensor, *, before: bool) -> Tensor:
    if before:
        y[:, :, 0].relu_()
    z = y + 1
    if not before:
        y[:, :, 0].relu_()
    return z + y


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda net, x: net.a(x) + net.b(x), lambda net, x: net.b(x) + net.a(x)),
        (lambda net, x: net.a(net.b(x)), lambda net, x: net.b(net.a(x))),
        (lambda net, x: net.a(x).relu() + 1, changed_in_place),
        (lambda net, x: net.a(x) + 1, read_before_the_change),
        (lambda net, x: net.a(x) + net.a(x).sigmoid(), lambda net, x: net.b(x) + net.b(x).sigmoid()),
    ],
    ids=["branches", "names", "in place", "changed too late", "shared"],
)
def test_equal_functions(one, other) -> None:
    assert digest(Function(one)) == digest(Function(other))


def test_names_order_and_what_is_not_used_do_not_count() -> None:
    assert digest(Usual()) == digest(Renamed())


OTHERS = {
    "usual": Usual(),
    "channels": Usual(channels=9),
    "kernel": Usual(kernel=5),
    "stride": Usual(stride=2),
    "dropout": Usual(p=0.2),
    "bias": Usual(bias=False),
    "activation": Usual(activation=nn.ELU()),
    "slope": Usual(activation=nn.ELU(2.0)),
    "ab": Function(lambda net, x: net.a(net.b(x))),
    "aa": Function(lambda net, x: net.a(net.a(x))),
    "aab": Function(lambda net, x: net.b(net.a(net.a(x)))),
    "abb": Function(lambda net, x: net.b(net.b(net.a(x)))),
    "aba": Function(lambda net, x: net.a(net.b(net.a(x)))),
    "a - b": Function(lambda net, x: net.a(x) - net.b(x).relu()),
    "b - a": Function(lambda net, x: net.a(x).relu() - net.b(x)),
    "once": Function(lambda net, x: net.a(x).relu() + 1),
    "twice": Function(lambda net, x: net.a(x) + net.a(x).relu() + 1),
    "a + b": Function(lambda net, x: net.a(x) + net.b(x).relu() + 1),
    "mode": Function(lambda net, x: net.a(x).relu() + 1 if net.training else net.a(x) + 1),
    "changed before": Function(lambda net, x: changed_through_a_view(net.a(x), before=True)),
    "changed after": Function(lambda net, x: changed_through_a_view(net.a(x), before=False)),
    "dropped once": Function(lambda net, x: torch.stack([F.dropout(net.a(x))] * 2)[0]),
    "dropped twice": Function(lambda net, x: torch.stack([F.dropout(one) for one in [net.a(x)] * 2])[0]),
    "no gradient": Function(lambda net, x: net.a(x).detach().relu() + 1),
}


def test_different_architectures_differ() -> None:
    found = {name: digest(model) for name, model in OTHERS.items()}
    same = [(one, other) for one in found for other in found if one < other and found[one] == found[other]]
    assert same == []


def mapped(argument: Argument, nodes: dict[int, int], tensors: dict[int, int]) -> Argument:
    match argument:
        case NodeRef(id=id_):
            return NodeRef(nodes[id_])
        case TensorRef(id=id_):
            return TensorRef(tensors[id_])
        case list():
            return [mapped(one, nodes, tensors) for one in argument]
    return argument


def shuffled_graph(graph: Graph, tensors: dict[int, int], rng: random.Random) -> Graph:
    """The nodes in another order in which each comes after what it reads."""
    waiting = {
        index: {one.id for one in node.scalars() if isinstance(one, NodeRef)} for index, node in enumerate(graph.nodes)
    }
    places: dict[int, int] = {}
    while waiting:
        index = rng.choice([one for one, needs in waiting.items() if needs <= places.keys()])
        del waiting[index]
        places[index] = len(places)
    nodes = [
        msgspec.structs.replace(
            graph.nodes[index],
            args=tuple(mapped(one, places, tensors) for one in graph.nodes[index].args),
            kwargs={name: mapped(one, places, tensors) for name, one in reversed(graph.nodes[index].kwargs.items())},
            module=0,
            file=f"{rng.random()}.py",
            line=rng.randrange(1000),
        )
        for index in sorted(places, key=lambda index: places[index])
    ]
    return Graph(nodes=tuple(nodes), outputs=tuple(mapped(one, places, tensors) for one in graph.outputs))


def shuffled(header: Header, rng: random.Random) -> Header:
    """The same graphs, with every table and every name changed."""
    storages = rng.sample(range(len(header.storages)), len(header.storages))
    order = rng.sample(range(len(header.tensors)), len(header.tensors))
    tensors = {old: new for new, old in enumerate(order)}
    return msgspec.structs.replace(
        header,
        name=str(rng.random()),
        storages=tuple(header.storages[old] for old in storages),
        tensors=tuple(
            msgspec.structs.replace(
                header.tensors[old], storage=storages.index(header.tensors[old].storage), paths=(f"t{old}",)
            )
            for old in order
        ),
        modules=tuple(msgspec.structs.replace(one, path=one.path[::-1], type="Other") for one in header.modules),
        train=shuffled_graph(header.train, tensors, rng),
        evaluation=shuffled_graph(header.evaluation, tensors, rng),
    )


class Branches(nn.Module):
    """Where many orders are possible."""

    def __init__(self) -> None:
        super().__init__()
        self.ways = nn.ModuleList([nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU()) for _ in range(5)])

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([way(x) for way in self.ways], 1).mean((2, 3)).log_softmax(1)


@pytest.mark.parametrize(("model", "shape"), [(Branches(), SHAPE), (Net(), (1, 28, 28))], ids=["branches", "reference"])
def test_any_order_and_any_names_give_the_same_digest(model: nn.Module, shape: tuple[int, ...]) -> None:
    header = capture_model(model, shape).header
    for seed in range(10):
        other = shuffled(header, random.Random(seed))
        assert other != header
        assert graph_digest(other) == graph_digest(header)
        assert live_operators(other) == live_operators(header)


def test_exponentially_many_ways_through_a_graph_are_no_work() -> None:
    before = [InputRef(0), *(NodeRef(index) for index in range(20_000))]
    nodes = tuple(Node(op="aten.add_.Tensor", args=(one, one)) for one in before)
    graph = Graph(nodes=nodes, outputs=(NodeRef(len(nodes) - 1),))
    one = InputInfo(shape=(1,), dtype="float32", batches=(1, None))
    header = Header(
        torch="2", name="", inputs=(one,), storages=(), tensors=(), modules=(), train=graph, evaluation=graph
    )
    shorter = msgspec.structs.replace(graph, outputs=(NodeRef(len(nodes) - 2),))
    assert graph_digest(header) != graph_digest(msgspec.structs.replace(header, evaluation=shorter))
