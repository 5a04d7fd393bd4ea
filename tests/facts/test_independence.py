from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts import independence
from modelcheck.facts.apart import keeps_apart
from modelcheck.facts.compute import compute_facts
from modelcheck.facts.trace import traces
from modelcheck.graph.capture import Capture
from modelcheck.graph.model import GraphModel
from tests.facts.describe import facts

SIDE, OUT = 8, 3
PIXELS = SIDE * SIDE

Forward = Callable[["Net", Tensor], Tensor]


class Net(nn.Module):
    """Whatever is done to the pictures, and a linear layer."""

    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.done = forward
        self.fc, self.token = nn.Linear(PIXELS, OUT), nn.Parameter(torch.randn(1, PIXELS))
        self.conv, self.head = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4, OUT)
        self.bn, self.own = nn.BatchNorm2d(4), nn.BatchNorm2d(4, track_running_stats=False)
        self.gn, self.ln = nn.GroupNorm(2, 4), nn.LayerNorm(SIDE)
        self.attention = nn.MultiheadAttention(SIDE, 2, batch_first=True)
        self.mistaken = nn.MultiheadAttention(SIDE, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.done(self, x)


def squeezed(net: Net, x: Tensor) -> Tensor:
    y = net.bn(net.conv(x)).relu()
    y = y * F.adaptive_avg_pool2d(y, 1).sigmoid()
    return net.head(F.max_pool2d(y, 2).mean((2, 3)))


def shuffled(net: Net, x: Tensor) -> Tensor:
    y = net.gn(net.conv(x))
    one, other = y.view(x.size(0), 2, 2, SIDE, SIDE).transpose(1, 2).reshape(x.size(0), -1, SIDE, SIDE).chunk(2, 1)
    return net.head(torch.cat([one, other.exp()], 1).amax((2, 3)))


def with_token(net: Net, x: Tensor) -> Tensor:
    rows = torch.cat([net.token.view(1, 1, PIXELS).expand(x.shape[0], -1, -1), x.flatten(1).unsqueeze(1)], 1)
    scores = torch.softmax(rows @ rows.transpose(1, 2), -1)
    return net.fc((scores @ rows)[:, 0])


def dropped(net: Net, x: Tensor) -> Tensor:
    return net.fc(F.dropout(net.ln(x).flatten(1), 0.5, net.training))


def in_place(net: Net, x: Tensor) -> Tensor:
    x = x.clone().mul_(2).sub_(1)
    x[:, :, 0] = 0
    return net.fc(x.flatten(1))


def windows(net: Net, x: Tensor) -> Tensor:
    """Attention within the quarters of the map, each a batch of its own, as in Swin."""
    n, half = x.shape[0], SIDE // 2
    parts = x.view(n, 2, half, 2, half).permute(0, 1, 3, 2, 4).reshape(n * 4, half, half)
    scores = (parts @ parts.transpose(1, 2)).view(parts.size(0) // 4, 4, half, half) + net.fc.weight[0, :4].view(
        1, 4, 1, 1
    )
    parts = scores.view(-1, half, half).softmax(-1) @ parts
    return net.fc(parts.view(n, 2, 2, half, half).permute(0, 1, 3, 2, 4).reshape(n, -1))


def one_matrix(net: Net, x: Tensor) -> Tensor:
    """Queries, keys and values of one tensor, unbound as in timm."""
    n = x.shape[0]
    q, k, v = torch.stack([x, x.exp(), x.sin()], 1).reshape(n, 3, SIDE, 2, 4).permute(1, 0, 3, 2, 4).unbind(0)
    return net.fc(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, SIDE, SIDE).flatten(1))


