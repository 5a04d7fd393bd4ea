from __future__ import annotations

from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modelcheck.errors import UsageError
from modelcheck.facts.flow import Flow
from modelcheck.rules.operator_names import OperatorName, operators_named
from tests.facts.describe import describe

from .making import decide, facts

SIDE = 8
ALL: tuple[OperatorName, ...] = get_args(OperatorName)


class Net(nn.Module):
    """Something that is done to a map (N, 4, 8, 8), and what makes it and reads it."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.before, self.after = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.layer = LAYERS[how]() if how in LAYERS else nn.Identity()
        self.done = DONE.get(how, lambda net, x: net.layer(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.done(self, self.before(x))).flatten(1)


def tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def written_out(net: Net, x: Tensor) -> Tensor:
    t = tokens(x)
    scores = F.dropout((t @ t.transpose(1, 2)) / 2.0, 0.1, net.training).masked_fill(torch.eye(64) > 0, -9.0)
    return (scores.softmax(-1) @ t).transpose(1, 2).reshape(x.shape)


def attended(net: Net, x: Tensor) -> Tensor:
    t = tokens(x)
    return net.layer(t, t, t, need_weights=net.how == "attention with weights")[0].transpose(1, 2).reshape(x.shape)


def unused(net: Net, x: Tensor) -> Tensor:
    F.max_pool2d(x, 3, 1, 1)
    return x


LAYERS = {
    "depthwise": lambda: nn.Conv2d(4, 4, 3, padding=1, groups=4),
    "depthwise with a multiplier": lambda: nn.Sequential(nn.Conv2d(4, 8, 3, padding=1, groups=4), nn.Conv2d(8, 4, 3)),
    "grouped": lambda: nn.Conv2d(4, 4, 3, padding=1, groups=2),
    "dilated": lambda: nn.Conv2d(4, 4, 3, padding=2, dilation=2),
    "dilated along one side": lambda: nn.Conv2d(4, 4, (1, 3), dilation=(1, 2)),
    "dilated 1x1": lambda: nn.Conv2d(4, 4, 1, dilation=2),
    "strided": lambda: nn.Conv2d(4, 4, 3, stride=2),
    "strided along one side": lambda: nn.Conv2d(4, 4, 3, stride=(1, 2)),
    "transposed": lambda: nn.ConvTranspose2d(4, 4, 2, stride=2),
    "one by one": lambda: nn.Conv2d(4, 4, 1),
    "plain": lambda: nn.Conv2d(4, 4, 3),
    "max-pool": lambda: nn.MaxPool2d(2),
    "adaptive max-pool": lambda: nn.AdaptiveMaxPool2d(4),
    "average-pool": lambda: nn.AvgPool2d(2),
    "batch norm": lambda: nn.BatchNorm2d(4),
    "group norm": lambda: nn.GroupNorm(2, 4),
    "layer norm": lambda: nn.LayerNorm(SIDE),
    "instance norm": lambda: nn.InstanceNorm2d(4),
    "rms norm": lambda: nn.RMSNorm(SIDE),
    "upsampling": lambda: nn.Upsample(scale_factor=2.0),
    "attention": lambda: nn.MultiheadAttention(4, 2, batch_first=True),
    "attention with weights": lambda: nn.MultiheadAttention(4, 2, batch_first=True),
    "recurrent": lambda: nn.GRU(4, 4, batch_first=True),
    "block": lambda: nn.Conv2d(4, 4, 3, padding=1),
    "dead block": lambda: nn.Conv2d(4, 4, 3, padding=1),
    "embedding": lambda: nn.Embedding(2, 4),
}
DONE = {
    "attention": attended,
    "attention with weights": attended,
    "written out": written_out,
    "recurrent": lambda net, x: net.layer(tokens(x))[0].transpose(1, 2).reshape(x.shape),
    "block": lambda net, x: x + net.layer(x),
    "dead block": lambda net, x: x + 0 * net.layer(x),
    "embedding": lambda net, x: net.layer((x[:, 0] > 0).long()).permute(0, 3, 1, 2),
    "twice the same": lambda net, x: x + x,
    "a shift": lambda net, x: x + 1,
    "another view": lambda net, x: x + x.flip(3),
    "side by side": lambda net, x: torch.cat([x[:, :2].exp(), x[:, 2:].sin()], 1),
    "the same side by side": lambda net, x: torch.cat([x, x], 1)[:, ::2],
    "dead max-pool": lambda net, x: x + 0 * F.max_pool2d(x, 3, 1, 1),
    "max-pool that is taken off": lambda net, x: x + F.max_pool2d(x, 3, 1, 1) - F.max_pool2d(x, 3, 1, 1),
    "unused max-pool": unused,
    "dead layer norm": lambda net, x: x + 0 * F.layer_norm(x, (SIDE, SIDE)),
    "softmax alone": lambda net, x: x.softmax(1),
    "product alone": lambda net, x: x @ x.transpose(2, 3),
    "in training": lambda net, x: F.max_pool2d(x, 3, 1, 1) if net.training else x,
}


def named(flow: Flow) -> set[OperatorName]:
    return {name for name in ALL if operators_named(flow, name)}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("depthwise", {"depthwise"}),
        ("depthwise with a multiplier", {"depthwise"}),
        ("grouped", {"grouped"}),
        ("dilated", {"dilated"}),
        ("dilated along one side", {"dilated"}),
        ("dilated 1x1", {"1x1-convolution"}),
        ("strided", {"strided-convolution"}),
        ("strided along one side", {"strided-convolution"}),
        ("transposed", {"transposed-convolution"}),
        ("one by one", {"1x1-convolution"}),
        ("plain", set()),
        ("max-pool", {"max-pool"}),
        ("adaptive max-pool", {"max-pool"}),
        ("average-pool", {"average-pool"}),
        ("batch norm", set()),
        ("group norm", {"group-norm"}),
        ("layer norm", {"layer-norm"}),
        ("instance norm", {"instance-norm"}),
        ("rms norm", {"rms-norm"}),
        ("upsampling", {"upsampling"}),
        ("attention", {"attention"}),
        ("attention with weights", {"attention"}),
        ("written out", {"attention"}),
        ("recurrent", {"recurrent"}),
        ("block", {"residual-add"}),
        ("dead block", set()),
        ("embedding", {"embedding"}),
        ("twice the same", set()),
        ("a shift", set()),
        ("another view", set()),
        ("side by side", {"concatenation"}),
        ("the same side by side", set()),
        ("dead max-pool", set()),
        ("max-pool that is taken off", set()),
        ("unused max-pool", set()),
        ("dead layer norm", set()),
        ("softmax alone", set()),
        ("product alone", set()),
        ("in training", set()),
    ],
)
def test_what_an_operator_is_called(how: str, expected: set[OperatorName]) -> None:
    assert named(describe(Net(how), (1, SIDE, SIDE)).flows.evaluation) == expected


@pytest.fixture(scope="module")
def known() -> dict[str, object]:
    """Of a net with a depthwise convolution and two of 1×1."""
    found = describe(nn.Sequential(nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 3, groups=2), nn.Conv2d(2, 3, 1)), (1, 4, 4))
    return {"known": found.facts, "flows": found.flows}


@pytest.mark.parametrize(
    ("setting", "messages"),
    [
        ({"required": ["depthwise"]}, []),
        ({"forbidden": ["max-pool", "dilated"]}, []),
        ({"required": ["depthwise", "1x1-convolution"], "forbidden": ["max-pool"]}, []),
        ({"forbidden": ["1x1-convolution"]}, ["1x1-convolution is forbidden, and used 2 times (0, 2)"]),
        (
            {"required": ["dilated", "max-pool"], "forbidden": ["depthwise"]},
            [
                "dilated is required, and no live operator of the evaluation graph is one (nn.Conv2d(c, d, 3, "
                "dilation=2) is one)",
                "max-pool is required, and no live operator of the evaluation graph is one",
                "depthwise is forbidden, and used 1 time (1)",
            ],
        ),
        ({"required": ["dilated", "dilated"]}, ["dilated is required"]),
    ],
)
def test_required_and_forbidden(known: dict[str, object], setting: object, messages: list[str]) -> None:
    outcome, findings = decide("MC205", setting, **known)  # type: ignore[arg-type]
    assert outcome.outcome == ("fail" if messages else "pass")
    assert len(findings) == len(messages)
    assert all(finding.message.startswith(said) for finding, said in zip(findings, messages, strict=True))


def test_the_counts_are_the_evidence(known: dict[str, object]) -> None:
    setting = {"required": ["1x1-convolution"], "forbidden": ["attention"]}
    outcome, _ = decide("MC205", setting, **known)  # type: ignore[arg-type]
    assert outcome.evidence == "live in evaluation: 2 1x1-convolution, 0 attention"


def test_the_same_name_both_ways_is_refused() -> None:
    with pytest.raises(UsageError, match="depthwise is both required and forbidden"):
        decide("MC205", {"required": ["depthwise"], "forbidden": ["depthwise"]})


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"required": ["maxpool"]}, r"rules\.operators\.required\[0\]: expected one of .*did you mean 'max-pool'\?"),
        ({"forbidden": ["batch-norm"]}, r"rules\.operators\.forbidden\[0\]: expected one of "),
        ({"require": ["max-pool"]}, r"rules\.operators\.require: unknown key .*did you mean 'required'\?"),
        ("error", r"rules\.operators: needs a table with required or forbidden"),
        ({"required": []}, r"rules\.operators: needs a table with required or forbidden"),
    ],
)
def test_unknown_names_are_refused(setting: object, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        decide("MC205", setting)


def test_without_a_graph_it_is_not_run() -> None:
    assert decide("MC205", {"required": ["max-pool"]}, facts())[0].outcome == "not run"
