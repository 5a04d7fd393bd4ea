from __future__ import annotations

import pytest
from torch import Tensor, nn

from modelcheck.facts.structs import SharedWeight

from .firing import firing
from .making import decide, facts


def shared(*paths: str, held: int = 10, layers: tuple[str, ...] = ("a", "b"), line: int = 7) -> SharedWeight:
    return SharedWeight(paths=paths, parameters=held, layers=layers, file="net.py", line=line)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            (shared("a.weight", layers=("a", "a", "a"), held=12), shared("a.bias", layers=("a", "a", "a"), held=3)),
            "a is called 3 times with the same 15 parameters: give each call a layer of its own, unless sharing is "
            "meant",
        ),
        (
            (shared("a.weight", "b.weight"),),
            "a and b use the same 10 parameters in 2 calls (a.weight and b.weight): give each a weight of its own, "
            "unless sharing is meant",
        ),
        (
            (shared("a.weight", layers=("a", "")),),
            "a and forward itself use the same 10 parameters in 2 calls (a.weight): give each a weight of its own, "
            "unless sharing is meant",
        ),
        (
            (shared("w", layers=("", "")),),
            "forward itself use the same 10 parameters in 2 calls (w): give each a weight of its own, unless sharing "
            "is meant",
        ),
    ],
)
def test_calls_of_the_same_weights_are_told_together(weights: tuple[SharedWeight, ...], message: str) -> None:
    outcome, (finding,) = decide("MC107", "error", facts(shared_weights=weights))
    assert finding.message == message
    assert (finding.file, finding.line) == ("net.py", 7)
    held = sum(one.parameters for one in weights)
    assert outcome.evidence == f"several layers use the same {held} parameters"


def test_many_layers_are_not_all_named() -> None:
    names = tuple(f"layer{number}" for number in range(9))
    _, (finding,) = decide("MC107", "advice", facts(shared_weights=(shared("w", layers=names),)))
    assert finding.message.startswith("layer0, layer1, layer2, layer3 and 5 more use the same 10 parameters in 9 calls")


def test_other_calls_are_another_finding() -> None:
    weights = (shared("a.weight", "b.weight"), shared("c.weight", layers=("c", "c"), line=9))
    _, findings = decide("MC107", "advice", facts(shared_weights=weights))
    assert [one.where for one in findings] == ["a, b", "c"]


class Blocks(nn.Module):
    """A block of two layers in some number of calls, one of which may be called by itself too."""

    def __init__(self, calls: int, *, apart: bool = False) -> None:
        super().__init__()
        self.calls, self.apart = calls, apart
        self.body = nn.ModuleList([nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 1))])
        self.head = nn.Linear(784, 10)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.calls):
            x = self.body[0](x)
        return self.head((self.body[0][2](self.body[0][0](x).relu().exp()) if self.apart else x).flatten(1))


FIRST, SECOND = 4 * 9 + 4, 4 + 1


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Blocks(1), []),
        (Blocks(2), [f"body.0 is called 2 times with the same {FIRST + SECOND} parameters"]),
        (Blocks(5), [f"body.0 is called 5 times with the same {FIRST + SECOND} parameters"]),
        (Blocks(1, apart=True), [f"body.0 is called 2 times with the same {FIRST + SECOND} parameters"]),
    ],
)
def test_a_loop_over_one_block(model: nn.Module, expected: list[str]) -> None:
    assert [one.message.partition(":")[0] for one in firing("MC107", model)] == expected


def test_a_layer_of_a_block_that_is_called_more_often_is_told_by_itself() -> None:
    class Again(Blocks):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(self.body[0][0](x).mean(1, keepdim=True))

    found = [one.message.partition(":")[0] for one in firing("MC107", Again(2))]
    assert found == [
        f"body.0.0 is called 3 times with the same {FIRST} parameters",
        f"body.0.2 is called 2 times with the same {SECOND} parameters",
    ]