SHOWN: dict[str, Forward] = {
    "linear": lambda net, x: net.fc(x.view(-1, PIXELS)),
    "squeeze and excite": squeezed,
    "channel shuffle": shuffled,
    "token": with_token,
    "dropout": dropped,
    "log-probabilities": lambda net, x: F.log_softmax(net.fc(x.flatten(1)), 1),
    "attention in one": lambda net, x: net.fc(F.scaled_dot_product_attention(*[x[:, 0]] * 3).flatten(1)),
    "attention": lambda net, x: net.fc(net.attention(x[:, 0], x[:, 0], x[:, 0])[0].flatten(1)),
    "heads of one matrix": one_matrix,
    "windows": windows,
    "input changed in place": lambda net, x: net.fc(x.sub_(0.5).flatten(1)),
    "padded": lambda net, x: net.head(net.conv(F.pad(x, (1, 1))).mean((2, 3))),
    "upsampled": lambda net, x: net.head(F.interpolate(net.conv(x), scale_factor=2.0).mean((2, 3))),
    "einsum": lambda net, x: torch.einsum("nchw,kw->nk", x, net.fc.weight[:, :SIDE]),
    "there and back": lambda net, x: net.fc(x.flatten(1).t().contiguous().t()),
    "repeated": lambda net, x: net.fc(x.flatten(1) + net.token.repeat(x.shape[0], 1)),
    "rolled": lambda net, x: net.fc(x.roll((1, 2), (2, 3)).flatten(1)),
    "random": lambda net, x: net.fc(F.dropout(x.movedim(0, -1).movedim(-1, 0).flatten(1), 0.5)),
}
TRIED: dict[str, Forward] = {
    "in place": in_place,
    "nothing of the others": lambda net, x: net.fc(x.flatten(1) + 0 * x.flatten(1).mean(0)),
    "chosen": lambda net, x: net.fc(x.flatten(1)[:, torch.arange(PIXELS).flip(0)]),
    "complex": lambda net, x: net.fc(torch.view_as_real(torch.complex(x, x)).sum(-1).flatten(1)),
    "random": lambda net, x: net.fc(F.dropout(x.flatten(1)[:, torch.arange(PIXELS).flip(0)], 0.5)),
}
MIXING: dict[str, Forward] = {
    "halves of a row": lambda net, x: net.fc(x.reshape(-1, 2, PIXELS // 2).roll(1, 0).reshape(x.shape[0], -1)),
    "einsum": lambda net, x: net.fc(torch.einsum("nchw,mchw->mchw", x, x).flatten(1)),
    "stacked": lambda net, x: net.fc(torch.stack([x.flatten(1), x.flatten(1).roll(1, 0)], 1).mean(1)),
    "complex": lambda net, x: net.fc((x + torch.view_as_real(torch.complex(x, x)).mean(0)[..., 0]).flatten(1)),
    "heads of another": lambda net, x: net.fc(
        F.scaled_dot_product_attention(*[x[:, 0].transpose(0, 1)] * 3).transpose(0, 1).flatten(1)
    ),
    "statistics of the batch": lambda net, x: net.head(net.own(net.conv(x)).relu().mean((2, 3))),
    "attention over the batch": lambda net, x: net.fc(net.mistaken(x[:, 0], x[:, 0], x[:, 0])[0].flatten(1)),
    "mean": lambda net, x: net.fc(x.flatten(1) - x.flatten(1).mean(0)),
    "a millionth of the mean": lambda net, x: net.fc(x.flatten(1) - 1e-6 * x.flatten(1).mean(0)),
    "softmax over the batch": lambda net, x: net.fc(x.flatten(1)).softmax(0),
    "the one before": lambda net, x: net.fc(x.flatten(1).cumsum(0)),
    "the one behind": lambda net, x: net.fc(x.flatten(1).flip(0).cumsum(0).flip(0)),
    "the first": lambda net, x: net.fc(x.flatten(1) - x.flatten(1)[:1]),
    "the last": lambda net, x: net.fc(x.flatten(1) - x.flatten(1)[-1:]),
    "the next": lambda net, x: net.fc(x.flatten(1) + x.flatten(1).roll(1, 0)),
    "compared": lambda net, x: net.fc(x.flatten(1)) + 1e-5 * (x.flatten(1) > x.mean()).float()[:, :OUT],
    "number removed": lambda net, x: net.fc(x.flatten(1)) + 1e-5 * x.flatten(1).mean(0).nan_to_num()[:OUT],
    "the batch's size": lambda net, x: net.fc(x.flatten(1)) / x.shape[0],
    "the place": lambda net, x: net.fc(x.flatten(1)) + torch.arange(x.shape[0])[:, None],
    "samples as channels": lambda net, x: net.fc(F.avg_pool2d(x[:, 0], 3, 1, 1).roll(1, 0).flatten(1)),
    "reshaped": lambda net, x: net.fc(x.flatten(1).t().reshape(-1, PIXELS)),
    "every second": lambda net, x: net.fc((x - x.flatten(1)[0, 0]).flatten(1)),
    "in place": lambda net, x: net.fc(x.clone().index_add(0, torch.tensor([0, 1]), x[:2].flip(0)).flatten(1)),
}


def shown(capture: Capture) -> bool:
    return keeps_apart(traces(GraphModel(capture, device="meta"))[2])


def found(capture: Capture, *, proof: bool = True) -> bool | None:
    with pytest.MonkeyPatch.context() as patch:
        if not proof:
            patch.setattr(independence, "keeps_apart", lambda trace: False)
        return compute_facts(capture).facts.batch_independent


@pytest.mark.parametrize("how", [*(f"shown: {name}" for name in SHOWN), *(f"tried: {name}" for name in TRIED)])
def test_a_sample_s_output_is_its_own(how: str) -> None:
    kind, _, name = how.partition(": ")
    capture = capture_model(Net({"shown": SHOWN, "tried": TRIED}[kind][name]), (1, SIDE, SIDE))
    assert shown(capture) is (kind == "shown")
    assert found(capture) is True
    assert found(capture, proof=False) is True, "a proof must agree with a trial"


@pytest.mark.parametrize("how", MIXING)
def test_a_sample_s_output_depends_on_the_others(how: str) -> None:
    capture = capture_model(Net(MIXING[how]), (1, SIDE, SIDE))
    assert not shown(capture)
    assert found(capture) is False


@pytest.mark.parametrize(
    ("forward", "expected"),
    [(SHOWN["linear"], True), (TRIED["in place"], None), (MIXING["mean"], None)],
)
def test_without_weights_only_the_operators_tell(forward: Forward, expected: bool | None) -> None:
    with torch.device("meta"):
        model = Net(forward)
    assert facts(model, (1, SIDE, SIDE)).batch_independent is expected


def test_an_output_without_a_row_for_each_sample() -> None:
    assert facts(Net(lambda net, x: net.fc(x.flatten(1)).sum(0)), (1, SIDE, SIDE)).batch_independent is None


@pytest.mark.parametrize("name", ["resnet18", "shufflenet_v2_x0_5", "vit_b_16"])
def test_published_networks_keep_samples_apart(name: str) -> None:
    with torch.device("meta"):
        model = torchvision.models.get_model(name)
    side = 224 if "vit" in name else 64
    assert facts(model, (3, side, side)).batch_independent is True
